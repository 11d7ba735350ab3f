package manifestfiles

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/manifest"
)

// document reads one document of a file.
func (r *Reader) document(file string, d document) {
	if d.source != "" {
		file, d.line = d.source, 0
	}
	if texts := jsonTexts(d.text); texts != nil {
		line := d.line
		for _, text := range texts {
			r.text(file, document{text: text, line: line})
			line += bytes.Count(text, []byte("\n"))
		}
		return
	}
	r.text(file, d)
}

// jsonTexts cuts a stream of JSON texts without separators, which some programs print, and is nil for anything else.
func jsonTexts(text []byte) (texts [][]byte) {
	if !bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) {
		return nil
	}
	if json.Valid(text) {
		return [][]byte{text}
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	from := int64(0)
	for {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); errors.Is(err, io.EOF) {
			return texts
		} else if err != nil {
			return nil
		}
		texts = append(texts, text[from:decoder.InputOffset()])
		from = decoder.InputOffset()
	}
}

func (r *Reader) text(file string, d document) {
	content, err := manifest.Decode(d.text)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return // comments only
	case err != nil && bytes.Contains(d.text, []byte("{{")):
		r.count(func(f *Found) { f.Charts = append(f.Charts, Chart{Path: file, Line: d.firstLine()}) })
	case err != nil:
		r.fault(unreadable(file, d, err))
	default:
		r.content(file, d, content)
	}
}

var yamlLine = regexp.MustCompile(`line (\d+): `)

// unreadable says where in the file the document cannot be read.
func unreadable(file string, d document, err error) *Error {
	what := err.Error()
	for _, before := range []string{"reading a manifest: ", "error converting YAML to JSON: ", "yaml: ", "unmarshal errors:"} {
		what = strings.TrimSpace(strings.TrimPrefix(what, before))
	}
	e := &Error{File: file, Line: d.line, What: what, Hint: "mend the text there"}
	if found := yamlLine.FindStringSubmatch(what); found != nil {
		if number, err := strconv.Atoi(found[1]); err == nil && d.line > 0 {
			e.Line = d.line + number - 1
			e.What = strings.Replace(what, found[0], "", 1)
		}
	}

	switch {
	case strings.Contains(what, "cannot start any token") && bytes.Contains(d.text, []byte("\t")):
		e.Hint = "YAML is indented with spaces, not with tabs"
	case strings.Contains(what, "the document is no map"):
		e.Hint = "an object has apiVersion, kind and metadata; a list of objects has `kind: List` and `items`"
	case strings.Contains(what, "already set in map"):
		e.Hint = "leave one of the two out: which of them counts would be chance"
	}
	return e
}

// content takes an object, or the items of a list.
func (r *Reader) content(file string, d document, content map[string]any) {
	gvk, ok := compat.GVKOf(content)
	switch {
	case !ok:
		r.count(func(f *Found) { f.Others++ })
		return
	case gvk.Group == "kustomize.config.k8s.io":
		return
	}
	if items, ok := content["items"].([]any); ok && strings.HasSuffix(gvk.Kind, "List") {
		r.list(file, d, gvk, items)
		return
	}
	r.take(Object{ID: idOf(gvk, content), Content: content, File: file, Line: d.firstLine()})
}

func (r *Reader) take(o Object) {
	r.count(func(f *Found) { f.Objects++ })
	r.Take(o)
}

// list takes the items of a list. Those of a list of one kind may leave out what that is.
func (r *Reader) list(file string, d document, of compat.GroupVersionKind, items []any) {
	lines := d.itemLines(len(items))
	for i, item := range items {
		line := lines[i]
		content, ok := item.(map[string]any)
		if !ok {
			r.fault(&Error{File: file, Line: line, What: "an item of the list is no object", Hint: "an item has apiVersion, kind and metadata"})
			continue
		}
		if content["kind"] == nil && of.Kind != "List" {
			content["apiVersion"], content["kind"] = of.APIVersion(), strings.TrimSuffix(of.Kind, "List")
		}

		gvk, ok := compat.GVKOf(content)
		if !ok {
			r.fault(&Error{File: file, Line: line, What: "an item of the list has no apiVersion or no kind", Hint: "write both"})
			continue
		}
		r.take(Object{ID: idOf(gvk, content), Content: content, File: file, Line: line})
	}
}

// idOf is what an object is called where it is written.
func idOf(gvk compat.GroupVersionKind, content map[string]any) appbur.ObjectID {
	metadata, _ := content["metadata"].(map[string]any)
	id := appbur.ObjectID{Group: gvk.Group, Kind: gvk.Kind}
	id.Namespace, _ = metadata["namespace"].(string)
	id.Name, _ = metadata["name"].(string)
	if id.Name == "" {
		prefix, _ := metadata["generateName"].(string)
		id.Name = prefix + "*"
	}
	return id
}
