package exporter

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Deprecation is a deprecated API that a client has requested from the API server
// since it was started. It is evidence that a client must change before the
// release that removes the API.
type Deprecation struct {
	Group    string `json:"group"`
	Version  string `json:"version"`
	Resource string `json:"resource"`
	// Subresource is "" for the resource itself.
	Subresource string `json:"subresource,omitempty"`
	// RemovedRelease is the first release without the API, as "1.25"; "" when the
	// server does not say.
	RemovedRelease string `json:"removedRelease,omitempty"`
}

// DeprecationEvidence says which deprecated APIs are in use, as far as the cluster
// tells.
type DeprecationEvidence struct {
	// Requested are the APIs that the metrics of one API server name; with several
	// servers behind one address the others may know more.
	Requested []Deprecation `json:"requested"`
	// Unreadable says why Requested could not be read, "" when it was. An empty list
	// that was read is evidence, one that was not is none.
	Unreadable string `json:"unreadable,omitempty"`
	// Warnings are what the server remarked on the requests of this exporter.
	Warnings []Warning `json:"warnings"`
}

// Deprecations reads which deprecated APIs were requested, from the metrics of the
// API server, and adds the warnings seen by this exporter so far. Metrics that the
// credentials may not read, or that are not served, are no error.
func (e *Exporter) Deprecations(ctx context.Context) (DeprecationEvidence, error) {
	evidence := DeprecationEvidence{Requested: []Deprecation{}, Warnings: e.warnings.sorted()}
	var data []byte
	err := retry(ctx, e.timing.first(), func(ctx context.Context) error {
		var err error
		data, err = body(e.get("/metrics").SetHeader("Accept", "text/plain").Do(ctx))
		return err
	})
	switch {
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err), apierrors.IsNotFound(err), apierrors.IsNotAcceptable(err):
		evidence.Unreadable = "the metrics of the API server cannot be read: " + reasonOf(err)
		return evidence, nil
	case err != nil:
		return evidence, fmt.Errorf("reading the metrics of the API server: %w", explain(err))
	}
	if evidence.Requested, err = parseDeprecations(bytes.NewReader(data)); err != nil {
		return evidence, fmt.Errorf("reading the metrics of the API server: %w", err)
	}
	return evidence, nil
}

// requestedDeprecated is the metric, a gauge of 1 for each API: KEP-1693.
const requestedDeprecated = "apiserver_requested_deprecated_apis"

// parseDeprecations reads the metric from the Prometheus text format and skips all
// others. Each API is listed once, sorted.
func parseDeprecations(r io.Reader) ([]Deprecation, error) {
	found := make(map[Deprecation]struct{})
	lines := bufio.NewReader(r)

	for {
		line, err := lines.ReadString('\n')
		if err != nil && err != io.EOF {
			return nil, err
		}
		if rest, ok := strings.CutPrefix(line, requestedDeprecated+"{"); ok {
			d, value, parseErr := parseLabels(rest)
			if parseErr != nil {
				return nil, fmt.Errorf("%s: %w", requestedDeprecated, parseErr)
			}
			if value != "0" {
				found[d] = struct{}{}
			}
		}
		if err == io.EOF {
			break
		}
	}

	list := make([]Deprecation, 0, len(found))
	for d := range found {
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b Deprecation) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Version, b.Version),
			cmp.Compare(a.Subresource, b.Subresource), cmp.Compare(a.RemovedRelease, b.RemovedRelease))
	})
	return list, nil
}

// parseLabels reads `name="value",…} 1`, what follows the brace. Values escape
// backslash, quote and newline.
func parseLabels(text string) (Deprecation, string, error) {
	var d Deprecation
	for {
		text = strings.TrimLeft(text, ", ")
		if rest, ok := strings.CutPrefix(text, "}"); ok {
			value, _, _ := strings.Cut(strings.TrimSpace(rest), " ") // a timestamp may follow
			if value == "" {
				return Deprecation{}, "", errors.New("a sample has no value")
			}
			return d, value, nil
		}

		name, rest, ok := strings.Cut(text, `="`)
		if !ok {
			return Deprecation{}, "", fmt.Errorf("a label cannot be read: %.40q", text)
		}
		value, rest, ok := unquote(rest)
		if !ok {
			return Deprecation{}, "", fmt.Errorf("the value of label %q does not end", name)
		}
		text = rest

		switch name {
		case "group":
			d.Group = value
		case "version":
			d.Version = value
		case "resource":
			d.Resource = value
		case "subresource":
			d.Subresource = value
		case "removed_release":
			d.RemovedRelease = value
		}
	}
}

// unquote reads up to the closing quote and returns what comes after it.
func unquote(text string) (value, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"':
			return b.String(), text[i+1:], true
		case c == '\\' && i+1 < len(text):
			i++
			if text[i] == 'n' {
				b.WriteByte('\n')
			} else {
				b.WriteByte(text[i])
			}
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}
