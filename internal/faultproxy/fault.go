package faultproxy

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"
)

// Status answers as API servers refuse: a Status object with this code, reason and
// message.
func Status(code int, reason, message string) Fault { return refuse(code, reason, message, 0) }

// TooManyRequests refuses because of overload and names a pause in seconds.
func TooManyRequests(retryAfter int) Fault {
	return refuse(http.StatusTooManyRequests, "TooManyRequests",
		"the server has received too many requests and has asked us to try again later", retryAfter)
}

// Unavailable is what an API server answers for an aggregated API without a backend.
func Unavailable() Fault {
	return refuse(http.StatusServiceUnavailable, "ServiceUnavailable", "the server is currently unable to handle the request", 0)
}

// Expired is the answer to a continue token or a resourceVersion that the server
// has forgotten.
func Expired() Fault {
	return refuse(http.StatusGone, "Expired", "The provided continue parameter is too old to display a consistent list result.", 0)
}

func refuse(code int, reason, message string, retryAfter int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		status := map[string]any{
			"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure", "code": code,
			"reason": reason, "message": message,
		}
		if retryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
			status["details"] = map[string]any{"retryAfterSeconds": retryAfter}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(status)
	}
}

// Answer sends this body with status 200, as a broken load balancer does.
func Answer(contentType, body string) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}
}

// Garbage answers 200 with something that is no JSON.
func Garbage() Fault { return Answer("application/json", `{"kind":"List","metadata":{]`) }

// Truncate passes on half of the real answer and ends it as if it were complete, which
// is JSON that stops in the middle.
func Truncate() Fault {
	return func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
		answer := ask(r, forward)
		copyHead(w, answer)
		_, _ = w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
	}
}

// BreakOff passes on half of the real answer and resets the connection, or the
// stream on HTTP/2.
func BreakOff() Fault {
	return func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
		answer := ask(r, forward)
		copyHead(w, answer)
		_, _ = w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
		_ = http.NewResponseController(w).Flush()
		reset(w)
	}
}

// Reset resets the connection, or the stream on HTTP/2, without an answer.
func Reset() Fault { return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { reset(w) } }

func reset(w http.ResponseWriter) {
	if hijacker, ok := w.(http.Hijacker); ok {
		if connection, _, err := hijacker.Hijack(); err == nil {
			if plain, ok := rawConnection(connection).(*net.TCPConn); ok {
				_ = plain.SetLinger(0) // an end by RST
			}
			_ = rawConnection(connection).Close()
			return
		}
	}
	panic(http.ErrAbortHandler)
}

// rawConnection returns what is below TLS, so that closing says no goodbye.
func rawConnection(connection net.Conn) net.Conn {
	if wrapped, ok := connection.(interface{ NetConn() net.Conn }); ok {
		return wrapped.NetConn()
	}
	return connection
}

// Hang says nothing until the client leaves or the proxy ends.
func (p *Proxy) Hang() Fault {
	return func(_ http.ResponseWriter, r *http.Request, _ http.Handler) { p.neverAnswer(r) }
}

// neverAnswer waits until the client leaves or the proxy ends, and then breaks the
// connection off. Returning would end the answer in order, which a client that is just
// closing its connection may still read.
func (p *Proxy) neverAnswer(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-p.closed:
	}
	panic(http.ErrAbortHandler)
}

// Slow passes on the real answer in this many pieces with a pause before each.
func Slow(pieces int, pause time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
		answer := ask(r, forward)
		copyHead(w, answer)
		body := answer.Body.Bytes()
		for rest := pieces; rest > 0; rest-- {
			select {
			case <-time.After(pause):
			case <-r.Context().Done():
				return
			}
			n := len(body) / rest
			_, _ = w.Write(body[:n])
			_ = http.NewResponseController(w).Flush()
			body = body[n:]
		}
	}
}

// ask returns the real answer, not compressed.
func ask(r *http.Request, forward http.Handler) *httptest.ResponseRecorder {
	r = r.Clone(r.Context())
	r.Header.Set("Accept-Encoding", "identity")
	answer := httptest.NewRecorder()
	forward.ServeHTTP(answer, r)
	return answer
}

func copyHead(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	for name, values := range answer.Header() {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(answer.Code)
}
