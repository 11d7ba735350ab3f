package exporter

const (
	// firstPage is the size of the first page, before anything is known of their
	// size.
	firstPage = 100
	// pageBytes is how large an answer should be. Decoded, it needs several times as
	// much, and several pages are at work at the same time.
	pageBytes = 2 << 20
)

// pageSize is how many objects the next page of a list should have. The Secrets of a
// cluster with many Helm releases have a hundred kilobytes and more, so a number of
// objects alone bounds no memory.
type pageSize struct {
	limit, most int64
}

func newPageSize(most int64) pageSize { return pageSize{limit: min(firstPage, most), most: most} }

// learn takes the number of objects of a page and its size.
func (p *pageSize) learn(objects, bytes int) {
	if objects == 0 || bytes == 0 {
		return
	}
	p.limit = min(max(pageBytes*int64(objects)/int64(bytes), 1), p.most)
}
