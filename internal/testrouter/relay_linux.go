package testrouter

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Relay is a far end: it passes connections on to a server of this namespace, and dies as it is told.
type Relay struct {
	// Address is where the client finds it.
	Address string

	router *Router
	port   int
	target string

	mu    sync.Mutex
	conns map[*net.TCPConn]net.Conn
	// vanishAfter is how many bytes a client may send over the next connection before the far end vanishes, 0 for all.
	vanishAfter int64
	vanished    int
}

// Relay starts one before a server. It ends with the test.
func (r *Router) Relay(t *testing.T, target string) *Relay {
	t.Helper()
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.ParseIP(FarAddress)})
	if err != nil {
		t.Fatal(err)
	}
	relay := &Relay{Address: listener.Addr().String(), router: r, target: target, conns: map[*net.TCPConn]net.Conn{}}
	if address, ok := listener.Addr().(*net.TCPAddr); ok {
		relay.port = address.Port
	}

	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			client, err := listener.AcceptTCP()
			if err != nil {
				return
			}
			serving.Go(func() { relay.serve(client) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		relay.mu.Lock()
		for client, server := range relay.conns {
			_ = client.Close()
			_ = server.Close()
		}
		relay.mu.Unlock()
		serving.Wait()
	})
	return relay
}

// Vanish drops what all connections send, and then has their far ends die. It returns how many there were.
func (r *Relay) Vanish() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.conns)
	for client := range r.conns {
		r.lose(client)
	}
	return n
}

// VanishAfter has the far end of the next connection vanish when the client has sent so many bytes.
func (r *Relay) VanishAfter(bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.vanishAfter = bytes
}

// Vanished counts the far ends that have vanished.
func (r *Relay) Vanished() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.vanished
}

// lose drops the packets of a connection before its far end can say good-bye. The lock is held.
func (r *Relay) lose(client *net.TCPConn) {
	server, open := r.conns[client]
	if !open {
		return
	}
	delete(r.conns, client)
	r.vanished++
	if peer, ok := client.RemoteAddr().(*net.TCPAddr); ok {
		r.router.Blackhole(peer.Port, r.port)
	}
	_ = client.SetLinger(0)
	_ = client.Close()
	_ = server.Close()
}

func (r *Relay) serve(client *net.TCPConn) {
	server, err := net.Dial("tcp", r.target)
	if err != nil {
		_ = client.Close()
		return
	}
	r.mu.Lock()
	r.conns[client] = server
	limit := r.vanishAfter
	r.vanishAfter = 0
	r.mu.Unlock()

	var both sync.WaitGroup
	both.Go(func() {
		if limit > 0 {
			_, _ = io.CopyN(server, client, limit)
			r.mu.Lock()
			r.lose(client)
			r.mu.Unlock()
			return
		}
		_, _ = io.Copy(server, client)
		if tcp, ok := server.(*net.TCPConn); ok {
			_ = tcp.CloseWrite()
		}
	})
	both.Go(func() {
		_, _ = io.Copy(client, server)
		_ = client.CloseWrite()
	})
	both.Wait()

	r.mu.Lock()
	defer r.mu.Unlock()
	if _, open := r.conns[client]; open {
		delete(r.conns, client)
		_ = client.Close()
		_ = server.Close()
	}
}
