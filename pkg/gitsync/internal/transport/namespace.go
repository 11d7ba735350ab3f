package transport

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// Namespace is the part of a remote that belongs to one repository, where many share the remote: its refs there lie below
// it. refs/heads/main is refs/heads/clusters/eu-1/main in the namespace clusters/eu-1. The zero value is a whole remote.
//
// Refs of two namespaces are never the same, none is in the way of another as a file is in the way of a directory, and
// none differs from another in upper and lower case only. The same holds for those of a whole remote.
type Namespace struct{ path string }

// ErrNamespace means that a text is no namespace.
var ErrNamespace = errors.New("unusable part of a remote")

const (
	longestNamespace = 200
	longestSegment   = 100
)

// namespaceSegment is one part between slashes. Ref names allow more; this is safe in files, URLs and shells.
var namespaceSegment = regexp.MustCompile(`^[a-z0-9]([a-z0-9_-]|\.[a-z0-9_-])*$`)

// takenSegments are how the names of refs go on below a namespace: of the branch, of points, of notes,
// of reports about drills.
var takenSegments = []string{"main", strings.TrimSuffix(appbur.RestorePointTagPrefix, "/"), "appbur-actors", "drill-reports"}

// ParseNamespace reads a namespace such as clusters/prod-eu. The error does not repeat the text, which may be the end of a
// password with a # in it.
func ParseNamespace(text string) (Namespace, error) {
	bad := func(why, hint string) (Namespace, error) {
		return Namespace{}, appbur.WithHint(fmt.Errorf("%w: %s", ErrNamespace, why), hint)
	}
	if text == "" || len(text) > longestNamespace {
		return bad(fmt.Sprintf("it has %d bytes, and not 1 to %d", len(text), longestNamespace), "for example clusters/prod-eu")
	}
	for i, segment := range strings.Split(text, "/") {
		switch {
		case !namespaceSegment.MatchString(segment) || len(segment) > longestSegment || strings.HasSuffix(segment, ".lock"):
			return bad(fmt.Sprintf("what stands between slashes as number %d cannot be in it", i+1),
				"use small letters, digits, and dots, dashes and underscores between them, as in clusters/prod-eu")
		case slices.Contains(takenSegments, segment), i == 0 && segment == "refs":
			return bad(fmt.Sprintf("%q has a meaning of its own in the names of refs", segment), "choose another word, as in clusters/prod-eu")
		}
	}
	return Namespace{text}, nil
}

// String returns the text of a namespace, "" for a whole remote.
func (n Namespace) String() string { return n.path }

// IsWhole reports whether it is that of a whole remote.
func (n Namespace) IsWhole() bool { return n.path == "" }

// ServerRef is the name of a ref as a server has it. Only [Namespace.There] makes one, so nothing can be
// asked of a server about a ref outside of the namespace.
type ServerRef struct{ name string }

// There is what a ref of this repository is called at the remote.
func (n Namespace) There(ref string) (ServerRef, error) {
	if err := object.CheckRefName(ref); err != nil {
		return ServerRef{}, err
	}
	if n.IsWhole() {
		return ServerRef{ref}, nil
	}
	kind, rest, is := splitRef(ref)
	if !is {
		return ServerRef{}, fmt.Errorf("%w: %q has no place in the namespace %s", object.ErrRefName, ref, n)
	}
	return ServerRef{kind + n.path + "/" + rest}, nil
}

// Here is what a ref of the remote is called in this repository, and false for one of another namespace.
func (n Namespace) Here(ref string) (string, bool) {
	if n.IsWhole() {
		return ref, true
	}
	kind, rest, is := splitRef(ref)
	if !is {
		return "", false
	}
	rest, is = strings.CutPrefix(rest, n.path+"/")
	return kind + rest, is && rest != ""
}

// splitRef cuts refs/heads/main into refs/heads/ and main.
func splitRef(ref string) (kind, rest string, is bool) {
	below, is := strings.CutPrefix(ref, "refs/")
	if !is {
		return "", "", false
	}
	kind, rest, is = strings.Cut(below, "/")
	return "refs/" + kind + "/", rest, is && kind != "" && rest != ""
}
