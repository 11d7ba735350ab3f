package pieces

import "github.com/appbur/appbur"

// Piece is a part of a payload and what it begins with.
type Piece struct {
	// Start is the key of the first row, or bytes that stand in for one.
	Start []byte
	// Keyed is false if Start is no key.
	Keyed bool
	Data  []byte
}

// Splitter cuts a payload into pieces as its bytes come. Pieces belong to the caller.
type Splitter interface {
	// Split takes the next bytes and emits the pieces that are complete.
	Split(data []byte, emit func(Piece) error) error
	// Flush emits the rest.
	Flush(emit func(Piece) error) error
}

// NewSplitter cuts as a layout says. Key are the fields that identify a row. Another seed moves
// all cuts: where the sizes of pieces can be seen, a secret one keeps them from telling what is in
// them.
func NewSplitter(layout appbur.Layout, key []string, seed uint64) (Splitter, error) {
	if layout.Method == appbur.LayoutContent {
		return newContentSplitter(layout, seed), nil
	}
	return newRowSplitter(layout, key, seed)
}

// SeedOf makes a seed of a text.
func SeedOf(text string) uint64 { return hashKey(0, []byte(text)) }
