package contract

import (
	"crypto/sha256"
	"errors"
	"io"
	"os"

	"google.golang.org/grpc/mem"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// spoolBlock is how many bytes gather before they are written and may be sent.
const spoolBlock = 256 << 10

// exportPart is the payload of one dataset on its way from the application to the
// caller. The producer appends; streams read what was written, from any offset.
type exportPart struct {
	definition *definition
	file       *os.File
	count      *tally
	// block is filled by the producer; nil between blocks.
	block *[]byte

	// Guarded by the session: what streams may read, and whether that is all.
	written   int64
	ended     bool
	totals    totals
	positions []*contractpb.Position
}

// newExportPart opens a file without a name: whatever happens to the process, no
// payload stays behind.
func newExportPart(dir string, d *definition) (*exportPart, error) {
	f, err := unnamedFile(dir, "export-*")
	if err != nil {
		return nil, err
	}
	return &exportPart{definition: d, file: f, count: newTally()}, nil
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

// append adds bytes. Each block that is full is written, and handed to flushed.
func (p *exportPart) append(data []byte, flushed func(mem.Buffer)) error {
	for len(data) > 0 {
		if p.block == nil {
			p.block = chunkBuffers.Get(0)
		}
		n := min(len(data), spoolBlock-len(*p.block))
		*p.block = append(*p.block, data[:n]...)
		data = data[n:]
		if len(*p.block) < spoolBlock {
			break
		}
		if err := p.flush(flushed); err != nil {
			return err
		}
	}
	return nil
}

// flush writes what is left of a block.
func (p *exportPart) flush(flushed func(mem.Buffer)) error {
	if p.block == nil {
		return nil
	}
	block := p.block
	p.block = nil
	if _, err := p.file.Write(*block); err != nil {
		return spoolError(err)
	}
	flushed(mem.NewBuffer(block, &chunkBuffers))
	return nil
}

// total is what a trailer says of the payload.
func (p *exportPart) total() totals {
	return totals{
		name: p.definition.Name, schema: p.definition.schema.String(),
		rows: p.count.rows, size: p.count.size, digest: [sha256.Size]byte(p.count.digest()),
	}
}

// read reads what was written.
func (p *exportPart) read(offset, n int64) (mem.Buffer, error) {
	data := chunkBuffers.Get(int(n))
	if _, err := p.file.ReadAt(*data, offset); err != nil && !errors.Is(err, io.EOF) {
		chunkBuffers.Put(data)
		return nil, spoolError(err)
	}
	return mem.NewBuffer(data, &chunkBuffers), nil
}
