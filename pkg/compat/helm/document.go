package helm

import (
	"fmt"
	"iter"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

// maxObjects bounds the documents of a release, and its objects. The largest
// charts have some hundreds.
const maxObjects = 20_000

// document is the text of one YAML document that holds objects.
type document struct {
	text string
	hook bool
}

// manifestReader collects what the manifest and the hooks of a release hold.
type manifestReader struct {
	documents []document
	objects   []appbur.HelmObject
	// seen counts documents that are not blank, faults those that hold something
	// else than objects; first describes the first of them.
	seen, faults int
	first        string
	full         bool
}

// read takes the objects of one YAML stream.
func (r *manifestReader) read(stream, where string, hook bool) {
	number := 0
	for text := range documents(stream) {
		if r.full = r.full || r.seen >= maxObjects; r.full {
			return
		}
		number++
		r.seen++
		decoded, err := decode(text)
		if err != nil {
			r.fault(fmt.Sprintf("document %d of %s %s", number, where, err))
			continue
		}

		found := objectsIn(decoded)
		if found.others > 0 {
			r.fault(fmt.Sprintf("document %d of %s holds something that is no object", number, where))
		}
		if len(r.objects)+len(found.objects) > maxObjects {
			r.full = true
			return
		}

		if len(found.objects) == 0 {
			continue
		}
		r.documents = append(r.documents, document{text: text, hook: hook})
		for _, object := range found.objects {
			r.objects = append(r.objects, identity(object))
		}
	}
}

func (r *manifestReader) fault(what string) {
	if r.faults == 0 {
		r.first = what
	}
	r.faults++
}

func (r *manifestReader) err() error {
	switch {
	case r.full:
		return fmt.Errorf("%w: it holds more than %d objects", ErrTooLarge, maxObjects)
	case r.faults == 1:
		return fmt.Errorf("%w: %s", ErrManifest, r.first)
	case r.faults > 1:
		return fmt.Errorf("%w: %s, and %d more are like it", ErrManifest, r.first, r.faults-1)
	default:
		return nil
	}
}

// documents splits a YAML stream at its markers. Blank documents, which templates
// leave behind when a condition is false, are passed over.
func documents(stream string) iter.Seq[string] {
	return func(yield func(string) bool) {
		start, at, blank := 0, 0, true
		for line := range strings.Lines(stream) {
			next := at + len(line)
			switch kind := lineKind(strings.TrimRight(line, " \t\r\n")); kind {
			case blankLine:
			case contentLine:
				blank = false
			default:
				if !blank && !yield(stream[start:at]) {
					return
				}
				// What follows "---" on its line belongs to the document.
				start, blank = next, kind == markerLine
				if kind == markerAndContentLine {
					start = at
				}
			}

			at = next
		}

		if !blank {
			yield(stream[start:])
		}
	}
}

type kindOfLine int

const (
	contentLine          kindOfLine = iota
	blankLine                       // empty, a comment or a directive
	markerLine                      // "---" or "...", alone or before a comment
	markerAndContentLine            // "--- {kind: …}"
)

// lineKind relies on documents being maps: no line of a map, not even within a
// scalar, starts with a marker.
func lineKind(line string) kindOfLine {
	if trimmed := strings.TrimLeft(line, " \t"); trimmed == "" || trimmed[0] == '#' || line[0] == '%' {
		return blankLine
	}
	rest, marker := strings.CutPrefix(line, "---")
	if !marker {
		rest, marker = strings.CutPrefix(line, "...")
	}
	after := strings.TrimLeft(rest, " \t")
	switch {
	case !marker:
		return contentLine
	case after == "", after[0] == '#' && after != rest:
		return markerLine
	case after == rest:
		return contentLine // "---x" is text
	default:
		return markerAndContentLine
	}
}

// identity is all that is reported of an object.
func identity(object map[string]any) appbur.HelmObject {
	metadata := mapping(object["metadata"])
	return appbur.HelmObject{
		APIVersion: text(object["apiVersion"]), Kind: text(object["kind"]),
		Namespace: text(metadata["namespace"]), Name: text(metadata["name"]),
	}
}

// found is what a document holds: objects, and how many other things.
type found struct {
	objects []map[string]any
	others  int
}

// objectsIn returns the objects of a decoded document, lists unpacked. An empty
// document holds none, and that is no fault.
func objectsIn(value any) found {
	var f found
	if value != nil {
		f.add(value)
	}
	return f
}

func (f *found) add(value any) {
	object, ok := value.(map[string]any)
	if !ok {
		f.others++
		return
	}
	if items, ok := listItems(object); ok {
		for _, item := range items {
			f.add(withKindOf(item, object))
		}
		return
	}
	if _, ok := compat.GVKOf(object); !ok {
		f.others++
		return
	}
	f.objects = append(f.objects, object)
}

// listItems follows k8s.io/apimachinery, whose reader takes everything with a list
// in items for a list, whatever its kind. A List without items is empty.
func listItems(object map[string]any) ([]any, bool) {
	items, ok := object["items"].([]any)
	return items, ok || (object["kind"] == "List" && object["items"] == nil)
}

// withKindOf gives an item without a kind that of its list, as apimachinery does:
// items of a ConfigMapList may leave theirs out.
func withKindOf(item any, list map[string]any) any {
	object := mapping(item)
	kind, ok := strings.CutSuffix(text(list["kind"]), "List")
	if object == nil || !ok || kind == "" || text(object["kind"]) != "" {
		return item
	}
	object["kind"], object["apiVersion"] = kind, list["apiVersion"]
	return object
}
