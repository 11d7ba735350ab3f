package contracttest_test

import (
	"context"
	"errors"
	"iter"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// process simulates an operating system process: an application over a store
// that outlives it. To kill it is to cut its connections and to let nothing that
// it does reach the store any more.
type process struct {
	store   contract.App
	options contract.Options
	dir     string
	kill    func()
	end     func()
	done    chan error
}

func newProcess(store contract.App, o contract.Options) *process {
	return &process{store: store, options: o}
}

func (p *process) start(ctx context.Context) (err error) {
	if p.dir == "" {
		if p.dir, err = os.MkdirTemp("", "appbur"); err != nil {
			return err
		}
		p.options.SpoolDir = filepath.Join(p.dir, "spool")
	}
	alive := &mortal{App: p.store}
	var app contract.App = alive

	if marked, ok := p.store.(interface {
		contract.Fingerprinter
		contract.Readier
	}); ok {
		app = struct {
			*mortal
			contract.Fingerprinter
			contract.Readier
		}{alive, marked, marked}
	}

	server, err := contract.NewServer(app, p.options)
	if err != nil {
		return err
	}
	listener, err := contract.Listen(ctx, "unix://"+filepath.Join(p.dir, "app"))
	if err != nil {
		return err
	}

	tracked := &tracked{Listener: listener}
	ctx, p.end = context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	p.done = done
	go func() { done <- server.Serve(ctx, tracked) }()
	p.kill = func() {
		alive.die()
		tracked.cut()
	}
	return nil
}

func (p *process) instance() *contracttest.Instance {
	return &contracttest.Instance{
		Address: "unix://" + filepath.Join(p.dir, "app"),
		Kill: func(context.Context) error {
			p.kill()
			p.end()
			<-p.done // what it has to say went with it
			return nil
		},
		Terminate: func(context.Context) error {
			p.end()
			return <-p.done
		},
		Restart: p.start,
		Stop: func() error {
			p.end()
			return errors.Join(<-p.done, os.RemoveAll(p.dir))
		},
	}
}

// tracked remembers its connections.
type tracked struct {
	net.Listener
	mu   sync.Mutex
	open []net.Conn
}

func (t *tracked) Accept() (net.Conn, error) {
	c, err := t.Listener.Accept()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = append(t.open, c)
	return c, err
}

func (t *tracked) cut() {
	_ = t.Close()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.open {
		if c != nil {
			_ = c.Close()
		}
	}
}

// mortal is an application whose process can die.
type mortal struct {
	contract.App
	mu   sync.Mutex
	dead bool
}

var errDead = errors.New("the process is dead")

func (m *mortal) die() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
}

func (m *mortal) Begin(ctx context.Context) (contract.Transaction, error) {
	tx, err := m.App.Begin(ctx)
	if err != nil {
		return nil, err
	}
	if reader, ok := tx.(contract.Rereader); ok {
		return &mortalReader{reader, m}, nil
	}
	return &mortalTransaction{tx, m}, nil
}

func (m *mortal) commit(ctx context.Context, tx contract.Transaction) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errDead
	}
	return tx.Commit(ctx)
}

type mortalTransaction struct {
	contract.Transaction
	m *mortal
}

// Replace does nothing for the dead, so that what writes before the commit is
// stopped between two datasets.
func (t *mortalTransaction) Replace(ctx context.Context, dataset string, rows iter.Seq2[contract.Row, error]) error {
	t.m.mu.Lock()
	dead := t.m.dead
	t.m.mu.Unlock()
	if dead {
		return errDead
	}
	return t.Transaction.Replace(ctx, dataset, rows)
}

func (t *mortalTransaction) Commit(ctx context.Context) error { return t.m.commit(ctx, t.Transaction) }

type mortalReader struct {
	contract.Rereader
	m *mortal
}

func (t *mortalReader) Commit(ctx context.Context) error { return t.m.commit(ctx, t.Rereader) }
