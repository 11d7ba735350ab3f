package contract

import (
	"context"
	"fmt"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// PositionSnapshot is a [Snapshot] of an application whose rows are numbered by counters,
// such as the sequences of a database.
type PositionSnapshot interface {
	Snapshot
	// Positions says how far the counters of a dataset had come, at the moment of the
	// snapshot or later: counters do not go back. It is read after the rows.
	Positions(ctx context.Context, dataset string) ([]appbur.Position, error)
}

// PositionTransaction is a [Transaction] that can have counters go on where they were.
type PositionTransaction interface {
	Transaction
	// Continue makes sure that the counters of a dataset give none of the numbers before
	// these positions. It never sets one back, and leaves alone what it does not know. It
	// comes after Replace; counters move with the commit.
	Continue(ctx context.Context, dataset string, positions []appbur.Position) error
}

// readPositions reads the positions of a snapshot with counters.
func readPositions(ctx context.Context, snapshot Snapshot, d *definition) ([]*contractpb.Position, error) {
	source, ok := snapshot.(PositionSnapshot)
	if !ok {
		return nil, nil
	}
	positions, err := source.Positions(ctx, d.Name)
	if err != nil {
		return nil, appError(ReasonAppFailed, fmt.Sprintf("reading the counters of dataset %s", d.Name), d.Sensitive(), err)
	}
	for _, p := range positions {
		if err := p.Check(); err != nil {
			return nil, NewError(ReasonAppFailed, "dataset %s: %w", d.Name, err).With("dataset", d.Name)
		}
	}
	return sentPositions(positions), nil
}

// continuePositions hands positions that came with a payload to a transaction, and says
// what a person should know when it takes none.
func continuePositions(ctx context.Context, tx Transaction, p *importPart) (warning string, err error) {
	if len(p.positions) == 0 {
		return "", nil
	}
	d := p.definition
	target, ok := tx.(PositionTransaction)
	if !ok {
		return fmt.Sprintf("dataset %s: the payload has positions of counters, which this application does not set", d.Name), nil
	}
	if err := target.Continue(ctx, d.Name, p.positions); err != nil {
		return "", appError(ReasonAppFailed, fmt.Sprintf("continuing the counters of dataset %s", d.Name), d.Sensitive(), err)
	}
	return "", nil
}

func sentPositions(positions []appbur.Position) []*contractpb.Position {
	var sent []*contractpb.Position
	for _, p := range positions {
		sent = append(sent, &contractpb.Position{Field: p.Field, Counter: p.Counter, Next: p.Next})
	}
	return sent
}

func positionsOf(received []*contractpb.Position) ([]appbur.Position, error) {
	var positions []appbur.Position
	for _, w := range received {
		p := appbur.Position{Field: w.GetField(), Counter: w.GetCounter(), Next: w.GetNext()}
		if err := p.Check(); err != nil {
			return nil, err
		}
		positions = append(positions, p)
	}
	return positions, nil
}
