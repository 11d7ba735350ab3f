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

// pages lists all objects of a type, page by page, and returns the resourceVersion
// at which the list is true. When the server forgets the list half-way, restarted
// is called and the list begins again; what take has seen until then may be stale.
func (e *Exporter) pages(ctx context.Context, t Type, take func(items []map[string]any) error, restarted func()) (string, error) {
	token, restarts := "", 0
	for {
		page, err := e.page(ctx, t, token)
		switch {
		case err != nil && token != "" && isExpired(err) && restarts < mostRestarts:
			restarts++
			token = ""
			e.options.Log.Info("a list took longer than the server remembers; it begins again", "type", t.String())
			restarted()
			continue
		case err != nil:
			return "", err
		}
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
}

func (e *Exporter) page(ctx context.Context, t Type, token string) (page, error) {
	var data []byte
	err := retry(ctx, e.timing.request, func(ctx context.Context) error {
		request := e.client.Get().AbsPath(t.path()).Timeout(requestTimeout).Param("limit", strconv.FormatInt(e.options.PageSize, 10))
		if token != "" {
			request.Param("continue", token)
		}
		var err error
		data, err = body(request.Do(ctx))
		return err
	})
	if err != nil {
		return page{}, err
	}
	var list map[string]any
	if err := json.Unmarshal(data, &list); err != nil {
		return page{}, fmt.Errorf("the list cannot be read: %w", err)
	}
	return pageOf(t, list)
}

// pageOf reads a decoded list. The items of built-in lists do not repeat the kind
// and the version that the list has.
func pageOf(t Type, list map[string]any) (page, error) {
	metadata, ok := list["metadata"].(map[string]any)
	if !ok {
		return page{}, errors.New("the list has no metadata")
	}
	var p page
	p.next, _ = metadata["continue"].(string)
	p.resourceVersion, _ = metadata["resourceVersion"].(string)
	items, _ := list["items"].([]any)
	p.items = make([]map[string]any, 0, len(items))
	for i, each := range items {
		item, ok := each.(map[string]any)
		if !ok {
			return page{}, fmt.Errorf("item %d of the list is no object", i)
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
