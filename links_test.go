package appbur_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// link is a link of Markdown to a file of this repository, without the place in it.
var link = regexp.MustCompile(`\]\(([^)#\s:]+)(?:#[^)]*)?\)`)

// Every link of the documentation leads to a file that is there.
func TestLinksOfTheDocumentation(t *testing.T) {
	links := 0
	pages := markdownPages(t)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			links++
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: the link %s leads nowhere", page, m[1])
			}
		}
	}

	if links < 100 {
		t.Errorf("only %d links were tried in %s", links, strings.Join(pages, ", "))
	}
}

// markdownPages returns the paths of all Markdown files of this repository.
func markdownPages(t *testing.T) []string {
	t.Helper()
	var pages []string
	for _, pattern := range []string{"*.md", "*/*.md", "*/*/*.md", "*/*/*/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	return pages
}
