package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A list that a server cannot make is asked for once; one that it has no time for is asked for again.
func TestWhatCannotBeListedIsGivenUpAtOnce(t *testing.T) {
	for said, want := range map[string]string{
		`{"message": "storage is (re)initializing: conversion webhook for example.org/v1, Kind=Gadget failed: no service"}`: "",
		`{"message": "too many requests, please try again later"}`:                                                          "7",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
			out.Header().Set("Retry-After", "7")
			out.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(out, said)
		}))

		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := soonUnlisted{http.DefaultTransport}.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil || string(body) != said || answer.Header.Get("Retry-After") != want {
			t.Errorf("%s: again after %q: %s, %v", said, answer.Header.Get("Retry-After"), body, err)
		}
		_ = answer.Body.Close()
		server.Close()
	}
}
