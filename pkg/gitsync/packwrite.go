package gitsync

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
)

// packLevel is zlib's fastest level. For manifests it costs a quarter less time
// than the default level, over the whole of an initial commit of 20,000, for a
// pack one percent larger.
const packLevel = zlib.BestSpeed

// The names of unfinished packs. There is one writer at a time, so one name is
// enough, and the next pack overwrites what a dead process left. They begin as
// git's own do, so that `git prune` removes them, and must not end in ".pack" or
// ".idx": stock git reads every file that does, finished or not.
const (
	unfinishedPack  = "tmp_pack_appbur"
	unfinishedIndex = "tmp_idx_appbur"
)

// deflated is an object ready for a pack.
type deflated struct {
	id   objectID
	kind plumbing.ObjectType
	size int
	zlib []byte
}

// deflater keeps the compressor's tables from one object to the next.
type deflater struct {
	out bytes.Buffer
	w   *zlib.Writer
}

var deflaters = sync.Pool{New: func() any {
	d := &deflater{}
	// The level is a constant that zlib accepts.
	d.w, _ = zlib.NewWriterLevel(&d.out, packLevel)
	return d
}}

// deflate compresses the content of an object whose id is known.
func deflate(id objectID, kind plumbing.ObjectType, content []byte) (deflated, error) {
	d := deflaters.Get().(*deflater)
	defer deflaters.Put(d)
	d.out.Reset()
	d.w.Reset(&d.out)
	if _, err := d.w.Write(content); err != nil {
		return deflated{}, fmt.Errorf("compress: %w", err)
	}
	if err := d.w.Close(); err != nil {
		return deflated{}, fmt.Errorf("compress: %w", err)
	}
	return deflated{id: id, kind: kind, size: len(content), zlib: bytes.Clone(d.out.Bytes())}, nil
}

// newObject hashes and compresses the content of an object.
func newObject(kind plumbing.ObjectType, content []byte) (deflated, error) {
	return deflate(plumbing.ComputeHash(kind, content), kind, content)
}

// packWriter writes one pack in one pass.
type packWriter struct {
	out     *bufio.Writer
	sum     hash.Hash
	offset  uint64
	objects []packedObject
}

func newPackWriter(w io.Writer, count int) (*packWriter, error) {
	p := &packWriter{out: bufio.NewWriterSize(w, 256<<10), sum: newChecksum(), objects: make([]packedObject, 0, count)}
	header := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(count))
	return p, p.write(header)
}

func (p *packWriter) write(b []byte) error {
	p.sum.Write(b)
	p.offset += uint64(len(b))
	_, err := p.out.Write(b)
	return err
}

func (p *packWriter) add(o deflated) error {
	entry := packedObject{id: o.id, offset: p.offset}
	header := entryHeader(o.kind, o.size)
	entry.crc = crc32.Update(crc32.ChecksumIEEE(header), crc32.IEEETable, o.zlib)
	if err := p.write(header); err != nil {
		return err
	}
	p.objects = append(p.objects, entry)
	return p.write(o.zlib)
}

// finish writes the trailer and returns the pack's checksum.
func (p *packWriter) finish() ([]byte, error) {
	sum := p.sum.Sum(nil)
	if _, err := p.out.Write(sum); err != nil {
		return nil, err
	}
	return sum, p.out.Flush()
}

// entryHeader is the type in three bits and the size in four, then in sevens.
func entryHeader(kind plumbing.ObjectType, size int) []byte {
	var header []byte
	b := byte(kind)<<4 | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		header = append(header, b|0x80)
		b = byte(size & 0x7f)
	}
	return append(header, b)
}

// storePack makes the objects durable as one pack in the directory: when it
// returns, their bytes and their names are on the disk.
func storePack(dir string, objects []deflated) (*pack, error) {
	packPath, indexPath := filepath.Join(dir, unfinishedPack), filepath.Join(dir, unfinishedIndex)
	var packed *packWriter
	var sum []byte
	err := writeDurably(packPath, 0o444, func(w io.Writer) (err error) {
		if packed, err = newPackWriter(w, len(objects)); err != nil {
			return err
		}
		for _, o := range objects {
			if err := packed.add(o); err != nil {
				return err
			}
		}
		sum, err = packed.finish()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("write pack: %w", err)
	}
	indexData := encodePackIndex(packed.objects, sum)
	err = writeDurably(indexPath, 0o444, func(w io.Writer) error {
		_, err := w.Write(indexData)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("write pack index: %w", err)
	}
	// The pack first: a reader takes an index as a promise that its pack is there.
	name := filepath.Join(dir, "pack-"+hex.EncodeToString(sum))
	if err := os.Rename(packPath, name+".pack"); err != nil {
		return nil, fmt.Errorf("publish pack: %w", err)
	}
	if err := os.Rename(indexPath, name+".idx"); err != nil {
		return nil, fmt.Errorf("publish pack: %w", err)
	}
	if err := syncDir(dir); err != nil {
		return nil, fmt.Errorf("publish pack: %w", err)
	}
	index, err := parsePackIndex(indexData)
	if err != nil {
		return nil, fmt.Errorf("internal error: our own index: %w", err)
	}
	return &pack{path: name + ".pack", index: index}, nil
}

// writeDurably writes a file and its bytes reach the disk. An unfinished file of
// the same name is replaced.
func writeDurably(path string, mode fs.FileMode, write func(io.Writer) error) (err error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := write(file); err != nil {
		return err
	}
	return file.Sync()
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
