package golden

import (
	"fmt"
	"slices"

	"github.com/appbur/appbur/pkg/compat/payload"
	"github.com/appbur/appbur/pkg/compat/schemadiff"
)

// Unbroken wants that nothing which a release promised about its rows is broken within a major
// version: by the descriptions of rows, where they were recorded, and by what the release said
// about its datasets. What changes with a major version is declared by an upcast.
func Unbroken(e Evidence) (findings []Finding, notes []string) {
	for _, g := range e.Goldens {
		if Newer(g.Release, e.Now.Version) {
			continue
		}
		for _, recorded := range g.About.Datasets {
			now, ok := e.Now.Dataset(recorded.Name)
			if !ok {
				continue // that is said by the gate of imports
			}
			about := Finding{Gate: Schemas, Release: g.Release, Dataset: recorded.Name, Schema: recorded.Schema}
			findings = append(findings, promised(about, recorded, now)...)
			broken, note := e.compareDescriptions(about, recorded, now)
			findings = append(findings, broken...)
			if note != "" && !slices.Contains(notes, note) {
				notes = append(notes, note)
			}
		}
	}
	return findings, notes
}

// promised compares what a release said about a dataset with what the application says.
func promised(about Finding, recorded, now Dataset) (findings []Finding) {
	add := func(rule, what, hint string) {
		about.Rule, about.What, about.Hint = rule, what, hint
		findings = append(findings, about)
	}
	before, errBefore := payload.ParseVersion(recorded.Schema)
	after, errAfter := payload.ParseVersion(now.Schema)
	if errBefore != nil || errAfter != nil {
		return nil
	}

	if before.Compare(after) > 0 {
		add("SCHEMA_WENT_BACK", fmt.Sprintf("the application writes schema %s, and the release wrote %s", now.Schema, recorded.Schema),
			"give the schema a later version than any that was released")
	}
	if before.Major == after.Major && !slices.Equal(recorded.Key, now.Key) {
		add("KEY_CHANGED", fmt.Sprintf("its key is %q, and was %q", now.Key, recorded.Key), "give the schema a new major version, and an upcast")
	}
	for _, u := range recorded.Upcasts {
		i := slices.IndexFunc(now.Upcasts, func(n payload.Upcast) bool { return n.From == u.From && n.To == u.To })
		if i >= 0 && !Equal(inJSON(u.Changes), inJSON(now.Upcasts[i].Changes)) {
			add("UPCAST_EDITED", fmt.Sprintf("the upcast from %s to %s was released, and is another one now", u.From, u.To),
				"leave it as it was released, and add a step from "+u.To)
		}
	}
	return findings
}

// inJSON is a list of changes as a value, without their reasons, which are for people.
func inJSON(changes []payload.Change) any {
	list := []any{}
	for _, c := range changes {
		change := Row{"op": string(c.Op), "path": c.Path, "to": c.To}
		if row, err := payload.DecodeRow(slices.Concat([]byte(`{"v":`), c.Value, []byte(`}`))); err == nil {
			change["value"] = row["v"]
		}
		list = append(list, change)
	}
	return list
}

// compareDescriptions compares the description of rows of a release with that of the application.
func (e Evidence) compareDescriptions(about Finding, recorded, now Dataset) (findings []Finding, note string) {
	older, known := e.Described[[2]string{about.Release, recorded.Name}]
	if !known {
		return nil, ""
	}
	newer, given := e.DescribedNow[recorded.Name]
	if !given {
		return nil, fmt.Sprintf("dataset %s: goldens describe its rows, and the application under test does not, so they are not compared",
			recorded.Name)
	}
	before, errBefore := payload.ParseVersion(recorded.Schema)
	after, errAfter := payload.ParseVersion(now.Schema)
	if errBefore != nil || errAfter != nil || before.Major != after.Major {
		return nil, "" // an upcast says what becomes of it
	}

	differences, err := schemadiff.Compare(older, newer)
	if err != nil {
		about.What, about.Hint = err.Error(), "describe the rows in the same way, or give the schema a new major version"
		return []Finding{about}, ""
	}
	for _, d := range schemadiff.Breaking(differences) {
		rule := schemadiff.RuleOf(d.Rule)
		about.Rule, about.Field = d.Rule, d.Path
		about.What = fmt.Sprintf("%s: %s; %s", rule.Title, d.What, rule.Reason)
		about.Hint = "take the change back, or give the schema a new major version, and an upcast from " + recorded.Schema
		findings = append(findings, about)
	}
	return findings, ""
}
