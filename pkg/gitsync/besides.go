package gitsync

import (
	"context"
	"errors"
	"strings"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/transport"
)

// PushBesides brings a remote tags that belong beside the history and that it lacks, in a session of its own: a server that
// refuses them must not hold up commits. Tags never move: one that is another there stays, and those of others are not looked at.
func (r *Repository) PushBesides(ctx context.Context, remote Remote, prefix string, o RemoteOptions) error {
	t, err := transport.Dial(ctx, remote, transport.ReceivePack, o)
	if err != nil {
		return err
	}
	defer t.Close()
	t.Pause()
	there := t.Advertisement
	lacking, err := r.lacking(there, prefix)
	if err != nil || len(lacking) == 0 {
		return err
	}

	plan := pushPlan{missing: r.newMissing(), needsPack: true}
	for _, name := range lacking {
		id, err := r.refs.Resolve(name)
		if err != nil {
			return err
		}
		commit, err := plan.missing.addTag(id)
		if err != nil {
			return err
		}
		if err := plan.missing.addHistory([]Hash{commit}, nil); err != nil {
			return err
		}
		plan.updates = append(plan.updates, transport.RefUpdate{Ref: name, To: id})
	}
	if err := plan.agree(there); err != nil {
		return err
	}
	if err := r.mayWrite(ctx); err != nil {
		return err
	}
	t.Resume()
	return r.send(t, &plan, remote.Name, o)
}

// lacking names the tags with a prefix that are here and not at the remote; "" is no prefix.
func (r *Repository) lacking(there transport.Advertisement, prefix string) ([]string, error) {
	if prefix == "" {
		return nil, nil
	}
	names, err := r.refs.Names(object.TagRefs + prefix)
	if err != nil {
		return nil, err
	}
	var lacking []string
	for _, name := range names {
		if _, has := there.Refs[name]; has {
			continue
		}
		if _, err := r.refs.Resolve(name); errors.Is(err, ErrRefNotFound) || errors.Is(err, ErrCorrupt) {
			continue // deleted since, or damaged: what can be read goes
		} else if err != nil {
			return nil, err
		}
		lacking = append(lacking, name)
	}
	return lacking, nil
}

// isBeside reports whether a ref is one of the tags beside the history.
func (w FetchWhat) isBeside(name string) bool {
	return w.Besides != "" && strings.HasPrefix(name, object.TagRefs+w.Besides)
}

// takes reports whether a ref of a remote is wanted.
func (w FetchWhat) takes(name string) bool {
	return strings.HasPrefix(name, object.TagRefs+w.TagPrefix) || w.isBeside(name)
}
