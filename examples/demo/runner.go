//go:build unix

package main

import (
	"context"
	"fmt"
	"strings"
)

// run performs the steps in order and stops at the first that fails.
func run(ctx context.Context, s *stage, steps []step) error {
	for i, st := range steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.heading(i+1, len(steps), st.title, st.why)
		began := s.now()
		if err := st.do(ctx, s); err != nil {
			return fmt.Errorf("step %d, %s: %w", i+1, lowerFirst(st.title), err)
		}
		s.timings = append(s.timings, timing{title: st.title, took: s.now().Sub(began)})
	}
	return nil
}

func lowerFirst(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToLower(text[:1]) + text[1:]
}
