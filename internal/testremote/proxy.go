package testremote

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// Fault is what a proxy does to the next connection: after a number of bytes from
// the client, or from the server, it resets the connection or goes silent.
type Fault struct {
	// Sent counts bytes from the client, Received those from the server; zero
	// means that the direction is left alone.
	Sent, Received int64
	// Hang keeps the connection open and moves nothing more.
	Hang bool
}

// Proxy passes TCP connections on, and fails as it is told.
type Proxy struct {
	Address string

	mu    sync.Mutex
	fault Fault
	conns map[net.Conn]struct{}
	ended chan struct{}
	// Passed counts the bytes of the newest connection from the client.
	Passed atomic.Int64
}

// NewProxy starts a proxy before a server.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Address: listener.Addr().String(), conns: map[net.Conn]struct{}{}, ended: make(chan struct{})}

	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { p.serve(client, target) })
		}
	})

	t.Cleanup(func() {
		_ = listener.Close()
		close(p.ended)
		p.mu.Lock()
		for c := range p.conns {
			_ = c.Close()
		}
		p.mu.Unlock()
		serving.Wait()
	})

	return p
}

// Set says what happens to connections from now on.
func (p *Proxy) Set(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
}

func (p *Proxy) track(c net.Conn) func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns[c] = struct{}{}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.conns, c)
	}
}

func (p *Proxy) serve(client net.Conn, target string) {
	server, err := net.Dial("tcp", target)
	if err != nil {
		_ = client.Close()
		return
	}
	defer p.track(client)()
	defer p.track(server)()
	p.mu.Lock()
	fault := p.fault
	p.mu.Unlock()
	p.Passed.Store(0)

	reset := func() {
		for _, c := range []net.Conn{client, server} {
			if tcp, ok := c.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // a reset, not a good-bye
			}
			_ = c.Close()
		}
	}

	var (
		both  sync.WaitGroup
		stuck atomic.Bool
	)
	up := stream{
		to: server, from: client, limit: fault.Sent, hang: fault.Hang, stuck: &stuck, ended: p.ended, count: p.Passed.Store,
		reset: reset,
	}

	down := stream{
		to: client, from: server, limit: fault.Received, hang: fault.Hang, stuck: &stuck, ended: p.ended, count: func(int64) {},
		reset: reset,
	}
	both.Go(up.pass)
	both.Go(down.pass)
	both.Wait()
	_ = client.Close()
	_ = server.Close()
}

// stream is one direction of a connection.
type stream struct {
	to, from net.Conn
	limit    int64
	hang     bool
	// stuck is shared by both directions: a connection that hangs hangs in both directions.
	stuck *atomic.Bool
	ended <-chan struct{}
	count func(int64)
	reset func()
}

// pass copies until the limit.
func (s stream) pass() {
	buffer := make([]byte, 4<<10)
	for moved := int64(0); ; {
		n, err := s.from.Read(buffer)
		if s.limit > 0 && moved+int64(n) >= s.limit {
			_, _ = s.to.Write(buffer[:s.limit-moved])
			if !s.hang {
				s.reset()
				return
			}
			s.stuck.Store(true)
		}

		if s.stuck.Load() {
			<-s.ended
			return
		}
		moved += int64(n)
		s.count(moved)

		if _, writeErr := s.to.Write(buffer[:n]); writeErr != nil {
			_ = s.from.Close()
			return
		}
		if err != nil {
			if tcp, ok := s.to.(*net.TCPConn); ok {
				_ = tcp.CloseWrite()
			}
			return
		}
	}
}

// Cut resets the connections that are open now.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
}
