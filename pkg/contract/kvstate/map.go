package kvstate

import (
	"errors"
	"iter"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/jsonrows"
)

// Map is one dataset: values by key. It may be used from several goroutines.
type Map[T any] struct {
	store   *Store
	dataset contract.Dataset
	codec   jsonrows.Codec[pair[T]]
	values  map[string]T
}

// pair is the form of a row.
type pair[T any] struct {
	Key   string `json:"key"`
	Value T      `json:"value"`
}

// Add makes an empty map and adds it to a store.
func Add[T any](s *Store, d Dataset) *Map[T] {
	codec, err := jsonrows.New[pair[T]]()
	if err != nil {
		panic(err) // a pair is a struct of two fields
	}
	m := &Map[T]{store: s, codec: codec, values: map[string]T{}, dataset: contract.Dataset{
		Name: d.Name, Description: d.Description, Schema: d.Schema, Reads: d.Reads, Required: d.Required, Clear: d.Clear,
		DependsOn: d.DependsOn, Upcasts: d.Upcasts, Key: []string{"key"}, Fields: codec.Fields(), UnknownFields: contract.RefuseUnknown,
	}}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tables = append(s.tables, m)
	return m
}

// Get returns the value of a key, and whether there is one.
func (m *Map[T]) Get(key string) (T, bool) {
	m.store.mu.RLock()
	defer m.store.mu.RUnlock()
	value, ok := m.values[key]
	return value, ok
}

// Put sets the value of a key. The value must not be changed afterwards.
func (m *Map[T]) Put(key string, value T) {
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	m.values[key] = value
}

// Delete removes a key.
func (m *Map[T]) Delete(key string) {
	m.store.mu.Lock()
	defer m.store.mu.Unlock()
	delete(m.values, key)
}

// All returns a copy of the map.
func (m *Map[T]) All() map[string]T {
	m.store.mu.RLock()
	defer m.store.mu.RUnlock()
	return maps.Clone(m.values)
}

func (m *Map[T]) describe() contract.Dataset { return m.dataset }

func (m *Map[T]) view() view { return moment[T]{m.codec, maps.Clone(m.values)} }

func (m *Map[T]) read(rows iter.Seq2[contract.Row, error]) (view, error) {
	next := moment[T]{m.codec, map[string]T{}}
	for p, err := range m.codec.Values(m.dataset.Name, rows) {
		if err != nil {
			return nil, err
		}
		next.values[p.Key] = p.Value
	}
	return next, nil
}

func (m *Map[T]) install(next view) {
	if n, ok := next.(moment[T]); ok {
		// The view may be read still, the map will change.
		m.values = maps.Clone(n.values)
	}
}

// moment is a map at one moment.
type moment[T any] struct {
	codec  jsonrows.Codec[pair[T]]
	values map[string]T
}

func (v moment[T]) rows(yield func(contract.Row, error) bool) {
	for _, key := range slices.Sorted(maps.Keys(v.values)) {
		var row contract.Row
		err := error(nil)
		if utf8.ValidString(key) {
			row, err = v.codec.Row(pair[T]{key, v.values[key]})
		} else {
			err = errors.New("a key is not UTF-8")
		}
		if !yield(row, err) || err != nil {
			return
		}
	}
}
