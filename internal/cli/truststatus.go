package cli

import (
	"fmt"

	"github.com/appbur/appbur/pkg/seal"

	"github.com/appbur/appbur/internal/repository"
)

// pointHistory is what `points show --json` says of the history (docs/json.md).
type pointHistory struct {
	// State is "continues", "first" when nothing was seen before, or "accepted".
	State    string `json:"state"`
	Tip      string `json:"tip"`
	Seen     string `json:"lastSeen,omitempty"`
	Commits  int    `json:"commitsSince"`
	Anchored string `json:"anchored,omitempty"`
	Accepted string `json:"accepted,omitempty"`
}

func historyOf(s repository.TrustStatus) pointHistory {
	h := pointHistory{
		State: "continues", Tip: s.Tip.String(), Seen: s.Seen.String(), Commits: s.Commits, Anchored: s.Anchored,
		Accepted: s.Accepted,
	}
	switch {
	case s.Accepted != "":
		h.State = "accepted"
	case s.Seen.IsZero():
		h.State = "first"
	}
	return h
}

// printTrustStatus says how far a point can be believed.
func (e *env) printTrustStatus(s repository.TrustStatus) {
	out := e.paragraphs(fieldIndent)
	if s.Signer != "" {
		fmt.Fprintf(out, "signature      %s, by %s\n", e.paint(sgrGreen, "good"), s.Signer)
	} else {
		fmt.Fprintf(out, "signature      %s\n", e.paint(sgrYellow, "not checked"))
	}
	switch {
	case s.Accepted != "":
		fmt.Fprintf(out, "history        %s: %s\n", e.paint(sgrYellow, "accepted"), oneLine(s.Accepted))
	case s.Seen.IsZero():
		fmt.Fprintf(out, "history        %s\n", e.paint(sgrYellow, "seen for the first time, compared with nothing"))
	default:
		fmt.Fprintf(out, "history        %s since %.12s, %d commits\n", e.paint(sgrGreen, "unbroken"), s.Seen, s.Commits)
	}
	if s.Anchored != "" {
		fmt.Fprintf(out, "anchor         %s, holds the one of %s\n", e.paint(sgrGreen, "good"), s.Anchored)
	}
}

// printSigners lists whom an allowed_signers file names.
func (e *env) printSigners(trusted []byte) error {
	signers, err := seal.ListSigners(trusted)
	if err != nil {
		return err
	}
	for _, s := range signers {
		until := ""
		if s.Until != nil {
			until = ", for what is dated before " + s.Until.UTC().Format("2006-01-02 15:04:05Z")
		}
		fmt.Fprintf(e.Out, "believes    %s, %s%s\n", oneLine(s.Principals), s.Fingerprint, until)
	}
	return nil
}
