package contract

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// errRowTooLong says that a line exceeds maxRowSize.
var errRowTooLong = fmt.Errorf("it is longer than %d bytes", maxRowSize)

// lines reads a payload row by row in constant memory, whatever the length of
// the payload. Unlike bufio.Scanner it has no small limit that customers find.
type lines struct {
	reader *bufio.Reader
	long   []byte
}

func newLines(r io.Reader) *lines { return &lines{reader: bufio.NewReaderSize(r, 64<<10)} }

// next returns the next line without its line feed. It is valid until the next
// call. The error is io.EOF after the last line, and io.ErrUnexpectedEOF when the
// payload ends inside a line.
func (l *lines) next() ([]byte, error) {
	l.long = l.long[:0]
	for {
		part, err := l.reader.ReadSlice('\n')
		if err == nil && len(l.long) == 0 {
			return part[:len(part)-1], nil
		}
		if len(l.long)+len(part) > maxRowSize+1 {
			return nil, errRowTooLong
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
