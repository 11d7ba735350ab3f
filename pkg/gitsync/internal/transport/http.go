package transport

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"

	"github.com/appbur/appbur/internal/deadpeer"
)

// userAgent begins as git's does: forges decide by it whether to speak Git.
const userAgent = "git/2 (appbur)"

// postBuffer is up to where a request is sent in one piece.
const postBuffer = 1 << 20

// httpConn is a session over the smart HTTP protocol: one request for the refs and
// one for everything else.
type httpConn struct {
	ctx     context.Context
	client  *http.Client
	base    string
	service string
	login   func(*http.Request)
	dog     *watchdog

	first io.ReadCloser
	once  sync.Once
	last  io.ReadCloser
}

func dialHTTP(ctx context.Context, remote Remote, service string, o Options, dog *watchdog) (conn, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(remote.Credentials.CA) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(remote.Credentials.CA) {
			return nil, misconfigured(errors.New("the CA file of the remote holds no PEM certificate"), "it begins with -----BEGIN CERTIFICATE-----")
		}
	}

	w := &httpConn{
		ctx: ctx, service: service, dog: dog,
		base: remote.URL.scheme + "://" + remote.URL.host + remote.URL.path,
		// A transport of its own: a session is over when it is over, and nothing of it
		// (a half-dead connection, a login) is used again.
		client: &http.Client{
			Transport: &http.Transport{
				TLSClientConfig: config, Proxy: o.Proxy, DisableCompression: true, DialContext: deadpeer.Dialer().DialContext,
			},
			CheckRedirect: checkRedirect,
		},
		login: func(r *http.Request) {
			switch c := remote.Credentials; {
			case c.BearerToken != "":
				r.Header.Set("Authorization", "Bearer "+c.BearerToken)
			case c.Username != "" || c.Password != "":
				r.SetBasicAuth(c.Username, c.Password)
			}
		},
	}

	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base+"/info/refs?service="+service, nil)
	if err != nil {
		return nil, err
	}
	answer, err := w.do(request, "application/x-"+service+"-advertisement")
	if err != nil {
		return nil, err
	}

	// After a redirect the rest is where the server said.
	landed := *answer.Request.URL
	landed.RawQuery = ""
	w.base = strings.TrimSuffix(landed.String(), "/info/refs")
	w.first = answer.Body
	return w, nil
}

// checkRedirect follows a server to another path of its own only: credentials and
// backups are for the machine that was named.
func checkRedirect(request *http.Request, via []*http.Request) error {
	from, to := via[0].URL, request.URL
	if from.Host != to.Host || from.Scheme != to.Scheme {
		return misconfigured(fmt.Errorf("the server sends us elsewhere, to %s://%s", to.Scheme, to.Host),
			"if that is right, use that URL for the remote")
	}
	if len(via) > 5 {
		return NewError(NotUnderstood, "", errors.New("the server redirects in circles"))
	}
	return nil
}

// do sends a request and demands an answer of a type.
func (w *httpConn) do(request *http.Request, want string) (*http.Response, error) {
	request.Header.Set("User-Agent", userAgent)
	w.login(request)
	answer, err := w.client.Do(request)
	if err != nil {
		return nil, err
	}
	w.dog.touch()
	answer.Body = struct {
		io.Reader
		io.Closer
	}{w.dog.reader(answer.Body), answer.Body}

	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if answer.StatusCode == http.StatusOK && kind == want {
		return answer, nil
	}
	defer func() { _ = answer.Body.Close() }()
	said := ""
	if kind == "text/plain" || kind == "" {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, maxSaid))
		said = string(text)
	}
	if answer.StatusCode == http.StatusOK {
		return nil, NewError(NotGit, "", fmt.Errorf("the server answers with %q, not with Git's smart protocol", kind))
	}
	return nil, NewError(stateOfStatus(answer.StatusCode, said), said, fmt.Errorf("the server answers %s", answer.Status))
}

// stateOfStatus gives an HTTP status its meaning.
func stateOfStatus(status int, said string) State {
	switch status {
	case http.StatusUnauthorized, http.StatusProxyAuthRequired:
		return Unauthenticated
	case http.StatusForbidden:
		if state, ok := stateSaid(said); ok {
			return state
		}
		return Forbidden
	case http.StatusNotFound, http.StatusGone:
		return NotFound
	case http.StatusRequestEntityTooLarge:
		return TooLarge
	case http.StatusInsufficientStorage:
		return Full
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusTooManyRequests:
		return Unreachable
	case http.StatusRequestTimeout:
		return Interrupted
	}

	return NotUnderstood
}

func (w *httpConn) read() io.Reader { return w.first }

// request implements [conn]. The request streams: nothing of a pack is held in memory.
func (w *httpConn) request(send func(io.Writer) error) (io.Reader, error) {
	body, out := io.Pipe()
	go func() { _ = out.CloseWithError(send(w.dog.writer(out))) }()

	// What is small goes with its length, because some servers want one; what is
	// large goes in chunks. git does the same (http.postBuffer).
	head := make([]byte, postBuffer)
	n, err := io.ReadFull(body, head)

	var content io.Reader = bytes.NewReader(head[:n])
	switch {
	case err == nil:
		content = struct{ io.Reader }{io.MultiReader(content, body)}
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return nil, err // sending failed here
	}

	request, err := http.NewRequestWithContext(w.ctx, http.MethodPost, w.base+"/"+w.service, content)
	if err != nil {
		_ = body.CloseWithError(err)
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-"+w.service+"-request")
	request.Header.Set("Accept", "application/x-"+w.service+"-result")
	answer, err := w.do(request, "application/x-"+w.service+"-result")
	if err != nil {
		_ = body.CloseWithError(io.ErrClosedPipe)
		return nil, err
	}
	w.last = answer.Body
	return answer.Body, nil
}

// said implements [conn]: over HTTP there is nothing beside the protocol.
func (w *httpConn) said() string { return "" }

// end implements [conn].
func (w *httpConn) end() {
	w.once.Do(func() {
		_ = w.first.Close()
		if w.last != nil {
			_ = w.last.Close()
		}
		w.client.CloseIdleConnections()
	})
}
