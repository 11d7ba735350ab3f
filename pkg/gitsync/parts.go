package gitsync

import (
	"slices"
	"strings"

	"github.com/appbur/appbur/pkg/gitsync/internal/transport"
)

// RefsIn are those of a whole remote's refs ([RemoteRefs]) that are in one part of it, by the names that they have here.
func RefsIn(refs map[string]Hash, part Namespace) map[string]Hash {
	own := make(map[string]Hash)
	for name, id := range refs {
		if here, is := part.Here(name); is {
			own[here] = id
		}
	}
	return own
}

// PartsOf are the parts of a remote that have a branch main, sorted. The whole remote is none of them.
func PartsOf(refs map[string]Hash) []Namespace {
	var parts []Namespace
	for name := range refs {
		branch, isBranch := strings.CutPrefix(name, "refs/heads/")
		path, isMain := strings.CutSuffix(branch, "/main")
		part, err := transport.ParseNamespace(path)
		if isBranch && isMain && err == nil {
			parts = append(parts, part)
		}
	}
	slices.SortFunc(parts, func(a, b Namespace) int { return strings.Compare(a.String(), b.String()) })
	return parts
}

// Refs are the branch and the tags with a prefix, by their full names. A branch that is not there is left out.
func (r *Repository) Refs(branch, tagPrefix string) (map[string]Hash, error) {
	refs, err := r.tipsBelow("refs/tags/" + tagPrefix)
	if err != nil {
		return nil, err
	}
	if tip, err := r.Tip(branch); err == nil {
		refs[branch] = tip
	}
	return refs, nil
}
