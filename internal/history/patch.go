package history

import (
	"bytes"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/appbur/appbur/internal/linediff"
	"github.com/appbur/appbur/pkg/seal"
)

// Patch writes changes as `git diff --full-index --no-renames` does, so that `git apply`
// takes them. The ciphertext of sealed files is replaced unless raw is set; such a patch
// is for reading, and says so. A moved object is a removal and an addition.
func (h *History) Patch(changes []Change, raw bool) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		blobs := h.git.Blobs()
		defer blobs.Close()
		for _, c := range apart(changes) {
			before, err := blobs.Read(c.from)
			var after []byte
			if err == nil {
				after, err = blobs.Read(c.to)
			}
			if err != nil {
				yield("", err)
				return
			}
			if !yield(patch(c, before, after, raw), nil) {
				return
			}
		}
	}
}

// apart describes moved objects as git does, sorted by path.
func apart(changes []Change) []Change {
	var list []Change
	for _, c := range changes {
		if c.What == Moved {
			list = append(list, Change{Path: c.OldPath, What: Removed, from: c.from}, Change{Path: c.Path, What: Added, to: c.to})
		} else {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	return list
}

func patch(c Change, before, after []byte, raw bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "diff --git a/%s b/%s\n", c.Path, c.Path)
	old, current, mode := "a/"+c.Path, "b/"+c.Path, ""

	switch c.What {
	case Added:
		b.WriteString("new file mode 100644\n")
		old = "/dev/null"
	case Removed:
		b.WriteString("deleted file mode 100644\n")
		current = "/dev/null"
	default:
		mode = " 100644"
	}

	from, to := linediff.Lines(before), linediff.Lines(after)
	if !raw && (seal.IsSealed(before) || seal.IsSealed(after)) {
		from, _, _ = Readable(before)
		to = readableAfter(before, after)
		b.WriteString("sealed file: values are not shown, and this cannot be applied\n")
	}
	fmt.Fprintf(&b, "index %s..%s%s\n", c.from, c.to, mode)
	if sealed := seal.IsSealed(before) || seal.IsSealed(after); (raw || !sealed) && (isBinary(before) || isBinary(after)) {
		fmt.Fprintf(&b, "Binary files %s and %s differ\n", old, current)
	} else if hunks := linediff.Patch(from, to); hunks != "" {
		fmt.Fprintf(&b, "--- %s\n+++ %s\n%s", old, current, hunks)
	}
	return b.String()
}

// binaryWindow is where git looks for a zero byte to distinguish a file from text.
const binaryWindow = 8000

func isBinary(data []byte) bool {
	return bytes.IndexByte(data[:min(len(data), binaryWindow)], 0) >= 0
}
