package gitsync

import (
	"context"
	"fmt"

	"github.com/appbur/appbur/pkg/gitsync/internal/transport"
)

// RemoteComparison is how a remote is related to this repository.
type RemoteComparison struct {
	State RemoteState
	// Tip is the branch at the remote, empty if it has none.
	Tip Hash
	// Commits counts those of the branch that the remote does not have.
	Commits int
	// Tags counts the tags that the remote does not have, and Deleted those that
	// were deleted here and are still there.
	Tags, Deleted int
}

// RemoteRefs returns the refs of a remote by their full names.
func RemoteRefs(ctx context.Context, remote Remote, o RemoteOptions) (map[string]Hash, error) {
	t, err := transport.Dial(ctx, remote, transport.UploadPack, o)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	refs := make(map[string]Hash, len(t.Refs))
	for name, id := range t.Refs {
		refs[name] = id
	}
	return refs, nil
}

// Compare finds how a remote is related to this repository. A remote that holds
// something else than an older state is no error here: the state says it.
func (r *Repository) Compare(ctx context.Context, remote Remote, what PushWhat, o RemoteOptions) (RemoteComparison, error) {
	t, err := transport.Dial(ctx, remote, transport.UploadPack, o)
	if err != nil {
		return RemoteComparison{}, err
	}
	there := t.Advertisement
	t.Close()
	s, err := r.comparison(there, what.Branch)
	if err != nil {
		return s, err
	}

	plan := pushPlan{}
	if _, err := r.planTags(&plan, there, what); err != nil {
		if state := StateOf(err); state == RemoteDiverged {
			s.State = state
			return s, nil
		}
		return s, err
	}

	if err := r.planDeletions(&plan, there, what); err != nil {
		return s, err
	}
	s.Tags, s.Deleted = len(plan.done.Added), len(plan.done.Removed)
	if s.State == RemoteUpToDate && s.Tags+s.Deleted > 0 {
		s.State = RemoteBehind
	}
	return s, nil
}

// comparison compares the branch only.
func (r *Repository) comparison(there transport.Advertisement, branch string) (RemoteComparison, error) {
	tip, err := r.refs.Resolve(branch)
	if err != nil {
		return RemoteComparison{}, err
	}
	theirs, has := there.Refs[branch]
	s := RemoteComparison{Tip: theirs}
	if !has {
		s.State = RemoteEmpty
		fresh, err := r.beyond([]Hash{tip}, nil)
		s.Commits = len(fresh)
		return s, err
	}

	here, err := r.holds(theirs)
	if err != nil {
		return s, err
	}
	if !here {
		s.State = RemoteDiverged
		return s, nil
	}
	ahead, descends, err := r.descends(tip, theirs)
	if err != nil {
		return s, err
	}

	switch {
	case descends && ahead == 0:
		s.State = RemoteUpToDate
	case descends:
		s.State, s.Commits = RemoteBehind, ahead
	default:
		_, older, err := r.descends(theirs, tip)
		if err != nil {
			return s, err
		}
		s.State = RemoteDiverged
		if older {
			s.State = RemoteAhead
		}
	}

	return s, nil
}

// refusal is why nothing may be pushed.
func (s RemoteComparison) refusal(branch string) error {
	switch s.State {
	case RemoteDiverged:
		return transport.NewError(s.State, "",
			fmt.Errorf("%s at the remote is %s, which is not an older state of this repository", branch, s.Tip.Short()))
	case RemoteAhead:
		return transport.NewError(s.State, "", fmt.Errorf("%s at the remote is %s, which is newer than this repository", branch, s.Tip.Short()))
	default:
		return nil
	}
}
