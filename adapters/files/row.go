package files

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"time"
	"unicode/utf8"
)

// fields are the names of a row.
var fields = []string{"path", "part", "mode", "size", "mtime", "owner", "group", "text", "base64", "link"}

// partSize is the longest content of a row.
const partSize = 1 << 20

// row is one part of a file. Exactly one of Text, Base64 and Link is there.
type row struct {
	Path   string  `json:"path"`
	Part   int     `json:"part"`
	Mode   string  `json:"mode,omitempty"`
	Size   *int64  `json:"size,omitempty"`
	Mtime  string  `json:"mtime,omitempty"`
	Owner  string  `json:"owner,omitempty"`
	Group  string  `json:"group,omitempty"`
	Text   *string `json:"text,omitempty"`
	Base64 *string `json:"base64,omitempty"`
	Link   *string `json:"link,omitempty"`
}

// setContent puts bytes into the row in the form that shows them best.
func (r *row) setContent(b []byte) {
	if isText(b) {
		text := string(b)
		r.Text = &text
		return
	}
	encoded := base64.StdEncoding.EncodeToString(b)
	r.Base64 = &encoded
}

// isText reports whether a person may want to read the bytes. JSON has no short
// form for other control characters.
func isText(b []byte) bool {
	return utf8.Valid(b) && !bytes.ContainsFunc(b, func(c rune) bool { return c < ' ' && c != '\n' && c != '\t' && c != '\r' })
}

// nextPart reads the next part. Text is not cut within a character, so that it stays
// text.
func nextPart(content io.Reader, rest []byte) (part, carry []byte, err error) {
	buffer := make([]byte, partSize)
	n := copy(buffer, rest)
	m, err := io.ReadFull(content, buffer[n:])
	buffer = buffer[:n+m]
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return buffer, nil, io.EOF
	}
	if err != nil {
		return nil, nil, err
	}
	for back := 1; back < utf8.UTFMax && !utf8.Valid(buffer); back++ {
		if cut := len(buffer) - back; utf8.Valid(buffer[:cut]) {
			return buffer[:cut], buffer[cut:], nil
		}
	}
	return buffer, nil, nil
}

// parseRow reads a row and checks everything that it says about itself.
func parseRow(data []byte) (r row, content []byte, mode fs.FileMode, mtime time.Time, err error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil {
		// What the decoder says may quote a value.
		return r, nil, 0, mtime, errors.New("it does not fit the schema of files")
	}

	kinds := 0
	for _, p := range []*string{r.Text, r.Base64, r.Link} {
		if p != nil {
			kinds++
		}
	}

	switch {
	case !fs.ValidPath(r.Path) || r.Path == "." || bytes.ContainsRune([]byte(r.Path), 0):
		return r, nil, 0, mtime, errors.New("its path is not a relative path in its shortest form")
	case kinds != 1:
		return r, nil, 0, mtime, errors.New("it has not exactly one of text, base64 and link")
	case r.Part < 0:
		return r, nil, 0, mtime, errors.New("its part is negative")
	case r.Link != nil && (*r.Link == "" || r.Part != 0 || r.Mode != "" || r.Size != nil):
		return r, nil, 0, mtime, errors.New("a link has a target, perhaps an owner, and nothing else")
	case r.Link != nil:
		return r, nil, 0, mtime, nil
	case r.Size == nil || *r.Size < 0:
		return r, nil, 0, mtime, errors.New("it has no size")
	}
	bits, err := strconv.ParseUint(r.Mode, 8, 32)
	if err != nil || bits > 0o777 || r.Mode != fmt.Sprintf("%04o", bits) {
		return r, nil, 0, mtime, errors.New("its mode is not four octal digits up to 0777")
	}
	if r.Mtime != "" {
		if mtime, err = time.Parse(time.RFC3339Nano, r.Mtime); err != nil {
			return r, nil, 0, mtime, errors.New("its mtime is no time")
		}
	}
	if r.Text != nil {
		content = []byte(*r.Text)
	} else if content, err = base64.StdEncoding.DecodeString(*r.Base64); err != nil {
		return r, nil, 0, mtime, errors.New("its base64 is none")
	}
	return r, content, fs.FileMode(bits), mtime, nil
}
