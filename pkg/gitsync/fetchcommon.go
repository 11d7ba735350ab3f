package gitsync

import (
	"errors"
	"maps"
	"slices"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

const (
	// commonCommits is how many of the newest commits a remote is told of one by one; older ones are told of at
	// distances that double, so that a remote that is far behind or has diverged finds one that it knows.
	commonCommits = 32
	// commonWalk bounds how far back that goes.
	commonWalk = 1 << 14
	// commonTags is how many of the newest tags it is told of: their content is shared by the next.
	commonTags = 32
)

// common are commits that are here with all that they lead to, and that a remote may have.
func (r *Repository) common(what FetchWhat) ([]Hash, error) {
	remotes, err := r.tipsBelow(remoteRefs)
	if err != nil {
		return nil, err
	}
	list := slices.Collect(maps.Values(remotes))
	id, err := r.refs.Resolve(what.Branch)
	if err != nil {
		return nil, err
	}

	for n, next := 0, 0; n < commonWalk; n++ {
		if n == next {
			list = append(list, id)
			if next++; n >= commonCommits {
				next = 2 * n
			}
		}
		c, err := r.ReadCommit(id)
		if err != nil {
			return nil, err
		}
		if len(c.Parents) == 0 {
			break
		}
		id = c.Parents[0]
	}

	tags, err := r.tipsBelow(object.TagRefs + what.TagPrefix)
	if err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(tags))
	for _, name := range names[max(0, len(names)-commonTags):] {
		list = append(list, tags[name])
	}
	return list, nil
}

// tipsBelow are the refs with a prefix that lead somewhere.
func (r *Repository) tipsBelow(prefix string) (map[string]Hash, error) {
	names, err := r.refs.Names(prefix)
	if err != nil {
		return nil, err
	}
	tips := make(map[string]Hash, len(names))
	for _, name := range names {
		id, err := r.refs.Resolve(name)
		if errors.Is(err, ErrRefNotFound) || errors.Is(err, ErrCorrupt) {
			continue
		}
		if err != nil {
			return nil, err
		}
		tips[name] = id
	}
	return tips, nil
}
