package contract

import (
	"sync"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// chunkBuffers keeps buffers of chunks for the next ones: to allocate and to clear
// one for each chunk takes longer than to send it.
var chunkBuffers bufferPool

// bufferPool implements [mem.BufferPool]. A buffer comes back with what was in it.
type bufferPool struct{ free sync.Pool }

// Get returns a buffer of n bytes, of any content.
func (p *bufferPool) Get(n int) *[]byte {
	if n > chunkSize {
		b := make([]byte, n)
		return &b
	}
	if b, ok := p.free.Get().(*[]byte); ok {
		*b = (*b)[:n]
		return b
	}
	b := make([]byte, n, chunkSize)
	return &b
}

// Put takes a buffer back that is no longer used.
func (p *bufferPool) Put(b *[]byte) {
	if cap(*b) == chunkSize {
		p.free.Put(b)
	}
}

// recycle frees the bytes of a chunk that was received.
func recycle(c *contractpb.Chunk) {
	data := c.GetData()
	c.Data = nil
	chunkBuffers.Put(&data)
}
