package cli

import (
	"fmt"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/diagnosis"
)

// statusAnswer is what `status --json` prints (docs/json.md).
type statusAnswer struct {
	State diagnosis.State `json:"state"`
	At    time.Time       `json:"at"`
	// LastGoodPoint is absent if there is none.
	LastGoodPoint *goodPoint `json:"lastGoodPoint,omitempty"`
	LastCommit    lastCommit `json:"lastCommit"`
	// Audit is absent if no daemon was asked, or it does not say it.
	Audit  *auditAnswer  `json:"audit,omitempty"`
	Checks []statusCheck `json:"checks"`
}

type goodPoint struct {
	ID           appbur.RestorePointID `json:"id"`
	Started      time.Time             `json:"started"`
	Confirmed    time.Time             `json:"confirmed"`
	AgeSeconds   int64                 `json:"ageSeconds"`
	Objects      int                   `json:"objects"`
	Applications int                   `json:"applications"`
	Holding      int                   `json:"holding"`
	Required     int                   `json:"required"`
}

// auditAnswer says whether audit events come, which prove who made a change.
type auditAnswer struct {
	Configured bool `json:"configured"`
	Silent     bool `json:"silent"`
	// LastEvent is absent if none has come.
	LastEvent *time.Time `json:"lastEvent,omitempty"`
}

type lastCommit struct {
	Commit string    `json:"commit"`
	At     time.Time `json:"at"`
}

type statusCheck struct {
	Check   string           `json:"check"`
	Subject string           `json:"subject,omitempty"`
	State   diagnosis.State  `json:"state"`
	Says    string           `json:"says"`
	Reason  diagnosis.Reason `json:"reason,omitempty"`
	Do      string           `json:"do,omitempty"`
}

func statusAnswerOf(f diagnosis.Facts, r diagnosis.Report) statusAnswer {
	answer := statusAnswer{
		State: r.State, At: f.Now.UTC().Truncate(time.Second), LastCommit: lastCommit{f.Main.Commit, f.Main.Committed.UTC()},
	}
	if d := f.Daemon; d != nil && d.Audit != nil {
		answer.Audit = &auditAnswer{Configured: d.Audit.Configured, Silent: d.Audit.Silent}
		if last := d.Audit.Last.UTC().Truncate(time.Second); !d.Audit.Last.IsZero() {
			answer.Audit.LastEvent = &last
		}
	}
	if p := r.Good; p != nil {
		answer.LastGoodPoint = &goodPoint{
			ID: p.ID, Started: p.Started.UTC(), Confirmed: r.Confirmed.UTC().Truncate(time.Second),
			AgeSeconds: int64(f.Now.Sub(r.Confirmed).Seconds()),
			Objects:    p.Objects, Applications: len(p.Apps), Holding: r.Holding, Required: f.Required,
		}
	}
	for _, c := range r.Checks {
		answer.Checks = append(answer.Checks, statusCheck{c.Name, c.Subject, c.State, c.Says, c.Reason, adviceFor(c)})
	}
	return answer
}

var stateColours = map[diagnosis.State]string{diagnosis.OK: sgrGreen, diagnosis.Warning: sgrYellow, diagnosis.Failing: sgrRed}

func (e *env) printStatus(r diagnosis.Report) {
	t := e.newTable(statusColumns...)
	wrong := 0
	for _, c := range r.Checks {
		what := c.Name
		if c.Subject != "" {
			what += " " + c.Subject
		}
		if c.State != diagnosis.OK {
			wrong++
		}
		t.add(coloured(stateColours[c.State], string(c.State)), plain(what), plain(c.Says), plain(adviceFor(c)))
	}
	t.print(e.Out)

	if wrong == 0 {
		e.say("%s", e.paintErr(sgrGreen, "All is well."))
		return
	}
	e.say("%s", e.paintErr(stateColours[r.State], fmt.Sprintf("Not well: %d of %s.", wrong, count(len(r.Checks), "check"))))
}
