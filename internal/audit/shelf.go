package audit

import (
	"slices"
	"time"
)

// shelf keeps things in the order in which they came, each once, and finds them by labels.
type shelf[T any] struct {
	order   []string
	items   map[string]shelved[T]
	byLabel map[string][]string
}

type shelved[T any] struct {
	thing  T
	at     time.Time
	labels []string
}

func newShelf[T any]() shelf[T] {
	return shelf[T]{items: map[string]shelved[T]{}, byLabel: map[string][]string{}}
}

// add keeps a thing under its key and labels, and returns false if it is there already.
func (s *shelf[T]) add(key string, thing T, at time.Time, labels ...string) bool {
	if _, there := s.items[key]; there {
		return false
	}
	labels = slices.DeleteFunc(labels, func(label string) bool { return label == "" })
	s.items[key] = shelved[T]{thing, at, labels}
	s.order = append(s.order, key)
	for _, label := range labels {
		s.byLabel[label] = append(s.byLabel[label], key)
	}
	return true
}

// before returns what came last before a thing and has a label with it.
func (s *shelf[T]) before(key, label string) (thing T, there bool) {
	keys := s.byLabel[label]
	for i, k := range slices.Backward(keys) {
		if k == key && i > 0 {
			return s.items[keys[i-1]].thing, true
		}
	}
	return thing, false
}

// find returns what has a label, in the order in which it came.
func (s *shelf[T]) find(label string) (found []T) {
	for _, key := range s.byLabel[label] {
		found = append(found, s.items[key].thing)
	}
	return found
}

// forget drops the first things: those from before a time, and as many as are more than limit.
func (s *shelf[T]) forget(before time.Time, limit int) (dropped []T) {
	for len(s.order) > 0 {
		key := s.order[0]
		item := s.items[key]
		if len(s.items) <= limit && !item.at.Before(before) {
			break
		}
		s.order = s.order[1:]
		delete(s.items, key)
		for _, label := range item.labels {
			keys := slices.DeleteFunc(s.byLabel[label], func(other string) bool { return other == key })
			if s.byLabel[label] = keys; len(keys) == 0 {
				delete(s.byLabel, label)
			}
		}
		dropped = append(dropped, item.thing)
	}
	return dropped
}
