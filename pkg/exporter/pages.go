package exporter

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/rest"
)

// mostRestarts bounds how often a list begins again because its continue token
// expired before it reached the end.
const mostRestarts = 3

// errGarbled means that a server, or something between, answered with what is no
// list. The same request may succeed a little later.
var errGarbled = errors.New("the answer is no list")

// pages lists all objects of a type, page by page, and returns the resourceVersion
// at which the list is true. When the server forgets the list half-way, restarted
// is called and the list begins again; what take has seen until then may be stale.
func (e *Exporter) pages(ctx context.Context, t Type, take func(items []map[string]any) error, restarted func()) (string, error) {
	ctx = withType(ctx, t)
	token, restarts := "", 0
	size := newPageSize(e.options.PageSize)

	for {
		page, err := e.page(ctx, t, size.limit, token)
		switch {
		case err != nil && token != "" && isExpired(err) && restarts < mostRestarts:
			restarts++
			token = ""
			e.options.Log.Info("a list took longer than the server remembers; it begins again", "type", t.String())
			restarted()
			continue
		case err != nil:
			return "", err
		case page.next != "" && page.next == token:
			return "", fmt.Errorf("%w: it continues where it already was", errGarbled)
		}
		size.learn(len(page.items), page.bytes)
		if err := take(page.items); err != nil {
			return "", err
		}
		if page.next == "" {
			return page.resourceVersion, nil
		}
		token = page.next
	}
}

// page is one page of a list.
type page struct {
	items           []map[string]any
	next            string
	resourceVersion string
	// bytes is the size of the answer.
	bytes int
}

func (e *Exporter) page(ctx context.Context, t Type, limit int64, token string) (page, error) {
	var p page
	err := retry(ctx, e.timing.request, func(ctx context.Context) error {
		request := e.get(t.path()).Param("limit", strconv.FormatInt(limit, 10))
		if token != "" {
			request.Param("continue", token)
		}
		data, err := body(request.Do(ctx))
		if err != nil {
			return err
		}
		var list map[string]any
		if err := json.Unmarshal(data, &list); err != nil {
			return fmt.Errorf("%w: %w", errGarbled, err)
		}
		p, err = pageOf(t, list)
		p.bytes = len(data)
		return err
	})

	return p, err
}

// pageOf reads a decoded list. The items of built-in lists do not repeat the kind
// and the version that the list has.
//
// An answer that could pass for an empty list and is none would delete every file
// of the type, so the parts that make it a list must be there, even when there is
// nothing in them.
func pageOf(t Type, list map[string]any) (page, error) {
	if kind, _ := list["kind"].(string); kind == "Status" {
		return page{}, fmt.Errorf("%w but a Status", errGarbled)
	}
	metadata, ok := list["metadata"].(map[string]any)
	if !ok {
		return page{}, fmt.Errorf("%w: it has no metadata", errGarbled)
	}
	var p page

	p.next, _ = metadata["continue"].(string)
	if p.resourceVersion, _ = metadata["resourceVersion"].(string); p.resourceVersion == "" {
		return page{}, fmt.Errorf("%w: it does not say at which resourceVersion it is true", errGarbled)
	}
	each, ok := list["items"]
	items, isList := each.([]any)
	if !ok || !isList && each != nil {
		return page{}, fmt.Errorf("%w: it has no items", errGarbled)
	}

	p.items = make([]map[string]any, 0, len(items))
	for i, each := range items {
		item, ok := each.(map[string]any)
		if !ok {
			return page{}, fmt.Errorf("%w: item %d is no object", errGarbled, i)
		}
		if text, _ := item["apiVersion"].(string); text == "" {
			item["apiVersion"] = t.GroupVersionResource.GroupVersion().String()
		}
		if text, _ := item["kind"].(string); text == "" {
			item["kind"] = t.Kind
		}
		p.items = append(p.items, item)
	}

	return p, nil
}

// isAbsent reports whether the type itself is not served.
func isAbsent(err error) bool {
	return apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err)
}

// body returns what the server answered. Unlike [rest.Result.Raw], it reads the
// reason of a refusal.
func body(result rest.Result) ([]byte, error) {
	if err := result.Error(); err != nil {
		return nil, err
	}
	return result.Raw()
}
