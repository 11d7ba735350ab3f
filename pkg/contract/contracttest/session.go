package contracttest

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"google.golang.org/grpc"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// session is one case's conversation with one instance.
type session struct {
	config      Config
	instance    *Instance
	client      *contract.Client
	stub        contractpb.AppStateClient
	info        contract.Info
	prefix      string
	ids         int
	notes       []string
	connections []*grpc.ClientConn
}

// note says what a case did not look at.
func (s *session) note(format string, args ...any) {
	s.notes = append(s.notes, fmt.Sprintf(format, args...))
}

// operation returns an id that was not used before.
func (s *session) operation() string {
	s.ids++
	return fmt.Sprintf("%s-%d", s.prefix, s.ids)
}

// buffer is a payload in memory.
type buffer struct{ bytes.Buffer }

// Close keeps what was written.
func (*buffer) Close() error { return nil }

// export reads the state through the client, which checks everything.
func (s *session) export(ctx context.Context) (state, error) { return s.exportBy(ctx, s.client, 0) }

func (s *session) exportBy(ctx context.Context, client *contract.Client, chunk int, datasets ...string) (state, error) {
	buffers := map[string]*buffer{}
	request := contract.ExportRequest{OperationID: s.operation(), MaxChunkBytes: chunk, Datasets: datasets}
	result, err := client.Export(ctx, request, contract.SinkFunc(
		func(h contract.DatasetHeader) (io.WriteCloser, error) {
			buffers[h.Name] = &buffer{}
			return buffers[h.Name], nil
		}))
	if err != nil {
		return state{}, err
	}
	exported := state{}
	for _, d := range result.Datasets {
		exported = exported.add(d.Name, held{d.Schema, buffers[d.Name].Bytes(), s.opaque(d.Name)})
	}
	return exported, nil
}

func (s *session) opaque(dataset string) bool {
	for _, d := range s.info.Datasets {
		if d.Name == dataset {
			return d.Opaque()
		}
	}
	return false
}

func (s *session) request(a state) contract.ImportRequest {
	r := contract.ImportRequest{OperationID: s.operation(), SourceApp: s.info.App, SourceVersion: s.info.Version}
	for _, n := range a.order {
		h := a.datasets[n]
		r.Datasets = append(r.Datasets, contract.DatasetSource{
			Name: n, Schema: h.schema, Rows: h.rows(), Size: int64(len(h.payload)), Digest: appbur.DigestOf(h.payload),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(h.payload)), nil },
		})
	}
	return r
}

// apply makes the application hold the state.
func (s *session) apply(ctx context.Context, a state) (contract.ImportResult, error) {
	return s.client.Import(ctx, s.request(a))
}

// putBack makes a shared application hold the state, also when the case left an
// import under way.
func (s *session) putBack(ctx context.Context, a state) error {
	const timeout = 10 * time.Second
	return s.eventually(ctx, timeout, func(ctx context.Context) error {
		_, err := s.apply(ctx, a)
		return err
	})
}

// holds makes sure that the application holds exactly the state.
func (s *session) holds(ctx context.Context, want state) error {
	got, err := s.export(ctx)
	if err != nil {
		return err
	}
	return want.differs(got)
}

// unchanged is holds after a call that had to fail.
func (s *session) unchanged(ctx context.Context, want state) error {
	if err := s.holds(ctx, want); err != nil {
		return fmt.Errorf("a call that failed changed the state: %w", err)
	}
	return nil
}

// twoStates returns the state that the application holds and a different one.
func (s *session) twoStates(ctx context.Context) (before, other state, err error) {
	if before, err = s.export(ctx); err != nil {
		return before, other, err
	}
	other, err = before.shrunk()
	if failure(err) != nil || err == nil {
		return before, other, err
	}

	// Opaque payloads cannot be cut; the application makes the other state itself.
	if s.instance.Mutate == nil {
		return before, other, s.needs(", because the application has opaque datasets only", "Mutate")
	}
	if err := s.instance.Mutate(ctx); err != nil {
		return before, other, fmt.Errorf("changing the state by %s: %w", s.named("Mutate"), err)
	}

	if other, err = s.export(ctx); err != nil {
		return before, other, err
	}
	if before.differs(other) == nil {
		return before, other, fmt.Errorf("%s changed nothing that an export shows", s.named("Mutate"))
	}
	_, err = s.apply(ctx, before)
	return before, other, err
}

// change makes the application hold something else: what it makes itself, or the
// other state.
func (s *session) change(ctx context.Context, other state) error {
	if s.instance.Mutate != nil {
		if err := s.instance.Mutate(ctx); err != nil {
			return fmt.Errorf("changing the state by %s: %w", s.named("Mutate"), err)
		}
		return nil
	}
	if _, err := s.apply(ctx, other); err != nil {
		return fmt.Errorf("changing the state by an import: %w", err)
	}
	return nil
}

// eventually repeats fn until it succeeds or the time is up, and returns its last
// error.
func (s *session) eventually(ctx context.Context, within time.Duration, fn func(context.Context) error) error {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	const interval = 50 * time.Millisecond
	for {
		err := fn(ctx)
		if err == nil {
			return nil
		}
		if s.pause(ctx, interval) != nil {
			return err
		}
		select {
		case <-deadline.C:
			return fmt.Errorf("not within %s: %w", within, err)
		default:
		}
	}
}

// pause waits, or says why the case ended meanwhile.
func (s *session) pause(ctx context.Context, d time.Duration) error {
	if backoff.Sleep(ctx, d) != nil {
		return context.Cause(ctx)
	}
	return nil
}

// restartTimeout is how long a killed application may take to answer again.
const restartTimeout = 30 * time.Second

// kill ends the application by the given hook and starts it again.
func (s *session) kill(ctx context.Context, end func(context.Context) error) error {
	if err := end(ctx); err != nil {
		return fmt.Errorf("ending the application: %w", err)
	}
	// It is started again even when the case has no time left.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restartTimeout)
	defer cancel()
	if err := s.instance.Restart(ctx); err != nil {
		return fmt.Errorf("starting the application again: %w", err)
	}
	return s.eventually(ctx, restartTimeout, func(ctx context.Context) error {
		_, err := s.client.Info(ctx)
		return err
	})
}

func checksum(data []byte) uint32 { return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) }
