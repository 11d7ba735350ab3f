package contract

import (
	"context"
	"errors"
	"io"
	"math"

	"google.golang.org/grpc"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

type importStream = grpc.BidiStreamingServer[contractpb.ImportRequest, contractpb.ImportResponse]

// Import implements the call of the contract.
func (s *service) Import(stream importStream) (err error) {
	ctx := stream.Context()
	defer s.recoverInto(ctx, "Import", &err)
	first, err := stream.Recv()
	if err != nil {
		return receiveError(err)
	}
	open := first.GetOpen()
	if open == nil {
		return NewError(ReasonInvalidRequest, "an import starts with open")
	}
	m, err := s.plan(open)
	if err != nil {
		return err
	}

	x, number, result, err := s.imports.open(ctx, m)
	switch {
	case err != nil:
		return err
	case result != nil:
		return stream.Send(&contractpb.ImportResponse{Message: &contractpb.ImportResponse_Result{Result: result}})
	}

	defer func() { s.imports.detach(x, number, err) }()
	state := x.state()
	if err := stream.Send(&contractpb.ImportResponse{Message: &contractpb.ImportResponse_State{State: state}}); err != nil {
		return err
	}
	if state.GetPhase() == contractpb.Phase_PHASE_RECEIVING {
		if err := s.receive(stream, x, number); err != nil {
			return err
		}
	}
	return s.follow(ctx, stream, x)
}

func receiveError(err error) error {
	if errors.Is(err, io.EOF) {
		return errHalfClosed
	}
	return err
}

// errHalfClosed is the end of a stream whose caller may come back.
var errHalfClosed = NewError(ReasonInvalidRequest, "the caller ended the stream before it committed")

// broken reports whether a stream ended for no fault of what it carried.
func broken(err error) bool {
	var known *Error
	return !errors.As(err, &known) || known == errHalfClosed || known.Reason == ReasonOffsetMismatch || known.Reason == ReasonChecksumMismatch
}

// importing is one import: what will come, then what came.
type importing struct {
	operation
	parts     []*importPart // in the order of application
	untouched []string
	expected  []*contractpb.Fingerprint
}

type importPart struct {
	*spool
	definition *definition
	chain      []step
	announced  totals
	positions  []appbur.Position
}

func (m *importing) part(name string) *importPart {
	for _, p := range m.parts {
		if p.definition.Name == name {
			return p
		}
	}
	return nil
}

func (m *importing) close() {
	for _, p := range m.parts {
		if p.spool != nil {
			// The file has no name any more; there is nothing to do about an error.
			_ = p.file.Close()
		}
	}
}

// plan refuses what can be refused before a byte came.
func (s *service) plan(open *contractpb.ImportOpen) (*importing, error) {
	if err := checkOperationID(open.GetOperationId()); err != nil {
		return nil, err
	}
	if open.GetSourceAppId() != s.options.ID {
		return nil, NewError(ReasonWrongApp, "the payload belongs to %q, this is %q", open.GetSourceAppId(), s.options.ID).
			With("payload", open.GetSourceAppId()).With("application", s.options.ID)
	}

	if len(open.GetDatasets()) == 0 {
		return nil, NewError(ReasonInvalidRequest, "the import names no dataset")
	}
	if err := s.checkExpected(open.GetExpected()); err != nil {
		return nil, err
	}
	m := &importing{expected: open.GetExpected(), operation: operation{id: open.GetOperationId(), dryRun: open.GetDryRun()}}
	announced := map[string]*importPart{}

	var all []totals
	for _, a := range open.GetDatasets() {
		p, err := s.planPart(a)
		if err != nil {
			return nil, err
		}
		if announced[a.GetName()] != nil {
			return nil, NewError(ReasonInvalidRequest, "dataset %s is announced twice", a.GetName())
		}
		announced[a.GetName()] = p
		all = append(all, p.announced)
	}

	for _, d := range s.datasets {
		if p := announced[d.Name]; p != nil {
			m.parts = append(m.parts, p)
		} else {
			m.untouched = append(m.untouched, d.Name)
		}
	}

	m.manifest = manifestDigest(open.GetSourceAppId(), all)
	return m, nil
}

func (s *service) planPart(a *contractpb.ImportDataset) (*importPart, error) {
	d, err := s.dataset(a.GetName())
	if err != nil {
		return nil, err
	}
	schema, err := parseSchema(a.GetSchema())
	if err != nil {
		return nil, NewError(ReasonInvalidRequest, "dataset %s: %w", d.Name, err)
	}

	chain, err := d.accept(schema)
	if err != nil {
		return nil, err
	}
	digest, err := digestOf(a.GetSha256())
	if err != nil {
		return nil, NewError(ReasonInvalidRequest, "dataset %s: %w", d.Name, err)
	}

	if limit := s.options.MaxPayloadBytes; a.GetBytes() > uint64(limit) {
		return nil, NewError(ReasonTooLarge, "dataset %s: the payload has %d bytes, at most %d are taken", d.Name, a.GetBytes(),
			limit).With("dataset", d.Name)
	}
	if d.opaque() && a.GetRows() > 0 {
		return nil, NewError(ReasonInvalidRequest, "dataset %s is opaque and cannot have rows", d.Name).With("dataset", d.Name)
	}

	if a.GetBytes() > math.MaxInt64 || a.GetRows() > a.GetBytes() {
		return nil, NewError(ReasonInvalidRequest, "dataset %s: %d rows in %d bytes cannot be", d.Name, a.GetRows(), a.GetBytes())
	}
	positions, err := positionsOf(a.GetPositions())
	if err != nil {
		return nil, NewError(ReasonInvalidRequest, "dataset %s: %w", d.Name, err).With("dataset", d.Name)
	}
	return &importPart{definition: d, chain: chain, positions: positions, announced: totals{
		name: d.Name, schema: schema.String(), rows: int64(a.GetRows()), size: int64(a.GetBytes()), digest: digest,
	}}, nil
}

// accept returns the steps that bring the schema to the current one, or says on
// which side of the readable range it is.
func (d *definition) accept(schema schemaVersion) ([]step, error) {
	if schema.compare(d.schema) > 0 {
		return nil, NewError(ReasonSchemaTooNew, "dataset %s: the payload has schema %s, this release reads up to %s", d.Name, schema, d.schema).
			With("dataset", d.Name).With("schema", schema.String()).With("reads", d.reads.String())
	}
	tooOld := NewError(ReasonSchemaTooOld, "dataset %s: the payload has schema %s, this release reads %s", d.Name, schema, d.reads).
		With("dataset", d.Name).With("schema", schema.String()).With("reads", d.reads.String())
	if !d.reads.contains(schema) {
		return nil, tooOld
	}
	chain, err := d.chain(schema)
	if err != nil {
		return nil, tooOld
	}
	return chain, nil
}

// nextRequest is what a stream gave.
type nextRequest struct {
	request *contractpb.ImportRequest
	err     error
}

// requestsOf reads a stream until it ends or its handler has returned, so that the
// handler can wait for something else besides.
func requestsOf(stream importStream) <-chan nextRequest {
	requests := make(chan nextRequest)
	go func() {
		for {
			request, err := stream.Recv()
			select {
			case requests <- nextRequest{request, err}:
			case <-stream.Context().Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return requests
}

// receive spools payloads until the commit, and has the import applied.
func (s *service) receive(stream importStream, x *importSession, number int) error {
	requests := requestsOf(stream)
	displaced := x.gaveWay(number)

	for {
		var next nextRequest
		select {
		case next = <-requests:
		case <-x.ctx.Done():
			// The caller gets the cancellation of its import at once.
			return context.Cause(x.ctx)
		case <-displaced:
			return errDisplaced
		case <-stream.Context().Done():
			return context.Cause(stream.Context())
		}
		if next.err != nil {
			return receiveError(next.err)
		}
		switch message := next.request.GetMessage().(type) {
		case *contractpb.ImportRequest_Chunk:
			err := s.receiveChunk(stream, x, number, message.Chunk)
			recycle(message.Chunk)
			if err != nil {
				return err
			}
		case *contractpb.ImportRequest_Commit:
			if err := x.turn(number, func() error { return x.checkCommit(message.Commit) }); err != nil {
				return err
			}
			return s.imports.start(x, number)
		default:
			return NewError(ReasonInvalidRequest, "only chunks and a commit may follow open")
		}
	}
}

func (s *service) receiveChunk(stream importStream, x *importSession, number int, c *contractpb.Chunk) error {
	p := x.part(c.GetDataset())
	if p == nil {
		return NewError(ReasonInvalidRequest, "a chunk belongs to dataset %q, which was not announced", c.GetDataset())
	}
	ack := int64(-1)
	err := x.turn(number, func() error {
		err := p.write(c)
		if err == nil && p.due() {
			p.acked, ack = p.received, p.received
		}
		return err
	})
	if err != nil || ack < 0 {
		return err
	}
	return stream.Send(&contractpb.ImportResponse{Message: &contractpb.ImportResponse_Ack{
		Ack: &contractpb.ImportAck{Dataset: p.definition.Name, Offset: uint64(ack)},
	}})
}

func (m *importing) checkCommit(commit *contractpb.ImportCommit) error {
	digest, err := digestOf(commit.GetManifestSha256())
	if err != nil {
		return NewError(ReasonInvalidRequest, "commit: %w", err)
	}
	if digest != m.manifest {
		return NewError(ReasonInvalidRequest, "the commit names another manifest than the one announced")
	}
	for _, p := range m.parts {
		if err := p.check(); err != nil {
			return err
		}
	}
	return nil
}
