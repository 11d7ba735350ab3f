package exporter

import (
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/appbur/appbur/internal/backoff"
)

// watchFor is how long a watch lasts before the server ends it, so that no
// connection is used for ever.
const watchFor = 5 * time.Minute

// errSilent ends a watch without events and bookmarks.
var errSilent = errors.New("the watch fell silent")

// errFrame marks a watch whose stream broke off or cannot be read.
var errFrame = errors.New("the watch broke off")

// errBack ends a watch that the server takes again after an outage.
var errBack = errors.New("the server answers again")

// streamed is what came of one watch request.
type streamed struct {
	// opened is when the server took the watch, zero when it did not.
	opened time.Time
	frames int
}

// worked reports whether a watch that ended now was one, and not only an answer that
// ends at once.
func (s streamed) worked(now time.Time, brief time.Duration) bool {
	return s.frames > 0 || !s.opened.IsZero() && now.Sub(s.opened) > brief
}

// isBroken reports whether a watch may be continued where it ended.
func isBroken(err error) bool { return errors.Is(err, errSilent) || errors.Is(err, errFrame) }

// stream runs one watch request until it ends and counts what it received. It
// keeps the resourceVersion up to date after each event that was handled. A watch
// that the server ended in order has no error. since is when the watch stopped to
// work, zero right after a list: when the server takes the watch again so much later
// that it may have another store by now, nothing is received ([errBack]).
func (w *typeWatch) stream(ctx context.Context, since time.Time) (streamed, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(w.exporter.options.Silence, func() { cancel(errSilent) })
	defer silence.Stop()

	body, err := w.exporter.client.Get().AbsPath(w.t.path()).
		Param("watch", "true").
		Param("allowWatchBookmarks", "true").
		Param("resourceVersion", w.resourceVersion).
		Param("timeoutSeconds", strconv.Itoa(int(backoff.Jitter(watchFor, w.t.String()).Seconds()))).
		MaxRetries(0). // a try that is made in secret hides how long the server was away
		Stream(ctx)
	if err != nil {
		if errors.Is(context.Cause(ctx), errSilent) {
			err = errSilent
		}
		return streamed{}, err
	}
	defer func() { _ = body.Close() }()
	w.outage.works()
	seen := streamed{opened: w.exporter.options.Now()}
	if !since.IsZero() && seen.opened.Sub(since) > w.exporter.timing.replaced {
		w.outage.back(since)
		return seen, errBack
	}

	decoder := stdjson.NewDecoder(body)
	for ; ; seen.frames++ {
		var raw stdjson.RawMessage
		err := decoder.Decode(&raw)
		switch {
		case errors.Is(context.Cause(ctx), errSilent):
			return seen, errSilent
		case ctx.Err() != nil:
			return seen, ctx.Err()
		case errors.Is(err, io.EOF):
			return seen, nil
		case err != nil:
			return seen, fmt.Errorf("%w: %w", errFrame, err)
		}
		silence.Reset(w.exporter.options.Silence)
		if err := w.frame(raw); err != nil {
			return seen, err
		}
	}
}

// frame handles one event.
func (w *typeWatch) frame(raw []byte) error {
	var event map[string]any
	if err := json.Unmarshal(raw, &event); err != nil {
		return fmt.Errorf("%w: %w", errFrame, err)
	}
	obj, _ := event["object"].(map[string]any)

	kind, _ := event["type"].(string)
	switch kind {
	case "ADDED", "MODIFIED":
		_, news, err := w.put(obj, kind)
		if err != nil {
			return err
		}
		if news {
			if err := w.covers(); err != nil {
				return err
			}
		}
	case "DELETED":
		if err := w.delete(obj); err != nil {
			return err
		}
	case "BOOKMARK":
	case "ERROR":
		return statusError(obj)
	default:
		return fmt.Errorf("%w: unknown event %q", errFrame, kind)
	}

	if metadata, ok := obj["metadata"].(map[string]any); ok {
		if version, _ := metadata["resourceVersion"].(string); version != "" {
			w.resourceVersion = version
		}
	}
	if definesTypes[w.t.GroupKind()] && event["type"] != "BOOKMARK" {
		w.signal()
	}
	return nil
}

// statusError makes an error of the Status that a watch ends with.
func statusError(obj map[string]any) error {
	code, _ := obj["code"].(int64)
	reason, _ := obj["reason"].(string)
	message, _ := obj["message"].(string)
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: int32(code), Reason: metav1.StatusReason(reason), Message: message,
	}}
}
