package contract

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// errRowTooLong says that a row exceeds the limit of whoever reads it.
var errRowTooLong = errors.New("it is longer than a row may be")

// tooLong says what the limit is.
func tooLong(limit int64) error { return fmt.Errorf("%w: %d bytes", errRowTooLong, limit) }

// lines reads a payload row by row in constant memory, whatever the length of
// the payload. Unlike bufio.Scanner it has no small limit that customers find.
type lines struct {
	reader *bufio.Reader
	limit  int64
	long   []byte
}

func newLines(r io.Reader, limit int64) *lines {
	return &lines{reader: bufio.NewReaderSize(r, 64<<10), limit: limit}
}

// next returns the next line without its line feed. It is valid until the next
// call. The error is io.EOF after the last line, and io.ErrUnexpectedEOF when the
// payload ends inside a line.
func (l *lines) next() ([]byte, error) {
	l.long = l.long[:0]
	for {
		part, err := l.reader.ReadSlice('\n')
		if int64(len(l.long)+len(part)) > l.limit+1 {
			return nil, tooLong(l.limit)
		}
		if err == nil && len(l.long) == 0 {
			return part[:len(part)-1], nil
		}

		l.long = append(l.long, part...)
		switch {
		case err == nil:
			return l.long[:len(l.long)-1], nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(l.long) > 0:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}
