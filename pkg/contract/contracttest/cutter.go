package contracttest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/appbur/appbur/pkg/contract"
)

// cutter is a line to an application that breaks after some bytes.
type cutter struct {
	address         string
	network, target string
	listener        net.Listener
	dir             string
	running         sync.WaitGroup

	mu     sync.Mutex
	random *rand.Rand
	armed  bool
	secure int // bytes that a connection needs for TLS before it says anything
	cuts   int // still to be made
	open   map[net.Conn]bool
}

// newCutter listens where the application could, on a unix socket if that is what
// it does.
func newCutter(address string, cuts int, random *rand.Rand) (*cutter, error) {
	c := &cutter{cuts: cuts, random: random, network: "tcp", target: address, open: map[net.Conn]bool{}}
	listen := "127.0.0.1:0"

	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		dir, err := os.MkdirTemp("", "appbur")
		if err != nil {
			return nil, err
		}
		c.network, c.target, c.dir = "unix", strings.TrimPrefix(path, "//"), dir
		listen = filepath.Join(dir, "line")
	}

	var err error
	var config net.ListenConfig
	if c.listener, err = config.Listen(context.Background(), c.network, listen); err != nil {
		return nil, err
	}
	c.address = c.listener.Addr().String()
	if c.network == "unix" {
		c.address = "unix://" + listen
	}
	c.running.Go(c.accept)
	return c, nil
}

// dial adapts options to the line: certificates name the application, not it.
func (c *cutter) dial(o contract.DialOptions) contract.DialOptions {
	if o.TLS != nil {
		c.mu.Lock()
		c.secure = 8 << 10
		c.mu.Unlock()
	}
	if o.TLS != nil && o.TLS.ServerName == "" {
		o.TLS = o.TLS.Clone()
		o.TLS.ServerName, _, _ = net.SplitHostPort(c.target)
	}
	return o
}

func (c *cutter) accept() {
	for {
		from, err := c.listener.Accept()
		if err != nil {
			return
		}
		var dialer net.Dialer
		to, err := dialer.DialContext(context.Background(), c.network, c.target)
		if err != nil {
			_ = from.Close()
			continue
		}
		c.mu.Lock()
		c.open[from], c.open[to] = true, true

		// Between a part of the handshake of HTTP/2 and some chunks. Lines that mostly
		// break before TLS is agreed would try the caller's timeout and nothing else.
		budget := c.secure + 200 + c.random.IntN(12_000)
		c.mu.Unlock()
		line := &brokenLine{cutter: c, ends: [2]net.Conn{from, to}, budget: budget}
		c.running.Go(func() { line.pass(to, from) })
		c.running.Go(func() { line.pass(from, to) })
	}
}

// brokenLine is one connection.
type brokenLine struct {
	cutter *cutter
	ends   [2]net.Conn
	budget int // guarded by the cutter
}

func (l *brokenLine) pass(to, from net.Conn) {
	defer func() {
		for _, end := range l.ends {
			_ = end.Close()
		}
	}()
	buffer := make([]byte, 4096)
	for {
		n, err := from.Read(buffer)
		n = l.cutter.allow(l, n)
		if n > 0 {
			if _, werr := to.Write(buffer[:n]); werr != nil {
				return
			}
		}
		if n <= 0 || err != nil {
			return
		}
	}
}

// allow says how many of n bytes pass. Fewer than all mean that the line breaks.
func (c *cutter) allow(l *brokenLine, n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.armed || c.cuts <= 0 || n <= 0 {
		return n
	}
	if l.budget <= 0 {
		return 0 // the other direction broke it
	}
	l.budget -= n
	if l.budget > 0 {
		return n
	}
	c.cuts--
	for _, end := range l.ends {
		_ = end.Close()
	}
	return 0
}

func (c *cutter) arm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.armed = true
}

func (c *cutter) left() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cuts
}

func (c *cutter) close() error {
	err := c.listener.Close()
	c.mu.Lock()
	for end := range c.open {
		_ = end.Close()
	}
	c.mu.Unlock()
	c.running.Wait()
	if c.dir != "" {
		err = errors.Join(err, os.RemoveAll(c.dir))
	}
	if err != nil {
		return fmt.Errorf("closing the line: %w", err)
	}
	return nil
}
