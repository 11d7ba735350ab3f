package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/restore"
)

// targetCluster says which cluster a plan is for (docs/json.md). A kubeconfig that
// names another one than its user thinks is the mistake that costs most.
type targetCluster struct {
	// Context is "" for the cluster that a pod runs in.
	Context string             `json:"context,omitempty"`
	Server  string             `json:"server"`
	ID      string             `json:"id,omitempty"`
	Version appbur.KubeVersion `json:"kubernetesVersion"`
	// Nodes and Namespaces are nil when the account may not count them.
	Nodes      *int `json:"nodes,omitempty"`
	Namespaces *int `json:"namespaces,omitempty"`
	// Source says that the point, or main as it is now, was taken of this cluster.
	Source bool `json:"source"`
	// Since is what a restore would undo, nil where the target is no source.
	Since *changedSince `json:"changedSince,omitempty"`
	// Restored are the restores to this cluster that were made before, newest first.
	Restored []repository.Restored `json:"restored"`

	// compared is how it differs from the plan, nil before anybody asked.
	compared *restore.Findings
	// unknown is why the id is not known.
	unknown error
	// part is what was selected, nil for all of the point.
	part *restore.Part
}

// changedSince is what became of a point's objects in their own cluster since. All
// of it is newer than the point, whatever a clock says.
type changedSince struct {
	Changed []appbur.ObjectID `json:"changed"`
	Deleted []appbur.ObjectID `json:"deleted"`
	// Unreadable objects may have changed as well.
	Unreadable []appbur.ObjectID `json:"unreadable"`
}

func (s *changedSince) any() bool {
	return s != nil && len(s.Changed)+len(s.Deleted)+len(s.Unreadable) > 0
}

// undone reports whether a restore would undo something that nobody asked to be undone.
// Who selects objects that were deleted wants them back.
func (s *changedSince) undone(part *restore.Part) bool {
	if part == nil {
		return s.any()
	}
	return s != nil && len(s.Changed)+len(s.Unreadable) > 0
}

// String says it in one line, with an example of each.
func (s *changedSince) String() string {
	var parts []string
	for _, part := range []struct {
		what string
		list []appbur.ObjectID
	}{{"changed", s.Changed}, {"deleted", s.Deleted}, {"cannot be read", s.Unreadable}} {
		if n := len(part.list); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s (%s%s)", n, part.what, part.list[0], map[bool]string{true: ", …"}[n > 1]))
		}
	}
	return strings.Join(parts, ", ")
}

// refuse is why a restore does not go on without somebody who looks, nil if it may.
func (t targetCluster) refuse(point appbur.RestorePointID) error {
	switch {
	case t.unknown != nil:
		return &usageError{appbur.WithHint(
			fmt.Errorf("it is unknown whether the target is the cluster that %s was taken of: %w", point, t.unknown),
			"let the account get the namespace kube-system, answer on a terminal instead of --yes, or pass --undo-newer if it does not matter")}
	case t.Since.undone(t.part):
		return &usageError{appbur.WithHint(
			fmt.Errorf("the target is the cluster that the history is of, and it is newer than %s: %s; a restore would undo that", point, t.Since),
			"keep its state with `appbur backup` first; then answer on a terminal instead of --yes, or pass --undo-newer")}
	}
	return nil
}

// name is how the target is called in a question.
func (t targetCluster) name() string {
	if t.Context == "" {
		return t.Server
	}
	return fmt.Sprintf("%s (%s)", t.Context, t.Server)
}

// printTarget says which cluster it is, in the form of the other summaries.
func (e *env) printTarget(w io.Writer, t targetCluster) {
	id := t.ID
	if t.unknown != nil {
		id = "unknown: " + t.unknown.Error()
	}
	fmt.Fprintf(w, "target         %s\ncluster        %s\n", oneLine(t.name()), oneLine(id))
	fmt.Fprintf(w, "               Kubernetes %s, %s, %s\n", t.Version, tallyText(t.Nodes, "node"), tallyText(t.Namespaces, "namespace"))

	switch {
	case t.Since.any() && !t.Since.undone(t.part):
		fmt.Fprintf(w, "               the history is of this cluster, and a restore would bring back: %s\n", oneLine(t.Since.String()))
	case t.Since.any():
		fmt.Fprintf(w, "               %s: %s\n", e.paint(sgrYellow, "the history is of this cluster, and a restore would undo what is newer"),
			oneLine(t.Since.String()))
	case t.Source:
		fmt.Fprintln(w, "               the history is of this cluster, and nothing of the point has changed since")
	}

	for i, r := range t.Restored {
		if i == 3 {
			fmt.Fprintf(w, "               and %d restores before\n", len(t.Restored)-i)
			break
		}
		fmt.Fprintf(w, "restored       %s: %s\n", r.Point, restoredWhen(r))
	}
}

// restoredWhen says when an earlier restore began and how it ended.
func restoredWhen(r repository.Restored) string {
	how := map[repository.RestoreState]string{
		repository.RestoreBegun: "begun, its end is not known", repository.RestoreDone: "whole", repository.RestorePartly: "in part",
	}[r.State]
	if r.Part != "" {
		how += " (" + oneLine(r.Part) + ")"
	}
	return fmt.Sprintf("%s, %s", r.At.Format(time.RFC3339), how)
}

// partText says which part of a point is restored, "" for all of it.
func partText(part *restore.Part) string {
	if part == nil {
		return ""
	}
	return part.Text
}

func tallyText(n *int, noun string) string {
	if n == nil {
		return noun + "s unknown"
	}
	return count(*n, noun)
}

// noteRestore remembers where a point was restored to. A copy that cannot be written
// to is no reason not to restore from it.
func (e *env) noteRestore(made planned, t targetCluster, began time.Time, state repository.RestoreState) {
	if t.ID == "" || made.unnoted {
		return
	}
	err := made.repo.NoteRestore(repository.Restored{
		Point: made.plan.Point, Cluster: t.ID, Context: t.Context, Server: t.Server, State: state, At: began, Part: partText(made.plan.Part),
	})
	if err != nil {
		e.warn("the repository does not remember this restore: %v", err)
	}
}
