package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Programs write in pieces of any size, and each line comes out as one.
func TestLinesOfSeveralProgramsDoNotMix(t *testing.T) {
	var out bytes.Buffer
	var printing sync.Mutex
	var want []string
	var writers sync.WaitGroup

	for program := range 4 {
		var text strings.Builder
		for line := range 500 {
			one := fmt.Sprintf("program %d line %d %s", program, line, strings.Repeat("x", line%97))
			want = append(want, one)
			text.WriteString(one + "\n")
		}
		data := []byte(strings.TrimSuffix(text.String(), "\n")) // the last line has no break

		writers.Go(func() {
			l := &lines{to: &out, printing: &printing}
			for piece := range slices.Chunk(data, 61+program) {
				if n, err := l.Write(piece); n != len(piece) || err != nil {
					t.Errorf("%d of %d written: %v", n, len(piece), err)
				}
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()

	got := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d lines came out of %d, or others", len(got), len(want))
	}
}
