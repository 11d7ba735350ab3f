package repository

import (
	"errors"
	"fmt"

	"github.com/appbur/appbur/pkg/gitsync"
)

// filesToJoin is the tip whose files main goes on from when two histories of one cluster are joined: the newer one, unless
// somebody has changed the settings on one side only, such as who can decrypt. Then it is that side, whose files obey them.
// Settings that both have changed are for a person to join.
func (r *Repository) filesToJoin(ours, theirs gitsync.Hash, fresh []gitsync.Commit) (gitsync.Hash, error) {
	own, err := r.configAt(ours)
	if err != nil {
		return gitsync.Hash{}, err
	}
	other, err := r.configAt(theirs)
	if err != nil {
		return gitsync.Hash{}, err
	}
	if own.Cluster.ID != other.Cluster.ID {
		return gitsync.Hash{}, fmt.Errorf("it is of the cluster %s, and this one of %s", other.Cluster.ID, own.Cluster.ID)
	}

	same, err := sameSettings(own, other)
	if err != nil {
		return gitsync.Hash{}, err
	}
	if same {
		return r.newerOf(ours, fresh[0])
	}
	ownKept, err := r.settingsKept(own, fresh)
	if err != nil {
		return gitsync.Hash{}, err
	}
	if ownKept {
		return theirs, nil
	}
	otherKept, err := r.settingsKept(other, fresh)
	if err != nil {
		return gitsync.Hash{}, err
	}
	if otherKept {
		return ours, nil
	}
	return gitsync.Hash{}, errors.New("both have changed the settings in appbur.yaml since they had the same")
}

func (r *Repository) newerOf(ours gitsync.Hash, theirs gitsync.Commit) (gitsync.Hash, error) {
	own, err := r.git.ReadCommit(ours)
	if err != nil {
		return gitsync.Hash{}, err
	}
	if own.Time.After(theirs.Time) {
		return ours, nil
	}
	return theirs.Hash, nil
}

// settingsKept reports whether settings are those of the commits that both histories have and go on from.
func (r *Repository) settingsKept(c Config, fresh []gitsync.Commit) (bool, error) {
	theirs := make(map[gitsync.Hash]bool)
	for _, commit := range fresh {
		theirs[commit.Hash] = true
	}
	for _, commit := range fresh {
		for _, parent := range commit.Parents {
			if theirs[parent] {
				continue
			}
			before, err := r.configAt(parent)
			if err != nil {
				return false, err
			}
			if same, err := sameSettings(c, before); err != nil || !same {
				return false, err
			}
		}
	}
	return true, nil
}

// sameSettings compares what people decide. What appbur notes of the cluster and of its own rules may differ.
func sameSettings(one, other Config) (bool, error) {
	other.Cluster, other.Rules = one.Cluster, one.Rules
	before, err := one.encode()
	if err != nil {
		return false, err
	}
	after, err := other.encode()
	return string(before) == string(after), err
}
