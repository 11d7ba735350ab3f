package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/internal/retention"
)

// many are names as long as they are in clusters.
func many(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("fleet-system/application-%d", i)
	}
	return names
}

// Whatever there are thousands of, text stays something that people can read: a few lines
// that name the first and count the others.
func TestLongListsAreBounded(t *testing.T) {
	const n = 3000
	points := make([]appbur.RestorePointID, n)
	catalog := repository.Catalog{Refs: make([]repository.PointRef, n), Misdated: make([]bool, n)}
	coverage := appbur.Coverage{}
	hits := make([]repository.Hit, n)
	for i := range points {
		points[i] = appbur.RestorePointID(fmt.Sprintf("20261121T030238Z-%d", i))
		catalog.Refs[i].ID, catalog.Misdated[i] = points[i], true
		catalog.Untrusted = append(catalog.Untrusted,
			repository.RejectedPoint{Ref: catalog.Refs[i], Err: errors.New("nobody trusted has signed it")})
		coverage.Types = append(coverage.Types,
			appbur.TypeCoverage{Kind: "Thing", Group: fmt.Sprintf("g%d.example.com", i), Reason: "forbidden: no"})
		hits[i] = repository.Hit{Point: points[i], Path: many(1)[0]}
	}

	for name, print := range map[string]func(e *env){
		"log":         func(e *env) { e.printLog([]commitJSON{{Points: points}}, &logOptions{}, false) },
		"show":        func(e *env) { e.printCommit(commitJSON{Points: points}) },
		"prune":       func(e *env) { e.printVerdicts([]retention.Verdict{{Reasons: many(n)}}) },
		"repo check":  func(e *env) { e.printCheck(repository.CheckReport{Findings: []repository.Finding{{Affects: hits}}}) },
		"points list": func(e *env) { e.warnRejected(catalog) },
		"backup": func(e *env) {
			for _, hole := range holesOf(coverage) {
				e.warn("%s", hole)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			e, out, errs := testEnv(false)
			print(e)
			text := out.String() + errs.String()
			if !strings.Contains(text, "more") {
				t.Errorf("nothing tells how many there are:\n%.1000s", text)
			}
			if lines := strings.Count(text, "\n"); lines > 12 {
				t.Errorf("%d lines", lines)
			}
			if size := utf8.RuneCountInString(text); size > 1500 {
				t.Errorf("%d characters:\n%.1000s", size, text)
			}
		})
	}
}

// The newest points of a commit are those that people look for.
func TestNewestPointsOfACommit(t *testing.T) {
	c := commitJSON{Points: []appbur.RestorePointID{"20261119T030000Z", "20261121T030000Z", "20261118T030000Z", "20261120T030000Z"}}
	if got, want := pointsOf(c), "20261121T030000Z, 20261120T030000Z, 20261119T030000Z and 1 more"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
