package backup

import (
	"io"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
)

// countingStore counts the bytes that go into a store.
type countingStore struct {
	apps.Store
	count func(bytes int)
}

// Dataset implements [apps.Store].
func (s countingStore) Dataset(key appbur.AppKey, d appbur.Dataset) (io.WriteCloser, error) {
	sink, err := s.Store.Dataset(key, d)
	if err != nil {
		return nil, err
	}
	return countingSink{sink, s.count}, nil
}

type countingSink struct {
	io.WriteCloser
	count func(bytes int)
}

// Write implements [io.Writer].
func (s countingSink) Write(data []byte) (int, error) {
	n, err := s.WriteCloser.Write(data)
	s.count(n)
	return n, err
}
