package contracttest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// state is what an application holds, as payloads. It is never changed; its
// methods return others.
type state struct {
	order    []string
	datasets map[string]held
}

// held is the payload of one dataset.
type held struct {
	schema  string
	payload []byte
	// opaque payloads are not cut: only the application reads them.
	opaque bool
}

// rows counts the rows of the payload.
func (h held) rows() int64 {
	if h.opaque {
		return 0
	}
	return int64(bytes.Count(h.payload, []byte("\n")))
}

func (a state) payload(name string) []byte { return a.datasets[name].payload }

// size is the length of all payloads together.
func (a state) size() int {
	n := 0
	for _, h := range a.datasets {
		n += len(h.payload)
	}
	return n
}

func (a state) add(name string, h held) state {
	b := state{order: slices.Clone(a.order), datasets: maps.Clone(a.datasets)}
	if b.datasets == nil {
		b.datasets = map[string]held{}
	}
	if !slices.Contains(b.order, name) {
		b.order = append(b.order, name)
	}
	b.datasets[name] = h
	return b
}

// with returns the state with another payload for one dataset.
func (a state) with(name string, payload []byte) state {
	h := a.datasets[name]
	h.payload = payload
	return a.add(name, h)
}

// only returns the part of the state that the named datasets are.
func (a state) only(names ...string) state {
	b := state{}
	for _, n := range a.order {
		if slices.Contains(names, n) {
			b = b.add(n, a.datasets[n])
		}
	}
	return b
}

// reversed returns the state in the opposite order.
func (a state) reversed() state {
	b := state{datasets: a.datasets, order: slices.Clone(a.order)}
	slices.Reverse(b.order)
	return b
}

// reschemed returns the state with another schema claimed for every dataset.
func (a state) reschemed(schema string) state {
	b := state{}
	for _, n := range a.order {
		h := a.datasets[n]
		h.schema = schema
		b = b.add(n, h)
	}
	return b
}

// empty returns the state without rows. Opaque datasets stay: only the application knows
// what their emptiness looks like.
func (a state) empty() state {
	b := a
	for _, n := range a.order {
		if !a.datasets[n].opaque {
			b = b.with(n, nil)
		}
	}
	return b
}

// last names the last dataset that has rows. No dataset with rows depends on it,
// because dependencies come first.
func (a state) last() (string, error) {
	opaque := false
	for _, n := range slices.Backward(a.order) {
		h := a.datasets[n]
		opaque = opaque || h.opaque && len(h.payload) > 0
		if !h.opaque && len(h.payload) > 0 {
			return n, nil
		}
	}
	if opaque {
		return "", notApplicable("the application has no dataset of rows")
	}
	return "", errors.New("the application holds no row: start it with at least one")
}

// shrunk returns the state without the last row of its last dataset.
func (a state) shrunk() (state, error) {
	name, err := a.last()
	if err != nil {
		return state{}, err
	}
	payload := a.payload(name)
	cut := bytes.LastIndexByte(payload[:len(payload)-1], '\n') + 1
	return a.with(name, payload[:cut]), nil
}

// differs says where two states differ.
func (a state) differs(b state) error {
	if !slices.Equal(a.order, b.order) {
		return fmt.Errorf("datasets %s became %s", strings.Join(a.order, ", "), strings.Join(b.order, ", "))
	}
	for _, n := range a.order {
		p, q := a.payload(n), b.payload(n)
		if !bytes.Equal(p, q) {
			return fmt.Errorf("dataset %s: %d bytes with %s became %d bytes with %s", n,
				len(p), appbur.DigestOf(p).Short(), len(q), appbur.DigestOf(q).Short())
		}
	}
	return nil
}

// oneOf makes sure that the state is one of two.
func (a state) oneOf(before, after state) error {
	if before.differs(a) == nil || after.differs(a) == nil {
		return nil
	}
	return fmt.Errorf("the state is neither that before (%w) nor that after", before.differs(a))
}
