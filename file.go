package appbur

// File is one file of a tree: a slash-separated path relative to the root, and
// its bytes. The bytes are shared, never changed.
type File struct {
	Path string
	Data []byte
}
