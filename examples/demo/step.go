//go:build unix

package main

import (
	"context"
	"time"
)

// step is one step of the story.
type step struct {
	// title says what happens, why says what it is good for.
	title, why string
	do         func(context.Context, *stage) error
}

// timing is how long a step took.
type timing struct {
	title string
	took  time.Duration
}
