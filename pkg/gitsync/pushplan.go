package gitsync

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/transport"
)

// pushPlan is what a push will ask for.
type pushPlan struct {
	updates      []transport.RefUpdate
	capabilities []string
	needsPack    bool
	missing      *missing
	done         Pushed
}

// planPush compares what a remote has with what it shall have.
func (r *Repository) planPush(there transport.Advertisement, what PushWhat) (pushPlan, error) {
	plan := pushPlan{missing: r.newMissing()}
	tip, err := r.refs.Resolve(what.Branch)
	if err != nil {
		return plan, err
	}
	comparison, err := r.comparison(there, what.Branch)
	if err != nil {
		return plan, err
	}
	if err := comparison.refusal(what.Branch); err != nil {
		return plan, err
	}
	plan.done.Tip, plan.done.Commits = tip, comparison.Commits
	if plan.done.NotesBehind, plan.done.NotesMoved, err = r.notesBehind(there); err != nil {
		return plan, err
	}

	lacking, err := r.lacking(there, what.Besides)
	if err != nil {
		return plan, err
	}
	plan.done.BesidesBehind = len(lacking) > 0

	theirs := there.Refs[what.Branch]
	if theirs != tip {
		plan.updates = append(plan.updates, transport.RefUpdate{Ref: what.Branch, From: theirs, To: tip})
	}
	tags, err := r.planTags(&plan, there, what)
	if err != nil {
		return plan, err
	}

	if err := r.planDeletions(&plan, there, what); err != nil {
		return plan, err
	}
	if len(plan.updates) == 0 {
		return plan, nil
	}
	if err := r.planPack(&plan, there, what, tip, tags); err != nil {
		return plan, err
	}
	return plan, plan.agree(there)
}

// planTags adds the tags that the remote does not have.
func (r *Repository) planTags(plan *pushPlan, there transport.Advertisement, what PushWhat) (fresh []Hash, err error) {
	names, err := r.refs.Names(object.TagRefs + what.TagPrefix)
	if err != nil {
		return nil, err
	}

	for _, name := range names {
		id, err := r.refs.Resolve(name)
		if errors.Is(err, ErrRefNotFound) {
			continue // deleted since it was listed
		}
		if err != nil {
			return nil, err
		}
		theirs, has := there.Refs[name]
		switch {
		case !has:
			plan.updates = append(plan.updates, transport.RefUpdate{Ref: name, To: id})
			plan.done.Added = append(plan.done.Added, strings.TrimPrefix(name, object.TagRefs))
			fresh = append(fresh, id)
		case theirs != id:
			return nil, transport.NewError(RemoteDiverged, "",
				fmt.Errorf("the tag %s is another one at the remote (%s, here %s)", name, theirs.Short(), id.Short()))
		}
	}

	return fresh, nil
}

// planDeletions adds the deletions of tags that the remote still has as they were.
func (r *Repository) planDeletions(plan *pushPlan, there transport.Advertisement, what PushWhat) error {
	for _, tag := range what.Deleted {
		name := object.TagRefs + tag.Name
		if theirs, has := there.Refs[name]; !has || theirs != tag.Object {
			continue
		}
		_, err := r.refs.Resolve(name)
		if err == nil {
			continue // it is here: it was not deleted after all
		}
		if !errors.Is(err, ErrRefNotFound) {
			return err
		}
		plan.updates = append(plan.updates, transport.RefUpdate{Ref: name, From: there.Refs[name]})
		plan.done.Removed = append(plan.done.Removed, tag.Name)
	}
	return nil
}

// planPack finds the objects to send.
func (r *Repository) planPack(plan *pushPlan, there transport.Advertisement, what PushWhat, tip Hash, tags []Hash) error {
	plan.needsPack = slices.ContainsFunc(plan.updates, func(u transport.RefUpdate) bool { return !u.To.IsZero() })
	if !plan.needsPack {
		return nil
	}
	var have []Hash
	if theirs, ok := there.Refs[what.Branch]; ok {
		have = append(have, theirs)
	}

	if err := plan.missing.addHistory([]Hash{tip}, have); err != nil {
		return err
	}
	var err error
	if plan.missing.known, err = r.newestPoint(there, what.TagPrefix); err != nil {
		return err
	}

	for _, id := range tags {
		commit, err := plan.missing.addTag(id)
		if err != nil {
			return err
		}
		// The tip of main is known to the remote, or in this very pack.
		if err := plan.missing.addHistory([]Hash{commit}, append(slices.Clone(have), tip)); err != nil {
			return err
		}
	}

	plan.done.Objects = len(plan.missing.objects)
	return nil
}

// newestPoint returns the tree of the newest tag that the remote has and that is
// here as well: names of restore points sort by time.
func (r *Repository) newestPoint(there transport.Advertisement, prefix string) ([]Hash, error) {
	newest := ""
	for name, id := range there.Refs {
		if strings.HasPrefix(name, object.TagRefs+prefix) && name > newest {
			if ours, err := r.refs.Resolve(name); err == nil && ours == id {
				newest = name
			}
		}
	}

	if newest == "" {
		return nil, nil
	}
	tag, err := r.readTag(there.Refs[newest])
	if err != nil {
		return nil, err
	}
	tree, err := r.rootOf(tag.Commit)
	if err != nil {
		return nil, err
	}
	return []Hash{tree}, nil
}

// agree chooses among the server's capabilities.
func (p *pushPlan) agree(there transport.Advertisement) error {
	if !there.Supports("report-status") {
		return transport.NewError(RemoteNotUnderstood, "", errors.New("the server does not report what becomes of a push"))
	}

	p.capabilities = []string{"report-status", "agent=appbur"}
	// atomic: all refs move or none. side-band-64k: what hooks say, and signs of
	// life. quiet: no progress meters among them.
	for _, c := range []string{"atomic", "side-band-64k", "quiet"} {
		if there.Supports(c) {
			p.capabilities = append(p.capabilities, c)
		}
	}

	if there.Value("object-format") != "" {
		p.capabilities = append(p.capabilities, "object-format=sha1")
	}
	if len(p.done.Removed) > 0 && !there.Supports("delete-refs") {
		p.updates = slices.DeleteFunc(p.updates, func(u transport.RefUpdate) bool { return u.To.IsZero() })
		p.done.Removed = nil
	}

	// Without atomic the order counts: a tag without its main is a loss, a deletion
	// that came too early as well.
	slices.SortStableFunc(p.updates, func(a, b transport.RefUpdate) int { return cmp.Compare(rank(a), rank(b)) })
	return nil
}

func rank(u transport.RefUpdate) int {
	switch {
	case u.To.IsZero():
		return 2
	case strings.HasPrefix(u.Ref, object.TagRefs):
		return 1
	default:
		return 0
	}
}
