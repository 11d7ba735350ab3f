package linediff

import (
	"bytes"
	"fmt"
	"strings"
)

// Context is how many unchanged lines [Patch] shows around a change.
const Context = 3

// maxHeading bounds the line that a hunk is announced with.
const maxHeading = 80

// Patch writes the difference of two texts as unified hunks, without file headers;
// nothing if they are equal.
func Patch(a, b [][]byte) string {
	var out strings.Builder
	changes := Compare(a, b)
	for len(changes) > 0 {
		// Changes whose contexts touch share a hunk.
		n := 1
		for n < len(changes) && changes[n].A-changes[n-1].AEnd <= 2*Context {
			n++
		}
		writeHunk(&out, a, b, changes[:n])
		changes = changes[n:]
	}
	return out.String()
}

func writeHunk(out *strings.Builder, a, b [][]byte, changes []Hunk) {
	first, last := changes[0], changes[len(changes)-1]
	before := min(Context, first.A, first.B)
	after := min(Context, len(a)-last.AEnd, len(b)-last.BEnd)
	start := first.A - before
	fmt.Fprintf(out, "@@ -%s +%s @@%s\n",
		lineRange(start, last.AEnd+after), lineRange(first.B-before, last.BEnd+after), heading(a, start))

	at := start
	for _, h := range changes {
		for ; at < h.A; at++ {
			writeLine(out, ' ', a[at])
		}
		for ; at < h.AEnd; at++ {
			writeLine(out, '-', a[at])
		}
		for i := h.B; i < h.BEnd; i++ {
			writeLine(out, '+', b[i])
		}
	}

	for ; at < last.AEnd+after; at++ {
		writeLine(out, ' ', a[at])
	}
}

// lineRange is the start, counted from 1, and the length unless that is 1. An empty
// range is named by the line before it.
func lineRange(start, end int) string {
	switch end - start {
	case 0:
		return fmt.Sprintf("%d,0", start)
	case 1:
		return fmt.Sprint(start + 1)
	default:
		return fmt.Sprintf("%d,%d", start+1, end-start)
	}
}

// heading is the last line above a hunk that begins at the first column: in a
// manifest the field of the root that the hunk is in.
func heading(lines [][]byte, start int) string {
	for i := start - 1; i >= 0; i-- {
		c := lines[i][0]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' {
			line := lines[i][:min(len(lines[i]), maxHeading)]
			return " " + string(bytes.TrimRight(line, " \t\r\n\v\f"))
		}
	}
	return ""
}

func writeLine(out *strings.Builder, mark byte, line []byte) {
	out.WriteByte(mark)
	out.Write(line)
	if !bytes.HasSuffix(line, []byte("\n")) {
		out.WriteString("\n\\ No newline at end of file\n")
	}
}
