package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/appbur/appbur/internal/audit"
)

// apiVersion is of the lists that are read.
const apiVersion = "audit.k8s.io/v1"

// serve answers one batch.
func (r *Receiver) serve(w http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPost {
		http.Error(w, "audit events are sent with POST", http.StatusMethodNotAllowed)
		return
	}
	select {
	case r.places <- struct{}{}:
		defer func() { <-r.places }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "other batches are being read", http.StatusTooManyRequests)
		return
	}

	err := r.batch(http.MaxBytesReader(w, request.Body, r.o.Body))
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil && !r.o.Wanted():
		http.Error(w, "somebody else takes events now", http.StatusServiceUnavailable)
	case err == nil:
		w.WriteHeader(http.StatusOK)
	case errors.As(err, &tooLarge):
		r.intake.Refuse(audit.ReasonTooLarge)
		r.o.Log.Warn("a batch of audit events was refused because it is too large", "bytes", r.o.Body)
		http.Error(w, "the batch is too large", http.StatusRequestEntityTooLarge)
	default:
		r.o.Log.Warn("a batch of audit events cannot be read", "reason", err.Error())
		http.Error(w, "the batch cannot be read", http.StatusBadRequest)
	}
}

// batch takes in the events of a list, one after the other, so that not all of them are in memory.
func (r *Receiver) batch(body io.Reader) error {
	decoder := json.NewDecoder(body)
	if err := expect(decoder, json.Delim('{')); err != nil {
		return err
	}
	kind, version, items := "", "", false
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return fmt.Errorf("reading a list of events: %w", err)
		}
		switch name {
		case "kind":
			err = decoder.Decode(&kind)
		case "apiVersion":
			err = decoder.Decode(&version)
		case "items":
			items = true
			err = r.items(decoder)
		default:
			err = decoder.Decode(new(json.RawMessage))
		}
		if err != nil {
			return fmt.Errorf("reading a list of events: %w", err)
		}
	}

	if err := expect(decoder, json.Delim('}')); err != nil {
		return err
	}
	if kind != "EventList" || version != apiVersion || !items {
		return fmt.Errorf("this is %s of %s and not EventList of %s", orNothing(kind), orNothing(version), apiVersion)
	}
	return nil
}

// items takes in each event.
func (r *Receiver) items(decoder *json.Decoder) error {
	if err := expect(decoder, json.Delim('[')); err != nil {
		return err
	}
	for decoder.More() {
		var event json.RawMessage
		if err := decoder.Decode(&event); err != nil {
			return err
		}
		if int64(len(event)) > r.o.Event {
			r.intake.Refuse(audit.ReasonTooLarge)
			continue
		}
		r.intake.Take(event)
	}
	return expect(decoder, json.Delim(']'))
}

func expect(decoder *json.Decoder, want json.Delim) error {
	token, err := decoder.Token()
	if err != nil {
		return fmt.Errorf("reading a list of events: %w", err)
	}
	if token != want {
		return fmt.Errorf("%v stands where %s is expected", token, want)
	}
	return nil
}

func orNothing(text string) string {
	if text = strings.TrimSpace(text); text == "" {
		return "nothing"
	}
	return fmt.Sprintf("%.40q", text)
}
