package repository

import (
	"cmp"
	"slices"
	"time"

	"github.com/appbur/appbur"
)

// restoresFile says which clusters points were restored to from this copy of the
// repository. No push reaches it, so what it says is what this machine did.
const restoresFile = "appbur-restores.json"

// keptRestores bounds the file: of more pairs of a point and a cluster than that the
// oldest are forgotten.
const keptRestores = 1000

// RestoreState says how a restore ended. The set is closed.
type RestoreState string

// The states of a restore.
const (
	// RestoreBegun has not ended yet, or its process died.
	RestoreBegun RestoreState = "begun"
	// RestoreDone restored everything.
	RestoreDone RestoreState = "done"
	// RestorePartly left something out: objects failed, or it was stopped.
	RestorePartly RestoreState = "partly"
)

// Restored is the last restore of a point to a cluster.
type Restored struct {
	Point appbur.RestorePointID `json:"restorePoint"`
	// Cluster is the uid of its namespace kube-system.
	Cluster string `json:"cluster"`
	// Context and Server are how the cluster was reached.
	Context string       `json:"context,omitempty"`
	Server  string       `json:"server"`
	State   RestoreState `json:"state"`
	// At is when it began.
	At time.Time `json:"at"`
	// Part is what was selected of the point, "" for all of it.
	Part string `json:"part,omitempty"`
}

// NoteRestore remembers a restore. An earlier one of the same part of the same
// point to the same cluster is replaced.
func (r *Repository) NoteRestore(restored Restored) error {
	unlock, err := r.lockNote(restoresFile)
	if err != nil {
		return err
	}
	defer unlock()

	list, err := r.Restores()
	if err != nil {
		return err
	}
	restored.At = restored.At.UTC().Truncate(time.Second)
	list = slices.DeleteFunc(list, func(old Restored) bool {
		return old.Point == restored.Point && old.Cluster == restored.Cluster && old.Part == restored.Part
	})
	list = append([]Restored{restored}, list...)
	sortRestores(list)
	return r.writeNote(restoresFile, list[:min(len(list), keptRestores)])
}

// Restores lists the restores made from this copy, newest first.
func (r *Repository) Restores() ([]Restored, error) {
	var list []Restored
	if err := r.readNote(restoresFile, &list); err != nil {
		return nil, appbur.WithHint(err, "delete the file to go on without what it remembers")
	}
	sortRestores(list)
	return list, nil
}

func sortRestores(list []Restored) {
	slices.SortStableFunc(list, func(a, b Restored) int {
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Point, a.Point), cmp.Compare(a.Cluster, b.Cluster))
	})
}
