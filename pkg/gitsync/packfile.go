package gitsync

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

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/tempfile"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/appbur/appbur/internal/durable"
)

// packFile is a pack that is being written. It has a name of its own, which no
// reader looks at, until it is published.
type packFile struct {
	dir  string
	file *os.File
	out  *bufio.Writer
	// sum is the checksum so far, nil if the header will change in the end because
	// the number of objects is not known before.
	sum     hash.Hash
	offset  uint64
	objects []packedObject
}

// unknownCount begins a pack without saying how many objects it will have.
const unknownCount = -1

// createPack begins a pack in a directory. A known count saves reading the pack
// once more.
func createPack(dir string, count int) (*packFile, error) {
	file, err := tempfile.Create(dir, unfinishedPack)
	if err != nil {
		return nil, fmt.Errorf("write pack: %w", err)
	}
	p := &packFile{dir: dir, file: file, out: bufio.NewWriterSize(file, 256<<10)}
	if count != unknownCount {
		p.sum = newChecksum()
		p.objects = make([]packedObject, 0, count)
	}
	if err := p.write(packHeader(max(count, 0))); err != nil {
		p.discard()
		return nil, fmt.Errorf("write pack: %w", err)
	}
	return p, nil
}

func packHeader(count int) []byte {
	return binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(count))
}

func (p *packFile) write(b []byte) error {
	if p.sum != nil {
		p.sum.Write(b)
	}
	p.offset += uint64(len(b))
	_, err := p.out.Write(b)
	return err
}

// add appends an object and returns where its compressed bytes begin.
func (p *packFile) add(o deflated) (int64, error) {
	header := entryHeader(o.kind, o.size)
	at := int64(p.offset) + int64(len(header))
	return at, p.addEntry(o.id, header, o.zlib)
}

// addDelta appends an object as a change of one that is in the pack already.
func (p *packFile) addDelta(id Hash, size int, base uint64, compressed []byte) error {
	header := entryHeader(plumbing.OFSDeltaObject, size)
	return p.addEntry(id, appendBaseDistance(header, int64(p.offset-base)), compressed)
}

func (p *packFile) addEntry(id Hash, header, compressed []byte) error {
	crc := crc32.Update(crc32.ChecksumIEEE(header), crc32.IEEETable, compressed)
	p.objects = append(p.objects, packedObject{id: id, crc: crc, offset: p.offset})
	if err := p.write(header); err != nil {
		return err
	}
	return p.write(compressed)
}

// appendBaseDistance appends what readBaseDistance reads.
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

// packMark is a length of a pack that it can be cut back to.
type packMark struct {
	offset  uint64
	objects int
}

func (p *packFile) mark() packMark { return packMark{p.offset, len(p.objects)} }

// rollback cuts a pack of unknown count back to what it was.
func (p *packFile) rollback(to packMark) error {
	p.out.Reset(p.file)
	p.offset, p.objects = to.offset, p.objects[:to.objects]
	if err := p.file.Truncate(int64(to.offset)); err != nil {
		return err
	}
	_, err := p.file.Seek(int64(to.offset), io.SeekStart)
	return err
}

// discard gives the pack up.
func (p *packFile) discard() {
	_ = os.Remove(p.file.Name())
	_ = p.file.Close()
}

// publish makes the pack durable and gives it a name under which readers find it: when
// it returns, bytes and names are on the disk. Git leaves the pack alone until the hold
// is released. After an error the pack is as it was, but for a trailer that rollback
// cuts off.
func (p *packFile) publish(beside ...sideFile) (_ *pack, hold *packHold, err error) {
	sum, err := p.finish()
	if err != nil {
		return nil, nil, fmt.Errorf("write pack: %w", err)
	}
	objects := slices.Clone(p.objects) // a pack that fails here goes on in its order
	indexData := encodePackIndex(objects, sum)
	index, err := parsePackIndex(indexData)
	if err != nil {
		return nil, nil, fmt.Errorf("internal error: our own index: %w", err)
	}

	// The index comes last: a reader takes it as a promise that all else is there.
	parts := []packPart{{".pack", p.file}}
	defer func() {
		for _, part := range parts[1:] {
			_ = os.Remove(part.file.Name())
			_ = part.file.Close()
		}
	}()

	for _, side := range append(beside, sideFile{".idx", func([]packedObject, []byte) []byte { return indexData }}) {
		file, err := writeUnfinished(p.dir, side.encode(objects, sum))
		if err != nil {
			return nil, nil, fmt.Errorf("write pack index: %w", err)
		}
		parts = append(parts, packPart{side.ending, file})
	}

	name := filepath.Join(p.dir, "pack-"+hex.EncodeToString(sum))
	// The hold comes first: git may list the pack as soon as it has its name.
	if hold, err = p.hold(name); err != nil {
		return nil, nil, fmt.Errorf("hold pack: %w", err)
	}

	if err := publishParts(parts, name); err != nil {
		hold.release()
		return nil, nil, fmt.Errorf("publish pack: %w", err)
	}
	_ = os.Remove(p.file.Name())
	_ = p.file.Close()
	published := &pack{path: name + ".pack", index: index, limits: object.DefaultLimits}
	published.size.Store(int64(p.offset) + int64(idSize))
	published.kept.Store(true)
	hold.pack = published
	return published, hold, nil
}

// sideFile is a file that is published with a pack. The objects are in the order
// of the index.
type sideFile struct {
	ending string
	encode func(objects []packedObject, packChecksum []byte) []byte
}

// packPart is a finished file that waits for its name. It stays open, and by that
// locked, until it has it.
type packPart struct {
	ending string
	file   *os.File
}

// writeUnfinished writes a small file durably, under a name that nobody reads.
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
func (p *packFile) finish() ([]byte, error) {
	if err := p.out.Flush(); err != nil {
		return nil, err
	}
	sum := p.sum
	if sum == nil {
		if _, err := p.file.WriteAt(packHeader(len(p.objects)), 0); err != nil {
			return nil, err
		}
		sum = newChecksum()
		if _, err := io.Copy(sum, io.NewSectionReader(p.file, 0, int64(p.offset))); err != nil {
			return nil, err
		}
	}
	trailer := sum.Sum(nil)
	if _, err := p.file.WriteAt(trailer, int64(p.offset)); err != nil {
		return nil, err
	}
	return trailer, seal(p.file)
}

// seal makes a file read-only, as git's are, and its bytes durable.
func seal(file *os.File) error {
	if err := file.Chmod(0o444); err != nil {
		return err
	}
	return file.Sync()
}
