package payload

import (
	"errors"
	"slices"
)

// Upcast is a step from one schema to a later one, as an application declares it. One
// without changes is code alone: only the application knows what it does to a row.
type Upcast struct {
	From    string   `json:"from"`
	To      string   `json:"to"`
	Changes []Change `json:"changes,omitempty"`
}

// Route returns the steps from one schema to another, in order, and whether they lead
// there. A minor version without a step of its own adds nothing to existing rows.
func Route(from, to string, upcasts []Upcast) (steps []Upcast, leads bool, err error) {
	at, err := ParseVersion(from)
	if err != nil {
		return nil, false, err
	}
	end, err := ParseVersion(to)
	if err != nil {
		return nil, false, err
	}

	for at != end {
		i := slices.IndexFunc(upcasts, func(u Upcast) bool { return u.From == at.String() })
		switch {
		case i < 0:
			return steps, at.Major == end.Major && at.Minor < end.Minor, nil
		case len(steps) > len(upcasts):
			return nil, false, errors.New("the declared upcasts go round in a circle")
		}
		steps = append(steps, upcasts[i])
		if at, err = ParseVersion(upcasts[i].To); err != nil {
			return nil, false, err
		}
	}

	return steps, true, nil
}
