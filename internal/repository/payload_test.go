package repository

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func rows(n int, mark func(i int) string) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"id":%d,"name":"customer %d","note":"%s%0160d"}`+"\n", i, i, mark(i), i)
	}
	return b.Bytes()
}

func TestSplitRowsJoinsToThePayload(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		payload := rows(rapid.IntRange(0, 9000).Draw(t, "rows"), func(int) string { return "" })
		if rapid.Bool().Draw(t, "unterminated") {
			payload = append(payload, "{}"...)
		}
		pieces := splitRows(payload)
		if !bytes.Equal(bytes.Join(pieces, nil), payload) {
			t.Fatal("the pieces do not join to the payload")
		}
		for i, piece := range pieces {
			if len(piece) == 0 || len(piece) > pieceGreatest {
				t.Fatalf("piece %d has %d bytes", i, len(piece))
			}
			if i < len(pieces)-1 && piece[len(piece)-1] != '\n' {
				t.Fatalf("piece %d ends inside a row", i)
			}
		}
	})
}

// A row that grows far larger than a piece stays whole.
func TestSplitRowsKeepsALargeRowWhole(t *testing.T) {
	large := append(bytes.Repeat([]byte("x"), 2*pieceGreatest), '\n')
	payload := append(append([]byte("{}\n"), large...), "{}\n"...)
	pieces := splitRows(payload)
	if len(pieces) != 3 || !bytes.Equal(pieces[1], large) {
		t.Fatalf("got %d pieces", len(pieces))
	}
}

// Inserting one row near the front leaves almost all pieces as they were.
func TestSplitRowsForgetsAnInsertion(t *testing.T) {
	before := splitRows(rows(60000, func(int) string { return "" }))
	after := splitRows(append([]byte(`{"id":-1}`+"\n"), rows(60000, func(int) string { return "" })...))
	old := map[string]bool{}
	for _, piece := range before {
		old[string(piece)] = true
	}
	changed := 0
	for _, piece := range after {
		if !old[string(piece)] {
			changed++
		}
	}
	if len(before) < 10 {
		t.Fatalf("only %d pieces: the test shows nothing", len(before))
	}
	if changed > 2 {
		t.Errorf("%d of %d pieces changed for one inserted row", changed, len(after))
	}
}
