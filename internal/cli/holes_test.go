package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/appbur/appbur"
)

// Many types with one trouble are one warning, and what stays from before is not
// counted as saved.
func TestHolesAreGrouped(t *testing.T) {
	forbidden := func(kind string) appbur.TypeCoverage {
		resource := strings.ToLower(kind) + "s"
		return appbur.TypeCoverage{
			Kind:   kind,
			Reason: fmt.Sprintf("the account may not read this: %s is forbidden: User \"u\" cannot list resource %q", resource, resource),
		}
	}
	coverage := appbur.Coverage{Types: []appbur.TypeCoverage{{Kind: "ConfigMap", Complete: true, Saved: 3, Excluded: 2}}}
	for _, kind := range []string{"Secret", "Service", "Pod", "Node", "Event", "Endpoints", "Job", "Role"} {
		coverage.Types = append(coverage.Types, forbidden(kind))
	}
	coverage.Types = append(coverage.Types,
		appbur.TypeCoverage{
			Kind: "LimitRange", Complete: true, Failed: 300,
			Unsaved: []appbur.Unsaved{
				{Namespace: "a", Name: "b", Reason: "its file would be too large"},
				{Name: "c", Reason: "its file would be too large"},
			},
		},
		appbur.TypeCoverage{
			Group: "example.com", Kind: "Gadget", Saved: 1,
			Reason: "its objects cannot be converted to the version that is read: conversion webhook failed",
		})
	coverage.Groups = []appbur.GroupFailure{
		{GroupVersion: "a.example.com/v1", Reason: "no backend"},
		{GroupVersion: "b.example.com/v1", Reason: "no backend"},
		{GroupVersion: "metrics.k8s.io/v1", Virtual: true},
	}

	var got []string
	for _, h := range holesOf(coverage) {
		got = append(got, h.String())
	}
	want := []string{
		`8 types could not be read, what was saved before stays: the account may not read this, for example: secrets is forbidden: User "u" cannot list resource "secrets"; ` +
			"these are Secret, Service, Pod, Node, Event, Endpoints and 2 more (`appbur points show --json` has them)",
		"300 objects could not be saved, what was saved before stays: its file would be too large; these are LimitRange/a/b, LimitRange/c and 298 more (`appbur points show --json` has them)",
		"Gadget.example.com could not be read, what was saved before stays: its objects cannot be converted to the version that is read: conversion webhook failed",
		"2 API groups could not be discovered, what was saved before stays: no backend; these are a.example.com/v1, b.example.com/v1",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}

	if got, want := objectsText(coverage,
		10), "3 saved, 7 kept from before and not read now, 2 left out by rules, 2 of 11 types read"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	whole := appbur.Coverage{Types: coverage.Types[:1]}
	if got, want := objectsText(whole, 3), "3 saved, 2 left out by rules, 1 types read"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
