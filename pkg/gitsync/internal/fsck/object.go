package fsck

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

// checkObject looks at the form of an object whose bytes are proven, and notes what
// it leads to. The rules are those of `git fsck --strict`.
func (c *checker) checkObject(id object.Hash, where string, raw pack.RawObject) {
	c.catalog.saw(id, raw.Kind)
	var faults []string
	var links []link

	switch raw.Kind {
	case plumbing.TreeObject:
		links, faults = checkTree(raw.Data)
	case plumbing.CommitObject:
		links, faults = checkCommit(raw.Data, c.shallow[id])
	case plumbing.TagObject:
		links, faults = checkTag(raw.Data)
	}

	for _, fault := range faults {
		c.problem(Form, id, where, "%s: %s", raw.Kind, fault)
	}

	for _, l := range links {
		if !c.catalog.want(l.id, l.kind) {
			// Whether anybody needs what refers to it, the walk from the refs finds out.
			c.mu.Lock()
			c.broken[l.id] = true
			c.mu.Unlock()
		}
	}
}

// link is what an object refers to.
type link struct {
	id   object.Hash
	kind plumbing.ObjectType
}

// treeModes are the modes that git writes, with what they are; the empty type is
// not in the repository.
var treeModes = map[string]plumbing.ObjectType{
	"100644": plumbing.BlobObject,
	"100755": plumbing.BlobObject,
	"120000": plumbing.BlobObject,
	"40000":  plumbing.TreeObject,
	"160000": plumbing.InvalidObject, // a submodule: a commit of another repository
}

func checkTree(data []byte) (links []link, faults []string) {
	var previous object.TreeEntry
	seen := map[string]bool{}
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }

	for first := true; len(data) > 0; first = false {
		mode, rest, ok := bytes.Cut(data, []byte{' '})
		name, rest, okName := bytes.Cut(rest, []byte{0})
		if !ok || !okName || len(rest) < pack.HashSize {
			fault("an entry is cut off")
			return links, faults
		}
		e := object.TreeEntry{Name: string(name)}
		copy(e.ID[:], rest)
		data = rest[pack.HashSize:]
		kind, known := treeModes[string(mode)]
		switch {
		case !known:
			fault("%q has the mode %q", e.Name, mode)
		case kind != plumbing.InvalidObject:
			links = append(links, link{e.ID, kind})
		}
		if e.ID.IsZero() {
			fault("%q refers to the null object", e.Name)
		}
		if kind == plumbing.TreeObject {
			e.Mode = filemode.Dir
		}
		switch reason := object.ReservedNames[object.FoldName(e.Name)]; {
		case e.Name == "":
			fault("a name is empty")
		case strings.Contains(e.Name, "/"):
			fault("the name %q is a path", e.Name)
		case reason != "" && object.FoldName(e.Name) != ".gitmodules":
			fault("the name %q is not allowed: %s", e.Name, reason)
		}
		if seen[e.Name] {
			fault("%q is there twice", e.Name)
		} else if !first && object.CompareEntries(previous, e) >= 0 {
			fault("%q is out of order", e.Name)
		}
		seen[e.Name] = true
		previous = e
	}

	return links, faults
}

const idPattern = `[0-9a-f]{40}`

// identityForm is "name <address> seconds zone" as git demands it: the name may be
// empty, the address has no brackets, and seconds have no leading zero.
var identityForm = regexp.MustCompile(`^([^<>\n]* )?<[^<>\n]*> (0|[1-9][0-9]{0,18}) [+-][0-9]{4}$`)

// headerRule is one line that an object must have, in this order.
type headerRule struct {
	key      string
	form     *regexp.Regexp
	least    int
	most     int // 0: any number
	refersTo plumbing.ObjectType
}

var idForm = regexp.MustCompile(`^` + idPattern + `$`)

var commitHeaders = []headerRule{
	{"tree", idForm, 1, 1, plumbing.TreeObject},
	{"parent", idForm, 0, 0, plumbing.CommitObject},
	{"author", identityForm, 1, 1, 0},
	{"committer", identityForm, 1, 1, 0},
}

var tagHeaders = []headerRule{
	{"object", idForm, 1, 1, plumbing.AnyObject},
	{"type", regexp.MustCompile(`^(commit|tree|blob|tag)$`), 1, 1, 0},
	{"tag", regexp.MustCompile(`^[^\x00-\x20~^:?*\[\\]+$`), 1, 1, 0},
	{"tagger", identityForm, 0, 1, 0}, // the first tags of git had none
}

// checkHeaders compares the first lines of an object with rules, and returns what
// they refer to and their values by key.
func checkHeaders(data []byte, rules []headerRule) (links []link, values map[string]string, faults []string) {
	values = map[string]string{}
	rest := string(data)

	for _, rule := range rules {
		count := 0
		for {
			line, after, whole := strings.Cut(rest, "\n")
			value, ours := strings.CutPrefix(line, rule.key+" ")
			if !ours || !whole || rule.most > 0 && count == rule.most {
				break
			}
			if !rule.form.MatchString(value) {
				faults = append(faults, fmt.Sprintf("the line %q has not the form of a %s", line, rule.key))
			} else if id, err := object.ParseHash(value); err == nil && rule.refersTo != 0 {
				links = append(links, link{id, rule.refersTo})
			}
			values[rule.key] = value
			rest = after
			count++
		}
		if count < rule.least {
			faults = append(faults, fmt.Sprintf("there is no %s where one must be", rule.key))
			return links, values, faults
		}
	}

	if !strings.HasPrefix(rest, "\n") && !strings.Contains(rest, "\n\n") && rest != "" {
		faults = append(faults, "the headers do not end")
	}
	return links, values, faults
}

// checkCommit reads a commit. The parents of a shallow commit need not be there.
func checkCommit(data []byte, shallow bool) ([]link, []string) {
	links, _, faults := checkHeaders(data, commitHeaders)
	if bytes.IndexByte(data, 0) >= 0 {
		faults = append(faults, "it contains a zero byte")
	}
	if shallow {
		links = links[:min(1, len(links))]
	}
	return links, faults
}

var kindNames = map[string]plumbing.ObjectType{
	"commit": plumbing.CommitObject, "tree": plumbing.TreeObject, "blob": plumbing.BlobObject, "tag": plumbing.TagObject,
}

func checkTag(data []byte) ([]link, []string) {
	links, values, faults := checkHeaders(data, tagHeaders)
	if len(links) > 0 {
		if links[0].kind = kindNames[values["type"]]; links[0].kind == 0 {
			links = nil
		}
	}
	return links, faults
}
