package faultproxy

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// LoseGroups leaves groups out of the answers of discovery, without an error: what
// clients see while an API server starts. "" is the core group.
func LoseGroups(groups ...string) Fault {
	return spoil(func(path string, doc map[string]any) {
		lost := func(name string) bool { return slices.Contains(groups, name) }
		switch doc["kind"] {
		case "APIGroupList":
			drop(doc, "groups", func(g map[string]any) bool { return lost(text(g, "name")) })
		case "APIGroupDiscoveryList":
			drop(doc, "items", func(g map[string]any) bool {
				metadata, _ := g["metadata"].(map[string]any)
				return lost(text(metadata, "name"))
			})

		case "APIVersions":
			if lost("") {
				doc["versions"] = []any{}
			}
		case "APIResourceList":
			group, _, _ := strings.Cut(strings.TrimPrefix(path, "/apis/"), "/")
			if strings.HasPrefix(path, "/api/") {
				group = ""
			}
			if lost(group) {
				doc["resources"] = []any{}
			}
		}
	})
}

// LoseResources leaves resources out of the answers of discovery, whatever their
// group and version, without an error.
func LoseResources(resources ...string) Fault {
	return spoil(func(_ string, doc map[string]any) {
		drop(doc, "resources", func(r map[string]any) bool { return slices.Contains(resources, text(r, "name")) })
		groups, _ := doc["items"].([]any)
		for _, group := range groups {
			g, _ := group.(map[string]any)
			versions, _ := g["versions"].([]any)
			for _, version := range versions {
				v, _ := version.(map[string]any)
				drop(v, "resources", func(r map[string]any) bool { return slices.Contains(resources, text(r, "resource")) })
			}
		}
	})
}

// spoil edits a JSON answer of the server. Answers that are no JSON pass.
func spoil(edit func(path string, doc map[string]any)) Fault {
	return func(w http.ResponseWriter, r *http.Request, forward http.Handler) {
		answer := ask(r, forward)
		body := answer.Body.Bytes()
		decoder := json.NewDecoder(bytes.NewReader(body))
		decoder.UseNumber()
		var doc map[string]any
		if decoder.Decode(&doc) == nil {
			edit(r.URL.Path, doc)
			if spoiled, err := json.Marshal(doc); err == nil {
				body = spoiled
			}
		}
		// The digest of the complete text would give the loss away.
		answer.Header().Del("ETag")
		copyHead(w, answer)
		_, _ = w.Write(body)
	}
}

func drop(doc map[string]any, key string, gone func(map[string]any) bool) {
	list, ok := doc[key].([]any)
	if !ok {
		return
	}
	doc[key] = slices.DeleteFunc(list, func(each any) bool {
		item, _ := each.(map[string]any)
		return gone(item)
	})
}

func text(object map[string]any, key string) string {
	value, _ := object[key].(string)
	return value
}
