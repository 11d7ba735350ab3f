package pack

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur/internal/durable"
	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/tempfile"
)

// Writer is a pack that is being written. It has a name of its own, which no
// reader looks at, until it is published.
type Writer struct {
	dir  string
	File *os.File
	Out  *bufio.Writer
	// sum is the checksum so far, nil if the header will change in the end because
	// the number of objects is not known before.
	sum     hash.Hash
	Offset  uint64
	Objects []IndexEntry
}

// UnknownCount begins a pack without saying how many objects it will have.
const UnknownCount = -1

// Create begins a pack in a directory. A known count saves reading the pack
// once more.
func Create(dir string, count int) (*Writer, error) {
	file, err := tempfile.Create(dir, UnfinishedPack)
	if err != nil {
		return nil, fmt.Errorf("write pack: %w", err)
	}
	p := &Writer{dir: dir, File: file, Out: bufio.NewWriterSize(file, 256<<10)}
	if count != UnknownCount {
		p.sum = NewChecksum()
		p.Objects = make([]IndexEntry, 0, count)
	}
	if err := p.write(Header(max(count, 0))); err != nil {
		p.Discard()
		return nil, fmt.Errorf("write pack: %w", err)
	}
	return p, nil
}

// Header is the beginning of a pack: magic, version 2, the number of objects.
func Header(count int) []byte {
	return binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(count))
}

func (p *Writer) write(b []byte) error {
	if p.sum != nil {
		p.sum.Write(b)
	}
	p.Offset += uint64(len(b))
	_, err := p.Out.Write(b)
	return err
}

// Add appends an object and returns where its compressed bytes begin.
func (p *Writer) Add(o Object) (int64, error) {
	header := EntryHeader(o.Kind, o.Size)
	at := int64(p.Offset) + int64(len(header))
	return at, p.AddEntry(o.ID, header, o.Zlib)
}

// AddDelta appends an object as a change of one that is in the pack already.
func (p *Writer) AddDelta(id object.Hash, size int, base uint64, compressed []byte) error {
	header := EntryHeader(plumbing.OFSDeltaObject, size)
	return p.AddEntry(id, appendBaseDistance(header, int64(p.Offset-base)), compressed)
}

// AddEntry adds an object that is encoded already.
func (p *Writer) AddEntry(id object.Hash, header, compressed []byte) error {
	crc := crc32.Update(crc32.ChecksumIEEE(header), crc32.IEEETable, compressed)
	p.Objects = append(p.Objects, IndexEntry{ID: id, CRC: crc, Offset: p.Offset})
	if err := p.write(header); err != nil {
		return err
	}
	return p.write(compressed)
}

// appendBaseDistance appends what ReadBaseDistance reads.
func appendBaseDistance(to []byte, distance int64) []byte {
	var digits [10]byte
	at := len(digits) - 1
	digits[at] = byte(distance & 0x7f)
	for distance >>= 7; distance > 0; distance >>= 7 {
		distance--
		at--
		digits[at] = byte(distance&0x7f) | 0x80
	}
	return append(to, digits[at:]...)
}

// Mark is a length of a pack that it can be cut back to.
type Mark struct {
	Offset  uint64
	objects int
}

// Mark returns the place that [Writer.Rollback] goes back to.
func (p *Writer) Mark() Mark { return Mark{p.Offset, len(p.Objects)} }

// Rollback cuts a pack of unknown count back to what it was.
func (p *Writer) Rollback(to Mark) error {
	p.Out.Reset(p.File)
	p.Offset, p.Objects = to.Offset, p.Objects[:to.objects]
	if err := p.File.Truncate(int64(to.Offset)); err != nil {
		return err
	}
	_, err := p.File.Seek(int64(to.Offset), io.SeekStart)
	return err
}

// Discard gives the pack up.
func (p *Writer) Discard() {
	_ = os.Remove(p.File.Name())
	_ = p.File.Close()
}

// Publish makes the pack durable and gives it a name under which readers find it: when
// it returns, bytes and names are on the disk. Git leaves the pack alone until the hold
// is released. After an error the pack is as it was, but for a trailer that rollback
// cuts off.
func (p *Writer) Publish(beside ...SideFile) (_ *Pack, hold *Hold, err error) {
	sum, err := p.finish()
	if err != nil {
		return nil, nil, fmt.Errorf("write pack: %w", err)
	}
	objects := slices.Clone(p.Objects) // a pack that fails here goes on in its order
	indexData := EncodeIndex(objects, sum)
	index, err := ParseIndex(indexData)
	if err != nil {
		return nil, nil, fmt.Errorf("internal error: our own index: %w", err)
	}

	// The index comes last: a reader takes it as a promise that all else is there.
	parts := []packPart{{".pack", p.File}}
	defer func() {
		for _, part := range parts[1:] {
			_ = os.Remove(part.file.Name())
			_ = part.file.Close()
		}
	}()

	for _, side := range append(beside, SideFile{".idx", func([]IndexEntry, []byte) []byte { return indexData }}) {
		file, err := writeUnfinished(p.dir, side.Encode(objects, sum))
		if err != nil {
			return nil, nil, fmt.Errorf("write pack index: %w", err)
		}
		parts = append(parts, packPart{side.Ending, file})
	}

	name := filepath.Join(p.dir, "pack-"+hex.EncodeToString(sum))
	// The hold comes first: git may list the pack as soon as it has its name.
	if hold, err = p.hold(name); err != nil {
		return nil, nil, fmt.Errorf("hold pack: %w", err)
	}

	if err := publishParts(parts, name); err != nil {
		hold.Release()
		return nil, nil, fmt.Errorf("publish pack: %w", err)
	}
	_ = os.Remove(p.File.Name())
	_ = p.File.Close()
	published := &Pack{Path: name + ".pack", Index: index, Limits: object.DefaultLimits}
	published.size.Store(int64(p.Offset) + int64(HashSize))
	published.Kept.Store(true)
	hold.pack = published
	return published, hold, nil
}

// SideFile is a file that is published with a pack. The objects are in the order
// of the index.
type SideFile struct {
	Ending string
	Encode func(objects []IndexEntry, packChecksum []byte) []byte
}

// packPart is a finished file that waits for its name. It stays open, and by that
// locked, until it has it.
type packPart struct {
	ending string
	file   *os.File
}

// writeUnfinished writes a small file durably, under a name that no reader looks for.
func writeUnfinished(dir string, data []byte) (*os.File, error) {
	file, err := tempfile.Create(dir, unfinishedIndex)
	if err != nil {
		return nil, err
	}
	_, err = file.Write(data)
	if err == nil {
		err = seal(file)
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(file.Name()), file.Close())
	}
	return file, nil
}

// publishParts gives the files of a pack their names, in order. Links leave the
// unfinished files in place, so that a failure leaves everything as it was.
func publishParts(parts []packPart, name string) (err error) {
	var linked []string
	defer func() {
		if err != nil {
			for _, path := range slices.Backward(linked) {
				_ = os.Remove(path)
			}
		}
	}()
	for _, part := range parts {
		if err := os.Link(part.file.Name(), name+part.ending); err != nil {
			return err
		}
		linked = append(linked, name+part.ending)
	}
	return durable.SyncDir(filepath.Dir(name))
}

// finish writes the header, if it was not known, and the trailer, and returns the
// pack's checksum.
func (p *Writer) finish() ([]byte, error) {
	if err := p.Out.Flush(); err != nil {
		return nil, err
	}
	sum := p.sum
	if sum == nil {
		if _, err := p.File.WriteAt(Header(len(p.Objects)), 0); err != nil {
			return nil, err
		}
		sum = NewChecksum()
		if _, err := io.Copy(sum, io.NewSectionReader(p.File, 0, int64(p.Offset))); err != nil {
			return nil, err
		}
	}
	trailer := sum.Sum(nil)
	if _, err := p.File.WriteAt(trailer, int64(p.Offset)); err != nil {
		return nil, err
	}
	return trailer, seal(p.File)
}

// seal makes a file read-only, as git's are, and its bytes durable.
func seal(file *os.File) error {
	if err := file.Chmod(0o444); err != nil {
		return err
	}
	return file.Sync()
}
