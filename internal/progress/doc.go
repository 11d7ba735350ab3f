// Package progress says how far long work has come, how fast it goes and how long it
// will still take, in one line.
//
// A [Task] is told what has been done, and describes itself for a moment and a width:
//
//	task := progress.Begin(now(), "restoring", progress.Unit("steps"))
//	task.Total = 500
//	task.Observe(now(), 120)
//	line := task.At(now()).Line(80) // "restoring  24% [====>   ]  120 of 500 steps, 31/s, 13 s left"
//
// # Promises
//
//   - A line is ASCII and shorter than the width, so that no terminal wraps it. What does
//     not fit goes in order of what it is worth: the note, the name of the unit, the count,
//     the bar, the rate, the label.
//   - A rate is never outside of what was observed. While nothing is done it falls and the
//     time that is left grows, and neither jumps from one moment to the next.
//   - Nothing is foretold of which too little is known: less than a second of work, nothing
//     done yet, no total, or more done than was expected.
//   - A total that is an estimate says so with a tilde, and so does all that follows from it.
//
// # Refusals
//
// The package has no clock, no lock and no terminal; internal/cli draws.
package progress
