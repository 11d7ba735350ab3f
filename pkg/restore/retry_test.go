package restore

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// What client-go makes of an answer that breaks off in its middle passes by itself, as a
// connection does that breaks before.
func TestWhatBreaksOffIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{&url.Error{Op: "Patch", URL: "https://a", Err: io.EOF}, true},
		{fmt.Errorf("stream error when reading response body, may be caused by closed connection. Please retry. Original error: %w",
			errors.New("stream error: stream ID 925; INTERNAL_ERROR; received from peer")), true},
		{fmt.Errorf("unexpected error when reading response body. Please retry. Original error: %w", io.ErrUnexpectedEOF), true},
		{apierrors.NewInternalError(errors.New(`failed calling webhook "w"`)), true},
		{apierrors.NewBadRequest("no"), false},
		{errors.New("reading the answer of the server: invalid character"), false},
		{nil, false},
	} {
		if got := IsTransient(c.err); got != c.want {
			t.Errorf("%v: %t", c.err, got)
		}
	}
}
