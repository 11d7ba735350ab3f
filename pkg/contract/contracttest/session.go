package contracttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// session is one case's conversation with one instance.
type session struct {
	config Config
	client *contract.Client
	wire   contractpb.AppStateClient
	info   contract.Info
	prefix string
	ids    int
}

// operation returns an id that was not used before.
func (s *session) operation() string {
	s.ids++
	return fmt.Sprintf("%s-%d", s.prefix, s.ids)
}

// state is what an application holds, as payloads.
type state struct {
	order    []string
	schemas  map[string]string
	payloads map[string][]byte
}

func newState() state { return state{schemas: map[string]string{}, payloads: map[string][]byte{}} }

func (a state) add(name, schema string, payload []byte) state {
	b := state{order: append(slices.Clone(a.order), name), schemas: map[string]string{}, payloads: map[string][]byte{}}
	for _, n := range a.order {
		b.schemas[n], b.payloads[n] = a.schemas[n], a.payloads[n]
	}
	b.schemas[name], b.payloads[name] = schema, payload
	return b
}

// with returns the state with another payload for one dataset.
func (a state) with(name string, payload []byte) state {
	b := newState()
	for _, n := range a.order {
		p := a.payloads[n]
		if n == name {
			p = payload
		}
		b = b.add(n, a.schemas[n], p)
	}
	return b
}

// reschemed returns the state with another schema claimed for every dataset.
func (a state) reschemed(schema string) state {
	b := newState()
	for _, n := range a.order {
		b = b.add(n, schema, a.payloads[n])
	}
	return b
}

func (a state) empty() state {
	b := newState()
	for _, n := range a.order {
		b = b.add(n, a.schemas[n], nil)
	}
	return b
}

// last names the last dataset that has rows. No dataset with rows depends on it,
// because dependencies come first.
func (a state) last() (string, error) {
	for _, n := range slices.Backward(a.order) {
		if len(a.payloads[n]) > 0 {
			return n, nil
		}
	}
	return "", errors.New("the application holds no row: start it with at least one")
}

// shrunk returns the state without the last row of its last dataset.
func (a state) shrunk() (state, error) {
	name, err := a.last()
	if err != nil {
		return state{}, err
	}
	payload := a.payloads[name]
	cut := bytes.LastIndexByte(payload[:len(payload)-1], '\n') + 1
	return a.with(name, payload[:cut]), nil
}

// differs says where two states differ.
func (a state) differs(b state) error {
	if !slices.Equal(a.order, b.order) {
		return fmt.Errorf("datasets %s became %s", strings.Join(a.order, ", "), strings.Join(b.order, ", "))
	}
	for _, n := range a.order {
		if !bytes.Equal(a.payloads[n], b.payloads[n]) {
			return fmt.Errorf("dataset %s: %d bytes with %s became %d bytes with %s", n,
				len(a.payloads[n]), appbur.DigestOf(a.payloads[n]).Short(), len(b.payloads[n]), appbur.DigestOf(b.payloads[n]).Short())
		}
	}
	return nil
}

// buffer is a payload in memory.
type buffer struct{ bytes.Buffer }

// Close keeps what was written.
func (*buffer) Close() error { return nil }

// export reads the state through the client, which checks everything.
func (s *session) export(ctx context.Context) (state, error) {
	buffers := map[string]*buffer{}
	result, err := s.client.Export(ctx, contract.ExportRequest{OperationID: s.operation()}, contract.SinkFunc(
		func(h contract.DatasetHeader) (io.WriteCloser, error) {
			buffers[h.Name] = &buffer{}
			return buffers[h.Name], nil
		}))
	if err != nil {
		return state{}, err
	}
	exported := newState()
	for _, d := range result.Datasets {
		exported = exported.add(d.Name, d.Schema, buffers[d.Name].Bytes())
	}
	return exported, nil
}

func (s *session) request(a state) contract.ImportRequest {
	r := contract.ImportRequest{OperationID: s.operation(), SourceApp: s.info.App, SourceVersion: s.info.Version}
	for _, n := range a.order {
		payload := a.payloads[n]
		r.Datasets = append(r.Datasets, contract.DatasetSource{
			Name: n, Schema: a.schemas[n], Rows: int64(bytes.Count(payload, []byte("\n"))), Size: int64(len(payload)),
			Digest: appbur.DigestOf(payload),
			Open:   func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(payload)), nil },
		})
	}
	return r
}

// apply makes the application hold the state.
func (s *session) apply(ctx context.Context, a state) (contract.ImportResult, error) {
	return s.client.Import(ctx, s.request(a))
}

// holds makes sure that the application holds exactly the state.
func (s *session) holds(ctx context.Context, want state) error {
	got, err := s.export(ctx)
	if err != nil {
		return err
	}
	return want.differs(got)
}

// unchanged makes sure that a failed call had no effect.
func (s *session) unchanged(ctx context.Context, want state) error {
	if err := s.holds(ctx, want); err != nil {
		return fmt.Errorf("a call that failed changed the state: %w", err)
	}
	return nil
}

// twoStates returns the state that the application holds and a different one.
func (s *session) twoStates(ctx context.Context) (held, other state, err error) {
	if held, err = s.export(ctx); err != nil {
		return held, other, err
	}
	other, err = held.shrunk()
	return held, other, err
}

// refused makes sure that an error has the code and the reason it must have.
func refused(err error, code codes.Code, reason contract.Reason) error {
	if err == nil {
		return fmt.Errorf("the call succeeded, want %s", reason)
	}
	var e *contract.Error
	if errors.As(err, &e) {
		if e.Code == code && e.Reason == reason {
			return nil
		}
		return fmt.Errorf("want %s with reason %s, got %s with reason %q: %w", code, reason, e.Code, e.Reason, err)
	}
	got, at := status.Convert(err), contract.Reason("")
	for _, detail := range got.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == "appbur.dev" {
			at = contract.Reason(info.GetReason())
		}
	}
	if got.Code() != code || at != reason {
		return fmt.Errorf("want %s with reason %s, got %s with reason %q: %w", code, reason, got.Code(), at, err)
	}
	return nil
}

func checksum(data []byte) uint32 { return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) }
