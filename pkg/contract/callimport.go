package contract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// Import replaces the datasets of the request, all or none.
func (c *Client) Import(ctx context.Context, r ImportRequest) (ImportResult, error) {
	if err := checkOperationID(r.OperationID); err != nil {
		return ImportResult{}, err
	}
	attempts := retries{chunk: chunkSize}

	for {
		c.reconnect(ctx)
		attempt, err := c.importOnce(ctx, r, attempts.chunk)
		switch {
		case err == nil:
			return attempt.result, nil
		case ctx.Err() != nil:
			// No caller waits for the result: what can be rolled back is.
			c.abandon(ctx, r.OperationID)
			return ImportResult{}, err
		case !cut(err):
			return ImportResult{}, err
		case !attempts.again(ctx, attempt.progressed()):
			return ImportResult{}, err
		}
	}
}

// importOnce is one stream of an import. The application says where the payloads
// must start, which is where an earlier stream broke.
func (c *Client) importOnce(ctx context.Context, r ImportRequest, chunk int) (*sending, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &sending{request: r, chunkSize: chunk, address: c.address, answers: make(chan answer, 1)}
	stream, err := c.calls.Import(ctx)
	if err != nil {
		return s, fromStatus("importing into the application", c.address, err)
	}
	s.stream = stream
	return s, s.run()
}

// abandon cancels an import whose caller left.
func (c *Client) abandon(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	_, _ = c.calls.CancelOperation(ctx, &contractpb.CancelOperationRequest{OperationId: id})
}

// sending is one import under way.
type sending struct {
	request ImportRequest
	stream  grpc.BidiStreamingClient[contractpb.ImportRequest, contractpb.ImportResponse]
	address string
	answers chan answer
	result  ImportResult
	sent    atomic.Int64
	// chunkSize is the longest chunk that is sent.
	chunkSize int
}

// progressed reports whether the stream carried anything.
func (s *sending) progressed() bool { return s.sent.Load() > 0 }

// answer is how the application ended the call.
type answer struct {
	result *contractpb.ImportResult
	err    error
}

func (s *sending) run() error {
	manifest, err := s.open()
	if err != nil {
		return err
	}
	first, err := s.stream.Recv()
	if err != nil {
		return s.ended(err)
	}

	if result := first.GetResult(); result != nil {
		return s.finish(s.rest(result))
	}
	offsets, err := s.offsets(first.GetState())
	if err != nil {
		return violation(s.address, err)
	}
	go s.listen()
	if phase := first.GetState().GetPhase(); phase != contractpb.Phase_PHASE_UNSPECIFIED && phase != contractpb.Phase_PHASE_RECEIVING {
		// An earlier stream committed; the import went on without it.
		return s.finish(<-s.answers)
	}

	for _, d := range s.request.Datasets {
		if err := s.payload(d, offsets[d.Name]); err != nil {
			return s.because(err)
		}
	}

	commit := &contractpb.ImportRequest{Message: &contractpb.ImportRequest_Commit{
		Commit: &contractpb.ImportCommit{ManifestSha256: manifest[:]},
	}}
	if err := s.stream.Send(commit); err != nil {
		return s.because(err)
	}
	if err := s.stream.CloseSend(); err != nil {
		return s.because(err)
	}
	return s.finish(<-s.answers)
}

func (s *sending) open() (appbur.Digest, error) {
	open := &contractpb.ImportOpen{
		OperationId: s.request.OperationID, DryRun: s.request.DryRun,
		SourceAppId: s.request.SourceApp, SourceAppVersion: s.request.SourceVersion, Actor: s.request.Actor,
	}
	for _, dataset := range slices.Sorted(maps.Keys(s.request.Expected)) {
		open.Expected = append(open.Expected, &contractpb.Fingerprint{Dataset: dataset, Token: s.request.Expected[dataset]})
	}

	all := make([]totals, 0, len(s.request.Datasets))
	for _, d := range s.request.Datasets {
		if d.Rows < 0 || d.Size < 0 {
			return appbur.Digest{}, fmt.Errorf("importing dataset %s: %d rows of %d bytes", d.Name, d.Rows, d.Size)
		}
		open.Datasets = append(open.Datasets, &contractpb.ImportDataset{
			Name: d.Name, Schema: d.Schema, Rows: uint64(d.Rows), Bytes: uint64(d.Size), Sha256: d.Digest[:], Positions: sentPositions(d.Positions),
		})
		all = append(all, totals{d.Name, d.Schema, d.Rows, d.Size, d.Digest})
	}

	err := s.stream.Send(&contractpb.ImportRequest{Message: &contractpb.ImportRequest_Open{Open: open}})
	if err != nil && !errors.Is(err, io.EOF) {
		return appbur.Digest{}, s.ended(err)
	}
	return manifestDigest(s.request.SourceApp, all), nil
}

// offsets reads where chunks must start.
func (s *sending) offsets(state *contractpb.ImportState) (map[string]int64, error) {
	if state == nil {
		return nil, errors.New("the answer to open is neither state nor result")
	}
	offsets := map[string]int64{}
	for _, d := range s.request.Datasets {
		offsets[d.Name] = 0
		for _, a := range state.GetDatasets() {
			if a.GetDataset() != d.Name {
				continue
			}
			if a.GetOffset() > uint64(d.Size) {
				return nil, fmt.Errorf("it wants dataset %s from byte %d of %d", d.Name, a.GetOffset(), d.Size)
			}
			offsets[d.Name] = int64(a.GetOffset())
		}
	}
	return offsets, nil
}

// payload sends one dataset from the given offset. What comes out of the source
// is compared with what was announced before anything can be committed.
func (s *sending) payload(d DatasetSource, offset int64) (err error) {
	source, err := d.Open()
	if err != nil {
		return &sourceError{fmt.Errorf("opening dataset %s: %w", d.Name, err)}
	}
	defer func() {
		if closed := source.Close(); closed != nil && err == nil {
			err = &sourceError{fmt.Errorf("closing dataset %s: %w", d.Name, closed)}
		}
	}()
	count := newTally()

	for {
		buffer := chunkBuffers.Get(s.chunkSize)
		n, err := io.ReadFull(source, *buffer)
		*buffer = (*buffer)[:n]
		start := count.size
		count.write(*buffer)
		if err := s.chunk(d.Name, start, mem.NewBuffer(buffer, &chunkBuffers), offset-start); err != nil {
			return err
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			if count.size != d.Size || count.digest() != d.Digest {
				return &sourceError{appbur.WithHint(
					fmt.Errorf("dataset %s: the stored payload differs from its digest", d.Name),
					"the restore point is damaged; nothing was imported")}
			}
			return nil
		case err != nil:
			return &sourceError{fmt.Errorf("reading dataset %s: %w", d.Name, err)}
		}
	}
}

// sourceError is a failure of the caller's own payload.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// chunk sends the bytes at an offset, without the first ones if those have arrived.
func (s *sending) chunk(dataset string, offset int64, data mem.Buffer, arrived int64) error {
	defer data.Free()
	skip := max(arrived, 0)
	if skip >= int64(data.Len()) {
		return nil
	}
	rest := data.Slice(int(skip), data.Len())
	defer rest.Free()
	s.sent.Add(int64(rest.Len()))
	return s.stream.SendMsg(importChunk(dataset, offset+skip, rest))
}

// listen reads answers while chunks are sent, so that neither side waits for the
// other to read.
func (s *sending) listen() {
	for {
		message, err := s.stream.Recv()
		if err != nil {
			s.answers <- answer{err: s.ended(err)}
			return
		}

		switch message := message.GetMessage().(type) {
		case *contractpb.ImportResponse_Ack:
			s.report(Progress{Phase: "receiving", Dataset: message.Ack.GetDataset(), Bytes: int64(message.Ack.GetOffset())})
		case *contractpb.ImportResponse_Progress:
			s.report(Progress{
				Phase:   phases[message.Progress.GetPhase()],
				Dataset: message.Progress.GetDataset(), Rows: int64(message.Progress.GetRows()),
			})
		case *contractpb.ImportResponse_Result:
			s.answers <- s.rest(message.Result)
			return
		default:
			s.answers <- answer{err: violation(s.address, errors.New("an answer is neither acknowledgement nor progress nor result"))}
			return
		}
	}
}

var phases = map[contractpb.Phase]string{
	contractpb.Phase_PHASE_EXPORTING:  "exporting",
	contractpb.Phase_PHASE_RECEIVING:  "receiving",
	contractpb.Phase_PHASE_APPLYING:   "applying",
	contractpb.Phase_PHASE_VERIFYING:  "verifying",
	contractpb.Phase_PHASE_COMMITTING: "committing",
}

func (s *sending) report(p Progress) {
	if s.request.Progress != nil {
		s.request.Progress(p)
	}
}

// rest waits for the status that must follow the result.
func (s *sending) rest(result *contractpb.ImportResult) answer {
	_, err := s.stream.Recv()
	switch {
	case errors.Is(err, io.EOF):
		return answer{result: result}
	case err == nil:
		return answer{err: violation(s.address, errors.New("something follows the result"))}
	default:
		return answer{err: s.ended(err)}
	}
}

// ended explains why Recv gave no message.
func (s *sending) ended(err error) error {
	if errors.Is(err, io.EOF) {
		return incomplete(s.address, errors.New("no result came"))
	}
	return fromStatus("importing into the application", s.address, err)
}

// because explains why sending stopped. io.EOF from Send means that the
// application ended the call and its answer says why.
func (s *sending) because(err error) error {
	var own *sourceError
	switch {
	case errors.As(err, &own):
		return fmt.Errorf("importing: %w", own.err)
	case errors.Is(err, io.EOF):
		if a := <-s.answers; a.err != nil {
			return a.err
		}
		return violation(s.address, errors.New("it gave a result before it had everything"))
	default:
		return fromStatus("importing into the application", s.address, err)
	}
}

// finish accepts a result that answers the request.
func (s *sending) finish(a answer) error {
	if a.err != nil {
		return a.err
	}
	if a.result.GetApplied() == s.request.DryRun {
		return violation(s.address, fmt.Errorf("a request with dry run %t was answered with applied %t", s.request.DryRun, a.result.GetApplied()))
	}
	s.result = ImportResult{
		Applied: a.result.GetApplied(), Replayed: a.result.GetReplayed(), Untouched: a.result.GetUntouched(),
		Warnings: a.result.GetWarnings(),
	}
	s.result.Before, s.result.After = tokens(a.result.GetBefore()), tokens(a.result.GetAfter())

	for _, d := range a.result.GetDatasets() {
		imported, err := readImported(d)
		if err != nil {
			return violation(s.address, fmt.Errorf("the result for dataset %q: %w", d.GetName(), err))
		}
		s.result.Datasets = append(s.result.Datasets, imported)
	}

	for _, d := range s.request.Datasets {
		if !s.result.mentions(d.Name) {
			return violation(s.address, fmt.Errorf("the result says nothing about dataset %s", d.Name))
		}
	}
	return nil
}
