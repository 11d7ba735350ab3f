// Package linediff compares two texts line by line and writes the difference in
// the unified format.
//
// The usual way in is [Lines] for both texts, then [Compare] or [Patch].
//
// # Promises
//
//   - The differences are the ones that stock git shows by default: the same lines
//     count as kept, and where several places are equally short the same place is
//     chosen. An audit log that disagrees with `git diff` and `git blame` about the
//     same bytes would be worth little. Where a region needs more than 256 edits
//     git gives up on the shortest answer by rules of its own; there the two may
//     differ, and both are right.
//   - [Patch] is understood by `git apply` and `patch`.
//   - Time and memory are bounded: texts that have nothing in common do not cost
//     the product of their lengths.
//
// # Refusals
//
// The package knows bytes and line breaks, no characters and no YAML, and does no
// input or output.
package linediff
