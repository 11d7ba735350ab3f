package backup

import (
	"context"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/capture"
	"github.com/appbur/appbur/internal/keyring"
	"github.com/appbur/appbur/internal/progress"
	"github.com/appbur/appbur/internal/repository"
)

// Maker makes restore points of one cluster in one repository.
type Maker struct {
	Repo   *repository.Repository
	Keys   *keyring.Keys
	Guards repository.Guards

	// Source is read, Cluster which one it is, and Rules the version of the rules that it is read by.
	Source  capture.Source
	Cluster appbur.Cluster
	Rules   string
	// Dialer reaches the applications.
	Dialer apps.Dialer

	Random io.Reader
	Now    func() time.Time
	// Observer is told how far it is.
	Observer Observer
}

// Observer is told how far a restore point is. Parts come one after the other; what is done of one
// may be told by several goroutines.
type Observer interface {
	// Begins says that a part of the work begins, of about so many units, 0 if that is not known. The
	// part before has ended.
	Begins(part string, unit progress.Unit, expected int64)
	// Reached says how much of the part is done.
	Reached(done int64, note string)
	// Ends says that no part is at work.
	Ends()

	// Opened tells what the history says, before the cluster is read.
	Opened(Opening)
	// Read tells what was read of the cluster, and what could not be.
	Read(appbur.Coverage)
	// Warns tells what stops nothing and what somebody should look at, and why it is so.
	Warns(text string, why error)
}

// Opening is what the history says about a point that is about to be made.
type Opening struct {
	// Notices are what somebody should look at; see [repository.PointWriter.Notices].
	Notices []string
	// Missing are applications of earlier points that this one will lack, which makes it partial.
	Missing []appbur.MissingApp
	// Back are applications that were retired and that take part again.
	Back []appbur.AppKey
	// Carried are applications that are not asked: their state is that of an earlier point.
	Carried []appbur.AppKey
}

// Request is one point that is to be made.
type Request struct {
	// Apps are the applications that there are.
	Apps []apps.Target
	// Asks reports whether an application is asked for its state. That of the others is taken over from an earlier
	// point, and they are asked if none can be. Without it all are asked.
	Asks func(appbur.AppKey) bool
	// Schedules are the names of those that it is due for, none if somebody asked for it.
	Schedules []string
}

// Made is a restore point and what it is made of.
type Made struct {
	Point   appbur.RestorePoint
	Outcome repository.Outcome
	// Coverage says what was read of the cluster.
	Coverage appbur.Coverage
	// Started is when the reading began.
	Started time.Time
	// Saved counts the objects that were read; Kept those that the point holds beside
	// them, because nothing proves that they are gone; Excluded those that are not saved by rule.
	Saved, Kept, Excluded int
}

// Make reads the cluster and the applications, commits what changed, and makes a restore
// point of it. Guards that refuse the commit are a [repository.GuardError].
func (m *Maker) Make(ctx context.Context, request Request) (Made, error) {
	made := Made{Started: m.Now()}
	defer m.Observer.Ends()
	m.Observer.Begins("looking at the history", progress.Uncounted, 0)
	writer, err := m.Repo.Begin(m.Cluster, m.Rules, m.Keys, m.Guards, m.Random, m.Now)
	if err != nil {
		return Made{}, err
	}
	point, err := m.Repo.BeginPoint(m.Keys, m.Random, m.Now)
	if err != nil {
		return Made{}, err
	}
	defer point.Discard()
	asked, carried, err := request.carryOver(point)
	if err != nil {
		return Made{}, err
	}
	m.Observer.Ends()
	m.Observer.Opened(openingOf(point, asked, carried))

	seen, err := m.read(ctx, asked, writer, point)
	if err != nil {
		return Made{}, err
	}
	ended := m.Now()
	m.Observer.Begins("committing", progress.Uncounted, 0)
	made.Outcome, err = writer.Commit(ctx, made.Started, seen.Coverage)
	if err != nil {
		return Made{}, err
	}
	if made.Outcome.Unseen != nil {
		m.Observer.Warns("a later rewrite of this history would not be noticed", made.Outcome.Unseen)
	}

	made.Point, err = point.Save(ctx, made.Outcome.Commit, repository.PointContent{
		Created: made.Started, Ended: ended, Cluster: m.Cluster, Rules: m.Rules, Coverage: seen.Coverage, Index: seen.Index,
		Objects: made.Outcome.Objects, Evidence: seen.Evidence, Overrides: writer.Overrides(), Own: made.Outcome.Own,
		Schedules: request.Schedules,
	})
	if err != nil {
		return Made{}, err
	}
	m.Observer.Ends()
	if err := point.Remember(made.Point, m.Now()); err != nil {
		m.Observer.Warns("a later removal of this point by others would not be noticed", err)
	}

	made.count(seen.Coverage)
	return made, nil
}

// read captures the cluster and exports the applications, side by side.
func (m *Maker) read(ctx context.Context, targets []apps.Target, writer *repository.Writer, point *repository.PointWriter) (
	seen capture.Captured, err error,
) {
	exports, working := m.beginExports(ctx, targets, point, point.Last())
	err = exports.beside(func() error {
		m.Observer.Begins("reading the cluster", "objects", int64(point.Last().Objects))
		var read atomic.Int64
		var err error
		seen, err = capture.Run(working, m.Source, writer, func() { m.Observer.Reached(read.Add(1), "") })
		m.Observer.Ends()
		if err == nil {
			m.Observer.Read(seen.Coverage)
		}
		return err
	})
	return seen, err
}

func openingOf(point *repository.PointWriter, targets []apps.Target, carried []appbur.AppKey) Opening {
	given := map[appbur.AppKey]bool{}
	keys := slices.Clone(carried)
	for _, target := range targets {
		given[target.AppKey] = true
		keys = append(keys, target.AppKey)
	}
	opening := Opening{Notices: point.Notices(), Missing: point.Missing(keys), Carried: carried}
	for _, app := range point.Known() {
		if app.Retired && given[app.AppKey] {
			opening.Back = append(opening.Back, app.AppKey)
		}
	}
	return opening
}

func (m *Made) count(coverage appbur.Coverage) {
	m.Coverage = coverage
	for _, t := range coverage.Types {
		m.Excluded += t.Excluded
		if t.Complete {
			m.Saved += t.Saved
		}
	}
	m.Kept = max(0, m.Point.Objects-m.Saved)
}
