package contract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// DatasetHeader announces one dataset of an export.
type DatasetHeader struct {
	Name, Schema, MediaType string
	Sensitive               bool
	// Key are the fields that the rows are ordered by.
	Key []string
}

// Opaque reports whether the payload is bytes that only the application reads,
// instead of rows.
func (h DatasetHeader) Opaque() bool { return h.MediaType != MediaType }

// ExportedDataset is one dataset that arrived completely.
type ExportedDataset struct {
	DatasetHeader
	Rows, Size int64
	Digest     appbur.Digest
	// Positions are those of the counters that number the rows.
	Positions []appbur.Position
}

// ExportResult is a complete export.
type ExportResult struct {
	App, Version string
	// Snapshot names the consistent view that was exported, Taken when it was.
	Snapshot string
	Taken    time.Time
	// Datasets are in the order in which they came.
	Datasets []ExportedDataset
	// Manifest names all payloads together.
	Manifest appbur.Digest
}

// Sink takes what an export brings.
type Sink interface {
	// Dataset starts a dataset and returns where its bytes go. The writer is
	// closed on every path. That it was closed does not mean that the dataset is
	// complete: only a nil error of [Client.Export] does.
	Dataset(DatasetHeader) (io.WriteCloser, error)
}

// SinkFunc is a function as a [Sink].
type SinkFunc func(DatasetHeader) (io.WriteCloser, error)

// Dataset calls f.
func (f SinkFunc) Dataset(h DatasetHeader) (io.WriteCloser, error) { return f(h) }

// receiver checks the messages of one export in the order in which they come. It
// holds one row, whatever the size of the export.
type receiver struct {
	request  *contractpb.ExportRequest
	sink     Sink
	result   ExportResult
	started  bool
	finished bool
	waiting  []DatasetHeader
	current  *receiving
	progress func(Progress)
	// received counts the bytes of all datasets.
	received int64
	// leased says that the application keeps the export, first is the header that
	// every further stream must repeat, headed that the stream at hand did.
	leased, headed bool
	first          *contractpb.ExportHeader
}

// again prepares for another stream, which goes on where the last one broke.
func (r *receiver) again() {
	r.headed = false
	if !r.started {
		return
	}
	resume := &contractpb.ExportResume{SnapshotId: r.result.Snapshot}
	switch {
	case r.current != nil:
		resume.Dataset, resume.Offset = r.current.header.Name, uint64(r.current.count.size)
	case len(r.waiting) > 0:
		resume.Dataset = r.waiting[0].Name
	}
	r.finished = false
	r.request.Resume = resume
}

// resumable reports whether another stream may go on with this export. Before its
// header nothing has come that could be spliced wrongly.
func (r *receiver) resumable() bool { return !r.started || r.leased }

// receiving is one dataset under way.
type receiving struct {
	header DatasetHeader
	writer io.WriteCloser
	count  *tally
	rows   *rowCheck
}

// sinkError is a failure of the caller's own sink, which says nothing about the
// application.
type sinkError struct{ err error }

func (e *sinkError) Error() string { return e.err.Error() }
func (e *sinkError) Unwrap() error { return e.err }

// take checks one message and passes its bytes on.
func (r *receiver) take(m *contractpb.ExportResponse) error {
	if r.finished {
		return errors.New("a message follows the trailer")
	}

	if header := m.GetHeader(); header != nil {
		if r.headed {
			return errors.New("a second header")
		}
		r.headed = true
		return r.header(header)
	}

	if !r.headed {
		return errors.New("the stream does not start with a header")
	}

	switch message := m.GetMessage().(type) {
	case *contractpb.ExportResponse_Chunk:
		return r.chunk(message.Chunk)
	case *contractpb.ExportResponse_DatasetTrailer:
		return r.datasetTrailer(message.DatasetTrailer)
	case *contractpb.ExportResponse_Trailer:
		return r.trailer(message.Trailer)
	case *contractpb.ExportResponse_Progress:
		r.report(Progress{Phase: "exporting", Dataset: message.Progress.GetDataset(), Rows: int64(message.Progress.GetRows())})
		return nil
	default:
		return errors.New("a message is of no known kind")
	}
}

func (r *receiver) header(h *contractpb.ExportHeader) error {
	if r.started {
		if !proto.Equal(h, r.first) {
			return errors.New("the export goes on with another header")
		}
		return nil
	}
	r.started, r.first, r.leased = true, h, h.GetLease().AsDuration() > 0
	if h.GetOperationId() != r.request.GetOperationId() {
		return errors.New("the header belongs to another operation")
	}

	if err := checkAppID(h.GetAppId()); err != nil {
		return err
	}
	if h.GetSnapshotId() == "" {
		return errors.New("the header names no snapshot")
	}
	if err := h.GetSnapshotTime().CheckValid(); err != nil {
		return fmt.Errorf("the header has no valid time: %w", err)
	}
	r.result = ExportResult{App: h.GetAppId(), Version: h.GetAppVersion(), Snapshot: h.GetSnapshotId(), Taken: h.GetSnapshotTime().AsTime()}

	for _, d := range h.GetDatasets() {
		header := DatasetHeader{
			Name: d.GetName(), Schema: d.GetSchema(), MediaType: d.GetMediaType(), Sensitive: d.GetSensitive(),
			Key: d.GetKey(),
		}
		if err := header.check(); err != nil {
			return fmt.Errorf("dataset %q: %w", header.Name, err)
		}
		if r.announces(header.Name) {
			return fmt.Errorf("dataset %s is announced twice", header.Name)
		}
		r.waiting = append(r.waiting, header)
	}

	if len(r.waiting) == 0 {
		return errors.New("the header announces no dataset")
	}

	for _, name := range r.request.GetDatasets() {
		if !r.announces(name) {
			return fmt.Errorf("dataset %s was requested and is not announced", name)
		}
	}
	return nil
}

func (r *receiver) report(p Progress) {
	if r.progress != nil {
		r.progress(p)
	}
}

func (r *receiver) announces(name string) bool {
	return slices.ContainsFunc(r.waiting, func(h DatasetHeader) bool { return h.Name == name })
}

func (h DatasetHeader) check() error {
	if err := checkLabel(h.Name); err != nil {
		return err
	}
	if _, err := parseSchema(h.Schema); err != nil {
		return err
	}
	if !h.Opaque() {
		return checkKey(h.Key)
	}
	if _, _, err := mime.ParseMediaType(h.MediaType); err != nil {
		return fmt.Errorf("media type %q: %w", h.MediaType, err)
	}
	if len(h.Key) > 0 {
		return errors.New("it is opaque and has a key")
	}
	return nil
}

// open makes sure that the named dataset is the one under way.
func (r *receiver) open(name string) error {
	if r.current != nil {
		if r.current.header.Name != name {
			return fmt.Errorf("dataset %q comes before the trailer of %s", name, r.current.header.Name)
		}
		return nil
	}
	if len(r.waiting) == 0 || r.waiting[0].Name != name {
		return fmt.Errorf("dataset %q was not announced as the next one", name)
	}
	header := r.waiting[0]
	writer, err := r.sink.Dataset(header)
	if err != nil {
		return &sinkError{err}
	}
	r.waiting = r.waiting[1:]
	r.current = &receiving{header: header, writer: writer, count: newTally(), rows: newRowCheck(header)}
	return nil
}

func (r *receiver) chunk(c *contractpb.Chunk) error {
	if err := r.open(c.GetDataset()); err != nil {
		return err
	}
	d, data := r.current, c.GetData()
	limit := int(r.request.GetMaxChunkBytes())
	if limit == 0 {
		limit = maxChunkSize
	}

	switch {
	case len(data) == 0:
		return fmt.Errorf("dataset %s: a chunk is empty", d.header.Name)
	case len(data) > limit:
		return fmt.Errorf("dataset %s: a chunk has %d bytes, at most %d were allowed", d.header.Name, len(data), limit)
	case c.GetOffset() != uint64(d.count.size):
		return fmt.Errorf("dataset %s: a chunk starts at %d, expected %d", d.header.Name, c.GetOffset(), d.count.size)
	case checksum(data) != c.GetCrc32C():
		return fmt.Errorf("dataset %s: the chunk at %d differs from its checksum", d.header.Name, c.GetOffset())
	}

	d.count.write(data)
	if err := d.rows.write(data); err != nil {
		return fmt.Errorf("dataset %s: row %d: %w", d.header.Name, d.rows.rows+1, err)
	}
	if _, err := d.writer.Write(data); err != nil {
		return &sinkError{err}
	}
	r.received += int64(len(data))
	r.report(Progress{Phase: "exporting", Dataset: d.header.Name, Bytes: d.count.size, Rows: d.rows.rows})
	return nil
}

func (r *receiver) datasetTrailer(t *contractpb.DatasetTrailer) error {
	if err := r.open(t.GetDataset()); err != nil {
		return err
	}
	d := r.current
	if err := d.rows.end(); err != nil {
		return fmt.Errorf("dataset %s: %w", d.header.Name, err)
	}
	digest, err := digestOf(t.GetSha256())
	if err != nil {
		return fmt.Errorf("dataset %s: %w", d.header.Name, err)
	}
	switch {
	case t.GetBytes() != uint64(d.count.size):
		return fmt.Errorf("dataset %s: the trailer counts %d bytes, %d came", d.header.Name, t.GetBytes(), d.count.size)
	case t.GetRows() != uint64(d.rows.rows):
		return fmt.Errorf("dataset %s: the trailer counts %d rows, %d came", d.header.Name, t.GetRows(), d.rows.rows)
	case digest != d.count.digest():
		return fmt.Errorf("dataset %s: the payload differs from the SHA-256 of its trailer", d.header.Name)
	}
	positions, err := positionsOf(t.GetPositions())
	if err != nil {
		return fmt.Errorf("dataset %s: %w", d.header.Name, err)
	}

	r.current = nil
	if err := d.writer.Close(); err != nil {
		return &sinkError{err}
	}
	r.result.Datasets = append(r.result.Datasets, ExportedDataset{
		DatasetHeader: d.header, Rows: d.rows.rows, Size: d.count.size, Digest: digest, Positions: positions,
	})
	return nil
}

func (r *receiver) trailer(t *contractpb.ExportTrailer) error {
	if r.current != nil || len(r.waiting) > 0 {
		return errors.New("the trailer comes before the last dataset ended")
	}
	digest, err := digestOf(t.GetManifestSha256())
	if err != nil {
		return err
	}
	all := make([]totals, len(r.result.Datasets))
	for i, d := range r.result.Datasets {
		all[i] = totals{d.Name, d.Schema, d.Rows, d.Size, d.Digest}
	}
	if digest != manifestDigest(r.result.App, all) {
		return errors.New("the trailer names another manifest than what came")
	}
	r.result.Manifest = digest
	r.finished = true
	return nil
}

// abandon closes the writer of a dataset that will never be complete.
func (r *receiver) abandon() error {
	if r.current == nil {
		return nil
	}
	writer := r.current.writer
	r.current = nil
	return writer.Close()
}

// rowCheck makes sure that a payload can be read again: canonical rows in
// strictly increasing key order, each ended by a line feed.
type rowCheck struct {
	opaque  bool
	order   *sequence
	pending []byte
	scratch []byte
	rows    int64
}

func newRowCheck(h DatasetHeader) *rowCheck {
	return &rowCheck{opaque: h.Opaque(), order: &sequence{order: newKeyOrder(h.Key)}}
}

func (c *rowCheck) write(data []byte) error {
	if c.opaque {
		return nil
	}

	for {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			if len(c.pending)+len(data) > maxRowSize {
				return tooLong(maxRowSize)
			}
			c.pending = append(c.pending, data...)
			return nil
		}
		row := data[:i]
		if len(c.pending) > 0 {
			c.pending = append(c.pending, row...)
			row = c.pending
		}
		if err := c.row(row); err != nil {
			return err
		}
		c.pending = c.pending[:0]
		data = data[i+1:]
	}
}

func (c *rowCheck) row(row []byte) error {
	if !isCanonical(row) {
		canonical, err := appendCanonical(c.scratch[:0], row)
		if err != nil {
			return err
		}
		c.scratch = canonical
		if !bytes.Equal(canonical, row) {
			return errors.New("it is not in canonical form")
		}
	}
	if err := c.order.next(row); err != nil {
		return err
	}
	c.rows++
	return nil
}

func (c *rowCheck) end() error {
	if len(c.pending) > 0 {
		return errors.New("the last row is not ended by a line feed")
	}
	return nil
}
