package settings

import (
	"strings"

	"github.com/appbur/appbur/internal/nearword"
)

// named is the only path that ends with a name or with one that is near it, "" if there is no such path, or if there
// are several.
func named(name string, paths []string) string {
	ends := map[string][]string{}
	var last []string
	for _, path := range paths {
		end := path[strings.LastIndexByte(path, '.')+1:]
		if len(ends[end]) == 0 {
			last = append(last, end)
		}
		ends[end] = append(ends[end], path)
	}
	if found := ends[nearword.Of(name, last)]; len(found) == 1 {
		return found[0]
	}
	return ""
}

// Nearest is the path that somebody probably meant, "" if none is near.
func Nearest(path string, fields []FieldInfo) string {
	paths := make([]string, 0, len(fields))
	for _, f := range fields {
		paths = append(paths, f.Path)
	}
	if near := nearword.Of(path, paths); near != "" {
		return near
	}
	return named(path[strings.LastIndexByte(path, '.')+1:], paths)
}
