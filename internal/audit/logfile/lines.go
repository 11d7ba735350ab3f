package logfile

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/appbur/appbur/internal/audit"
)

// lines takes the whole lines of a reader and moves the place behind each. It returns how much stands behind the last
// whole line.
func (f *Follower) lines(ctx context.Context, from io.Reader, p *place) (rest int64, err error) {
	reader := bufio.NewReaderSize(from, 64<<10)
	var line []byte
	length, long := int64(0), false
	for ctx.Err() == nil {
		part, err := reader.ReadSlice('\n')
		length += int64(len(part))
		if long = long || length > int64(f.o.Line); long {
			line = nil
		} else {
			line = append(line, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return length, nil
		case err != nil:
			return length, err
		}

		f.line(line, long, p.midway)
		p.offset, p.midway = p.offset+length, false
		line, length, long = line[:0], 0, false
	}
	return 0, nil
}

// line takes one line. The first one of a file that is not read from its start may be half a line.
func (f *Follower) line(line []byte, long, midway bool) {
	line = bytes.TrimSpace(line)
	switch {
	case midway:
	case long:
		f.intake.Refuse(audit.ReasonTooLarge)
	case len(line) > 0:
		f.intake.Take(line)
	}
}

// endOfFile counts half a line at the end of a file that nobody writes to any more.
func (f *Follower) endOfFile() {
	if info, err := f.file.Stat(); err == nil && info.Size() > f.place.offset {
		f.intake.Refuse(audit.ReasonDamaged)
	}
}
