package main

import (
	"bytes"
	"io"
	"sync"
)

// lines passes whole lines on, so that those of several programs do not mix.
type lines struct {
	to       io.Writer
	printing *sync.Mutex
	rest     []byte
}

// Write passes on what ends with a line break, and keeps the rest.
func (l *lines) Write(data []byte) (int, error) {
	end := bytes.LastIndexByte(data, '\n') + 1
	if end == 0 {
		l.rest = append(l.rest, data...)
		return len(data), nil
	}
	complete := append(l.rest, data[:end]...)
	l.rest = bytes.Clone(data[end:])

	l.printing.Lock()
	defer l.printing.Unlock()
	_, err := l.to.Write(complete)
	return len(data), err
}

// Close passes on a last line without a break.
func (l *lines) Close() error {
	if len(l.rest) == 0 {
		return nil
	}
	_, err := l.Write([]byte{'\n'})
	return err
}
