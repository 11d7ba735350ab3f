package contract

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// upcaster runs rows through a chain of steps and records what they lose.
type upcaster struct {
	chain []step
	// sensitive withholds what an author's function says about a row.
	sensitive bool
	dropped   map[loss]int64
}

// loss is one kind of data that a step leaves behind.
type loss struct {
	step     int
	path     string
	declared bool
	reason   string
}

func newUpcaster(chain []step, sensitive bool) *upcaster {
	return &upcaster{chain: chain, sensitive: sensitive, dropped: map[loss]int64{}}
}

// row brings one canonical row to the current schema, in canonical form. It
// returns nil when a step dropped the row.
func (u *upcaster) row(in []byte) (Row, error) {
	if len(u.chain) == 0 {
		return in, nil
	}
	value, err := decodeValue(in)
	if err != nil {
		return nil, err
	}
	row, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("a row must be a JSON object")
	}

	for i, s := range u.chain {
		before := leaves(row)
		row, err = s.run(row)
		if err != nil && u.sensitive {
			err = errors.New("the cause is withheld because the dataset is sensitive")
		}
		if err != nil {
			return nil, fmt.Errorf("upcast from schema %s to %s: %w", s.from, s.to, err)
		}
		if row == nil {
			u.dropped[loss{step: i, declared: true, reason: "the step drops the row"}]++
			return nil, nil
		}
		u.record(i, before, row)
	}

	return encodeRow(row)
}

func (s step) run(row map[string]any) (map[string]any, error) {
	if s.Row != nil {
		return s.Row(row)
	}
	for _, c := range s.Changes {
		if err := c.apply(row); err != nil {
			return nil, err
		}
	}
	return row, nil
}

// record follows every value of the row through the declared changes. A value
// that is not where they lead was lost without being declared.
func (u *upcaster) record(i int, before [][]string, after map[string]any) {
	counted := map[loss]bool{}
	for _, path := range before {
		l, lost := u.chain[i].fate(path, after)
		l.step = i
		if !lost || counted[l] {
			continue
		}
		counted[l] = true
		u.dropped[l]++
	}
}

// fate says what became of the value at path.
func (s step) fate(path []string, after map[string]any) (loss, bool) {
	at := path
	for _, c := range s.Changes {
		from, err := parsePointer(c.Path)
		if err != nil || !within(at, from) {
			continue
		}
		switch c.Op {
		case OpRename, OpMove:
			to, err := parsePointer(c.To)
			if err != nil {
				continue
			}
			at = slices.Concat(to, at[len(from):])
		case OpDrop:
			if _, still := lookup(after, at); !still {
				return loss{path: c.Path, declared: true, reason: c.Reason}, true
			}
		case OpMap:
			// The table says what the value became, whatever its shape.
			return loss{}, false
		case OpAdd:
		}
	}

	if _, ok := lookup(after, at); ok {
		return loss{}, false
	}
	return loss{path: formatPointer(path)}, true
}

// leaves lists the paths of all values that carry data: not null, not an object.
func leaves(row map[string]any) [][]string {
	var paths [][]string
	var walk func(prefix []string, object map[string]any)
	walk = func(prefix []string, object map[string]any) {
		for name, value := range object {
			path := append(slices.Clip(prefix), name)
			switch value := value.(type) {
			case nil:
			case map[string]any:
				walk(path, value)
			default:
				paths = append(paths, path)
			}
		}
	}
	walk(nil, row)
	return paths
}

// report lists the losses in a fixed order.
func (u *upcaster) report() []*contractpb.Dropped {
	list := make([]*contractpb.Dropped, 0, len(u.dropped))
	for l, rows := range u.dropped {
		s := u.chain[l.step]
		list = append(list, &contractpb.Dropped{
			Path: l.path, From: s.from.String(), To: s.to.String(),
			Rows: uint64(rows), Declared: l.declared, Reason: l.reason,
		})
	}
	slices.SortFunc(list, func(a, b *contractpb.Dropped) int {
		if c := compareSchemaText(a.GetFrom(), b.GetFrom()); c != 0 {
			return c
		}
		return strings.Compare(a.GetPath(), b.GetPath())
	})
	return list
}

func compareSchemaText(a, b string) int {
	v, errV := parseSchema(a)
	w, errW := parseSchema(b)
	if errV != nil || errW != nil {
		return strings.Compare(a, b)
	}
	return v.compare(w)
}
