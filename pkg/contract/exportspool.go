package contract

import (
	"crypto/sha256"
	"errors"
	"io"
	"os"
)

// spoolBlock is how many bytes gather before they are written and may be sent.
const spoolBlock = 256 << 10

// exportPart is the payload of one dataset on its way from the application to the
// caller. The producer appends; streams read what was written, from any offset.
type exportPart struct {
	definition *definition
	file       *os.File
	buffer     []byte
	count      *tally

	// Guarded by the session: what streams may read, and whether that is all.
	written int64
	ended   bool
	totals  totals
}

// newExportPart opens a file without a name: whatever happens to the process, no
// payload stays behind.
func newExportPart(dir string, d *definition) (*exportPart, error) {
	f, err := unnamedFile(dir, "export-*")
	if err != nil {
		return nil, err
	}
	return &exportPart{definition: d, file: f, buffer: make([]byte, 0, spoolBlock), count: newTally()}, nil
}

// unnamedFile opens a temporary file and takes its name away at once.
func unnamedFile(dir, pattern string) (*os.File, error) {
	f, err := os.CreateTemp(dir, pattern)
	if err != nil {
		return nil, spoolError(err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, spoolError(errors.Join(err, f.Close()))
	}
	return f, nil
}

// append adds bytes and reports how many more may be sent.
func (p *exportPart) append(data []byte) (sendable int, err error) {
	for len(data) > 0 {
		n := min(len(data), spoolBlock-len(p.buffer))
		p.buffer = append(p.buffer, data[:n]...)
		data = data[n:]
		if len(p.buffer) < spoolBlock {
			break
		}
		flushed, err := p.flush()
		sendable += flushed
		if err != nil {
			return sendable, err
		}
	}
	return sendable, nil
}

func (p *exportPart) flush() (int, error) {
	n, err := p.file.Write(p.buffer)
	p.buffer = p.buffer[:0]
	if err != nil {
		return n, spoolError(err)
	}
	return n, nil
}

// total is what a trailer says of the payload.
func (p *exportPart) total() totals {
	return totals{
		name: p.definition.Name, schema: p.definition.schema.String(),
		rows: p.count.rows, size: p.count.size, digest: [sha256.Size]byte(p.count.digest()),
	}
}

// read fills a new buffer from an offset that was written.
func (p *exportPart) read(offset, n int64) ([]byte, error) {
	// grpc may look at a message after Send returned: its bytes are not reused.
	data := make([]byte, n)
	if _, err := p.file.ReadAt(data, offset); err != nil && !errors.Is(err, io.EOF) {
		return nil, spoolError(err)
	}
	return data, nil
}
