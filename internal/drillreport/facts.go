package drillreport

import (
	"fmt"
	"strings"

	"github.com/appbur/appbur/internal/restorereport"
)

// Summary says it in one line.
func (r Report) Summary() string {
	return fmt.Sprintf("%s: restore point %s into Kubernetes %s; recovery time %s, recovery point %s old", r.Outcome, r.Point.ID,
		r.Target.Kubernetes, seconds(r.RecoverySeconds), seconds(r.RecoveryPointSeconds))
}

// facts are the head of a page.
func (r Report) facts() [][2]string {
	facts := [][2]string{
		{"Outcome", string(r.Outcome)},
		{"Why", strings.Join(r.Why, "; ")},
		{"Recovery time", seconds(r.RecoverySeconds)},
		{"Recovery time, trend", Trend(r.Brief(), r.Earlier)},
		{"Recovery point", fmt.Sprintf("%s old: the cluster as of %s", seconds(r.RecoveryPointSeconds), restorereport.Stamp(r.Point.Captured))},
		{"Restore point", string(r.Point.ID) + map[bool]string{true: " (partial)"}[r.Point.Partial]},
		{"Selected", r.Point.Part},
		{"Commit", r.Point.Commit},
		{"Manifests", r.Point.Manifests},
		{"Signed by", r.Point.SignedBy},
		{"Taken of", "cluster " + r.Point.Cluster + ", Kubernetes " + r.Point.Kubernetes.String()},
		{"Restored into", r.target()},
		{"Run by", fmt.Sprintf("%s on %s, %s, with appbur %s", r.By.User, r.By.Host, r.By.Trigger, r.By.Release)},
		{"Began", restorereport.Stamp(r.Began)},
		{"Ended", restorereport.Stamp(r.Ended)},
		{"Drill", r.ID},
	}
	kept := facts[:0]
	for _, fact := range facts {
		if fact[1] != "" {
			kept = append(kept, fact)
		}
	}
	return kept
}

// target says what it was restored into.
func (r Report) target() string {
	text := "Kubernetes " + r.Target.Kubernetes.String()
	if !r.Target.Started {
		return text + ", " + r.Target.Name + ", cluster " + r.Target.Cluster
	}
	text += ", a throwaway control plane that was started for it (" + r.Target.Programs + ")"
	if c := r.Target.Controllers; c != nil && !*c {
		text += ", without a controller-manager: no garbage collector and no other controller looked at what was restored"
	}
	return text
}

// counts are the objects by what became of them.
func (r Report) counts() []count {
	o := r.Objects
	return []count{
		{"created", o.Created},
		{"configured", o.Configured},
		{"unchanged", o.Unchanged},
		{"skipped", o.Skipped},
		{"failed", o.Failed},
		{"of all: converted for the target", o.Converted},
		{"left out, which the target cannot have", o.LeftOut},
		{"compared with the restore point afterwards", o.Compared},
		{"of these: findings", o.Different},
	}
}

type count struct {
	What string
	N    int
}

// rows are the applications.
func (r Report) rows() []Object {
	var rows []Object
	for _, app := range r.Apps {
		row := Object{Object: app.App.String()}
		text := app.Result
		if app.Reason != "" {
			text += ": " + app.Reason
		}
		row.What = append(row.What, text, "saved by "+app.Saved+map[bool]string{true: ", imported into " + app.Now}[app.Now != ""])
		if app.Command != "" {
			row.What = append(row.What, "started for the drill: "+app.Command)
		}
		if app.Equal {
			row.What = append(row.What, "exported again and compared with what was saved: equal")
		}
		for _, difference := range app.Differences {
			row.What = append(row.What, "different: "+difference)
		}
		for _, d := range app.Datasets {
			row.What = append(row.What, d.lines()...)
		}
		rows = append(rows, row)
	}
	return rows
}

func (d Dataset) lines() []string {
	schema := "schema " + d.SchemaFrom
	if d.SchemaTo != "" && d.SchemaTo != d.SchemaFrom {
		schema += " to " + d.SchemaTo
	}
	digest := d.Digest
	if digest == "" {
		digest = "digest sealed"
	}
	lines := []string{fmt.Sprintf("%s: %d rows, %d bytes, %s, %s", d.Name, d.Rows, d.Bytes, schema, digest)}
	for _, dropped := range d.Dropped {
		lines = append(lines, "dropped "+dropped)
	}
	for _, filled := range d.Defaulted {
		lines = append(lines, "defaulted "+filled)
	}
	if d.Uncompared != "" {
		lines = append(lines, "not compared: "+d.Uncompared)
	}
	return lines
}

// checked are the checks.
func (r Report) checked() []Object {
	var rows []Object
	for _, c := range r.Checks {
		name := c.Name
		if c.App != "" {
			name = c.App + ": " + name
		}
		what := fmt.Sprintf("passed in %s", seconds(c.Seconds))
		if !c.Passed {
			what = "failed: " + c.Reason
		}
		rows = append(rows, Object{Object: name, What: []string{what}})
	}
	return rows
}

// earlier are the drills before.
func (r Report) earlier() []Object {
	var rows []Object
	for _, e := range r.Earlier {
		rows = append(rows, Object{Object: restorereport.Stamp(e.Began), What: []string{fmt.Sprintf(
			"%s: %s into Kubernetes %s, recovery time %s, recovery point %s old", e.Outcome, e.Point, e.Kubernetes, seconds(e.RecoverySeconds),
			seconds(e.RecoveryPointSeconds))}})
	}
	return rows
}

// sections are the lists of a page.
func (r Report) sections() []List {
	all := []List{
		{"Applications", len(r.Apps), r.rows()},
		{"Checks", len(r.Checks), r.checked()},
	}
	all = append(all, r.Lists...)
	all = append(all, List{"Earlier drills", len(r.Earlier), r.earlier()})
	var kept []List
	for _, list := range all {
		if more := list.Total - len(list.Objects); more > 0 {
			list.Objects = append(list.Objects[:len(list.Objects):len(list.Objects)], Object{Object: fmt.Sprintf("and %d more", more)})
		}
		if list.Total > 0 {
			kept = append(kept, list)
		}
	}
	return kept
}
