// Package web is the little that the HTTP APIs of both fleet versions share:
// strict JSON in, JSON out, and one place that turns errors into status codes.
package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// The errors that callers of the API are told about. Everything else is a failure
// of the service.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	ErrInvalid  = errors.New("invalid")
)

// longestBody bounds requests.
const longestBody = 1 << 20

// Handle answers with what f returns: its value as JSON with the given status, or
// its error.
func Handle(status int, f func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		value, err := f(r)
		if err != nil {
			status := statusOf(err)
			message := err.Error()
			if status == http.StatusInternalServerError {
				message = "the service failed"
			}
			write(w, status, map[string]string{"error": message})
			return
		}
		write(w, status, value)
	})
}

func statusOf(err error) int {
	switch {
	case errors.Is(err, ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, ErrExists):
		return http.StatusConflict
	case errors.Is(err, ErrInvalid):
		return http.StatusBadRequest
	default:
		return http.StatusInternalServerError
	}
}

func write(w http.ResponseWriter, status int, value any) {
	if value == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the caller went away
}

// Body reads the one JSON value of a request and refuses unknown fields.
func Body[T any](r *http.Request) (T, error) {
	var value T
	decoder := json.NewDecoder(io.LimitReader(r.Body, longestBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&value); err != nil {
		return value, fmt.Errorf("%w request body: %w", ErrInvalid, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return value, fmt.Errorf("%w request body: something follows the value", ErrInvalid)
	}
	return value, nil
}
