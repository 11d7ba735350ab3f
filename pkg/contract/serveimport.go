package contract

import (
	"errors"
	"io"
	"math"

	"google.golang.org/grpc"

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
	if done, err := s.replay(stream, m); done || err != nil {
		return err
	}
	select {
	case s.importing <- struct{}{}:
		defer func() { <-s.importing }()
	default:
		return NewError(ReasonOperationInProgress, "another import is running")
	}
	// The same operation may have finished between the look and the turn.
	if done, err := s.replay(stream, m); done || err != nil {
		return err
	}
	defer m.close()
	if err := s.receive(stream, m); err != nil {
		return err
	}
	return s.apply(ctx, stream, m)
}

func receiveError(err error) error {
	if errors.Is(err, io.EOF) {
		return NewError(ReasonInvalidRequest, "the caller ended the stream before it committed")
	}
	return err
}

// importing is one import: what will come, then what came.
type importing struct {
	operation
	parts     []*importPart // in the order of application
	untouched []string
}

type importPart struct {
	*spool
	definition *definition
	chain      []step
	announced  totals
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
	m := &importing{operation: operation{id: open.GetOperationId(), dryRun: open.GetDryRun()}}
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
	if a.GetBytes() > math.MaxInt64 || a.GetRows() > a.GetBytes() {
		return nil, NewError(ReasonInvalidRequest, "dataset %s: %d rows in %d bytes cannot be", d.Name, a.GetRows(), a.GetBytes())
	}
	return &importPart{definition: d, chain: chain, announced: totals{
		name: d.Name, schema: schema.String(), rows: int64(a.GetRows()), size: int64(a.GetBytes()), digest: digest,
	}}, nil
}

// accept returns the steps that bring the schema to the current one, or says on
// which side of the readable range it lies.
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

// replay answers an operation that finished before.
func (s *service) replay(stream importStream, m *importing) (bool, error) {
	result, err := s.operations.find(m.id, m.manifest, m.dryRun)
	if err != nil || result == nil {
		return false, err
	}
	return true, stream.Send(&contractpb.ImportResponse{Message: &contractpb.ImportResponse_Result{Result: result}})
}

// receive spools all payloads until the commit.
func (s *service) receive(stream importStream, m *importing) error {
	state := &contractpb.ImportState{}
	for _, p := range m.parts {
		var err error
		if p.spool, err = newSpool(s.options.SpoolDir, p.definition, p.chain, p.announced); err != nil {
			return err
		}
		state.Datasets = append(state.Datasets, &contractpb.ImportAck{Dataset: p.definition.Name})
	}
	if err := stream.Send(&contractpb.ImportResponse{Message: &contractpb.ImportResponse_State{State: state}}); err != nil {
		return err
	}
	for {
		request, err := stream.Recv()
		if err != nil {
			return receiveError(err)
		}
		switch message := request.GetMessage().(type) {
		case *contractpb.ImportRequest_Chunk:
			if err := s.receiveChunk(stream, m, message.Chunk); err != nil {
				return err
			}
		case *contractpb.ImportRequest_Commit:
			return m.checkCommit(message.Commit)
		default:
			return NewError(ReasonInvalidRequest, "only chunks and a commit may follow open")
		}
	}
}

func (s *service) receiveChunk(stream importStream, m *importing, c *contractpb.Chunk) error {
	p := m.part(c.GetDataset())
	if p == nil {
		return NewError(ReasonInvalidRequest, "a chunk belongs to dataset %q, which was not announced", c.GetDataset())
	}
	if err := p.write(c); err != nil {
		return err
	}
	if !p.due() {
		return nil
	}
	p.acked = p.received
	return stream.Send(&contractpb.ImportResponse{Message: &contractpb.ImportResponse_Ack{
		Ack: &contractpb.ImportAck{Dataset: p.definition.Name, Offset: uint64(p.received)},
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
