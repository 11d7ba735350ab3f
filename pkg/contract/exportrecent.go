package contract

import "google.golang.org/grpc/mem"

// recentBlocks is how many blocks of an export stay in memory after they were
// written: a stream that keeps up with the application need not read them again.
const recentBlocks = 8

// recentBlock is a block at its place.
type recentBlock struct {
	part   *exportPart
	offset int64
	data   mem.Buffer
}

// recent are the latest blocks of an export, the oldest first.
type recent []recentBlock

// add keeps a block and frees the oldest one.
func (r *recent) add(b recentBlock) {
	if len(*r) == recentBlocks {
		(*r)[0].data.Free()
		*r = append((*r)[:0], (*r)[1:]...)
	}
	*r = append(*r, b)
}

// find returns bytes that lie in one block, nil if they do not.
func (r *recent) find(p *exportPart, offset, n int64) mem.Buffer {
	for _, b := range *r {
		if at := offset - b.offset; b.part == p && at >= 0 && at+n <= int64(b.data.Len()) {
			return b.data.Slice(int(at), int(at+n))
		}
	}
	return nil
}

// free frees all blocks.
func (r *recent) free() {
	for _, b := range *r {
		b.data.Free()
	}
	*r = nil
}
