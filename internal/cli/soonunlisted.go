package cli

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/appbur/appbur/pkg/restore"
)

// soonUnlisted has a client give up at once what a server cannot list, because nobody answers for the
// conversion webhook of the kind. The server asks for another try, later each time, and the client would
// follow that for minutes.
type soonUnlisted struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (s soonUnlisted) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := s.next.RoundTrip(r)
	if err != nil || answer.StatusCode != http.StatusTooManyRequests {
		return answer, err
	}
	said, err := io.ReadAll(answer.Body)
	if closed := answer.Body.Close(); err != nil || closed != nil {
		return nil, errors.Join(err, closed)
	}
	answer.Body = io.NopCloser(bytes.NewReader(said))
	if restore.IsUnconverted(errors.New(string(said))) {
		answer.Header.Del("Retry-After")
	}
	return answer, nil
}
