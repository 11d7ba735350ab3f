package exporter

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// A conversion webhook can quote what it was given; other messages stay.
func TestReasonsDoNotQuoteObjects(t *testing.T) {
	const cause = "its objects cannot be converted to the version that is read: "
	const kept = "conversion webhook for example.org/v1alpha1, Kind=Locker failed: its message is not kept, because it can quote what it was to convert"
	for said, want := range map[string]string{
		"conversion webhook for example.org/v1alpha1, Kind=Locker failed: no idea what hunter2\nand hunter3 are": cause + kept,
		"Internal error: conversion webhook for example.org/v1alpha1, Kind=Locker failed: Post: hunter2": cause + "Internal error: " +
			kept,
		"the server is currently unable to handle the request": "the server is currently unable to handle the request",
	} {
		if got := reasonOf(fmt.Errorf("%w", errors.New(said))); got != want {
			t.Errorf("reasonOf(%q)\n got %q\nwant %q", said, got, want)
		}
	}
}

// An error without the webhook's words is still the error that it was.
func TestErrorWithoutConversion(t *testing.T) {
	status := apierrors.NewInternalError(errors.New("conversion webhook for example.org/v1, Kind=Locker failed: what is hunter2"))
	err := WithoutConversion(fmt.Errorf("reading it: %w", status))
	if strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "Kind=Locker failed") || !apierrors.IsInternalError(err) {
		t.Errorf("%v", err)
	}
	other := errors.New("no route to host")
	if got := WithoutConversion(other); got != other { //nolint:errorlint // the very same
		t.Errorf("%v", got)
	}
	if WithoutConversion(nil) != nil {
		t.Error("nil became an error")
	}
}
