package exporter

import (
	"errors"
	"fmt"
	"testing"
)

// A conversion webhook can quote what it was given; other messages stay.
func TestReasonsDoNotQuoteObjects(t *testing.T) {
	const cause = "its objects cannot be converted to the version that is read: "
	const kept = "conversion webhook for example.org/v1alpha1, Kind=Locker failed: its message is not kept, because it can quote what it was to convert"
	for said, want := range map[string]string{
		"conversion webhook for example.org/v1alpha1, Kind=Locker failed: no idea what hunter2\nand hunter3 are": cause + kept,
		"Internal error: conversion webhook for example.org/v1alpha1, Kind=Locker failed: Post: hunter2":         cause + "Internal error: " + kept,
		"the server is currently unable to handle the request":                                                   "the server is currently unable to handle the request",
	} {
		if got := reasonOf(fmt.Errorf("%w", errors.New(said))); got != want {
			t.Errorf("reasonOf(%q)\n got %q\nwant %q", said, got, want)
		}
	}
}
