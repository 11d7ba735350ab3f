package faultproxy

import (
	"io"
	"net/http"
)

// CloseWatch ends a watch in order, at once and without an event.
func CloseWatch() Fault { return Answer("application/json", "") }

// Silent holds a watch open, sends its header and nothing else: no event, no
// bookmark.
func (p *Proxy) Silent() Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		_ = http.NewResponseController(w).Flush()
		p.neverAnswer(r)
	}
}

// ForgetWatch ends a watch with an ERROR event: the server has forgotten the
// resourceVersion.
func ForgetWatch() Fault {
	return Answer("application/json",
		`{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version: 1 (2)","reason":"Expired","code":410}}`+"\n")
}

// BreakWatch ends a watch in the middle of an event.
func BreakWatch() Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"type":"DELETED","object":{"kind":`)
		_ = http.NewResponseController(w).Flush()
		reset(w)
	}
}
