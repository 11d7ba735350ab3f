package fsck

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
	"github.com/appbur/appbur/pkg/gitsync/internal/pack"
)

const (
	// packStart is where the first object of a pack begins.
	packStart = 12
	// checkRun is how many objects of one pack a goroutine takes at a time.
	checkRun = 4096
)

// readPacks proves the bytes of every pack and every object in them. Small packs
// are read side by side, and large ones in parts.
func (c *checker) readPacks(ctx context.Context, workers int) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)

	for _, p := range c.packs {
		if err := ctx.Err(); err != nil {
			break
		}
		if p.count <= checkRun {
			group.Go(func() error {
				objects, err := c.checkPackBytes(ctx, p)
				if err != nil {
					return err
				}
				return c.checkPackObjects(ctx, p, objects)
			})
			continue
		}
		objects, err := c.checkPackBytes(ctx, p)
		if err != nil {
			return errors.Join(err, group.Wait())
		}
		for run := range slices.Chunk(objects, checkRun) {
			group.Go(func() error { return c.checkPackObjects(ctx, p, run) })
		}
	}

	return group.Wait()
}

// checkPackBytes compares a pack with its checksum, and each entry with the CRC-32
// that the index has of it. It returns the entries in the order of the pack.
func (c *checker) checkPackBytes(ctx context.Context, p *checkedPack) ([]pack.IndexEntry, error) {
	indexPath := strings.TrimSuffix(p.path, ".pack") + ".idx"
	index, err := os.ReadFile(indexPath)
	if err != nil {
		return nil, vanished(err)
	}
	objects, _ := readIndex(index)
	noCRC := len(index) < len(pack.IndexMagic) || string(index[:len(pack.IndexMagic)]) != pack.IndexMagic
	slices.SortFunc(objects, func(a, b pack.IndexEntry) int { return cmp.Compare(a.Offset, b.Offset) })
	file, err := os.Open(p.path)
	if err != nil {
		return nil, vanished(err)
	}
	defer func() { _ = file.Close() }()

	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	where := c.relative(p.path)

	end := info.Size() - int64(pack.HashSize)
	if end < packStart {
		c.problem(Pack, object.Hash{}, where, "it has %d bytes, which is less than an empty pack has", info.Size())
		return objects, nil
	}
	sum := pack.NewChecksum()
	in := bufio.NewReaderSize(io.TeeReader(io.LimitReader(file, end), sum), 256<<10)
	var header [packStart]byte
	if _, err := io.ReadFull(in, header[:]); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}

	switch count := binary.BigEndian.Uint32(header[8:]); {
	case string(header[:4]) != "PACK" || binary.BigEndian.Uint32(header[4:8]) != 2:
		c.problem(Pack, object.Hash{}, where, "it does not begin as a pack of version 2")
	case int(count) != len(objects):
		c.problem(PackIndex, object.Hash{}, c.relative(indexPath), "the pack has %d objects, the index %d", count, len(objects))
	}

	at := int64(packStart)
	crc := crc32.NewIEEE()
	for i, o := range objects {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		next := end
		if i+1 < len(objects) {
			next = int64(objects[i+1].Offset)
		}
		if int64(o.Offset) != at || next <= at || next > end {
			c.problem(PackIndex, o.ID, c.relative(indexPath), "it says that the object begins at %d, where none can begin", o.Offset)
			break
		}
		crc.Reset()
		if _, err := io.CopyN(crc, in, next-at); err != nil {
			return nil, fmt.Errorf("pack: %w", err)
		}
		if !noCRC && crc.Sum32() != o.CRC {
			c.problem(Pack, o.ID, where, "the packed bytes at %d do not have the checksum that the index has of them", at)
		}
		at = next
	}

	if _, err := io.Copy(io.Discard, in); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	var trailer [pack.HashSize]byte
	if _, err := file.ReadAt(trailer[:], end); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	if !bytes.Equal(sum.Sum(nil), trailer[:]) {
		c.problem(Pack, object.Hash{}, where, "its bytes do not have the checksum that it ends with")
	}
	if !bytes.Equal(trailer[:], index[len(index)-pack.ChecksumSize:len(index)-pack.HashSize]) {
		c.problem(PackIndex, object.Hash{}, c.relative(indexPath), "it is the index of another pack")
	}
	return objects, nil
}

// checkPackObjects proves objects of a pack, which are neighbours in it.
func (c *checker) checkPackObjects(ctx context.Context, p *checkedPack, objects []pack.IndexEntry) error {
	if len(objects) == 0 {
		return nil
	}
	reader, err := openChecked(p, c.limits)
	if err != nil {
		return err
	}
	defer reader.Close()

	for i, o := range objects {
		if i%64 == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		raw, err := reader.Read(int64(o.Offset))
		if err == nil {
			err = pack.Prove(o.ID, raw)
		}
		if err != nil {
			c.brokenObject(kindOfProblem(err), o.ID, c.relative(p.path), "%v", reasonOf(err))
			continue
		}
		c.checkObject(o.ID, c.relative(p.path), raw)
	}

	c.advance(len(objects))
	return nil
}

// openChecked opens a pack with an index that was found to be usable.
func openChecked(p *checkedPack, limits object.Limits) (*pack.Reader, error) {
	data, err := os.ReadFile(strings.TrimSuffix(p.path, ".pack") + ".idx")
	if err != nil {
		return nil, vanished(err)
	}
	index, err := pack.ParseIndex(data)
	if err != nil {
		return nil, err
	}
	reader, err := (&pack.Pack{Path: p.path, Index: index, Limits: limits}).Open()
	return reader, vanished(err)
}

// kindOfProblem tells what was not read because of its size from what is damaged.
func kindOfProblem(err error) Kind {
	if errors.Is(err, object.ErrTooLarge) {
		return Limit
	}
	return Object
}

// vanished turns a file that is gone into [errChanged].
func vanished(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errChanged
	}
	return err
}

// reasonOf drops from an error what every problem says anyway.
func reasonOf(err error) string {
	return strings.TrimPrefix(err.Error(), object.ErrCorrupt.Error()+": ")
}

// readAllLoose proves the objects that have a file of their own.
func (c *checker) readAllLoose(ctx context.Context) error {
	for _, dir := range c.dirs {
		err := eachLoose(dir, func(id object.Hash, path string) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			raw, err := readLooseFile(path, c.limits)
			if errors.Is(err, fs.ErrNotExist) {
				return errChanged
			}
			if err == nil {
				err = pack.Prove(id, raw)
			}
			if err != nil {
				c.brokenObject(kindOfProblem(err), id, c.relative(path), "%v", reasonOf(err))
				return nil
			}
			c.checkObject(id, c.relative(path), raw)
			c.advance(1)
			return nil
		})
		if err != nil {
			return err
		}
	}

	return nil
}

func readLooseFile(path string, limits object.Limits) (pack.RawObject, error) {
	file, err := os.Open(path)
	if err != nil {
		return pack.RawObject{}, err
	}
	defer func() { _ = file.Close() }()
	return pack.ReadObjectFile(file, limits)
}
