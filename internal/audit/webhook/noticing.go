package webhook

import (
	"net"
	"sync"

	"github.com/appbur/appbur/internal/deadpeer"
)

// noticing tells of senders that vanish without a word: neither a farewell nor a reset comes from a machine that lost
// power, or from behind a router that forgot the connection.
type noticing struct {
	net.Listener
	receiver *Receiver
}

// Accept implements [net.Listener].
func (n noticing) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &noticed{Conn: conn, receiver: n.receiver}, nil
}

// noticed is one connection.
type noticed struct {
	net.Conn
	receiver *Receiver
	once     sync.Once
}

// Read implements [net.Conn].
func (c *noticed) Read(into []byte) (int, error) {
	n, err := c.Conn.Read(into)
	c.judge(err)
	return n, err
}

// Write implements [net.Conn].
func (c *noticed) Write(text []byte) (int, error) {
	n, err := c.Conn.Write(text)
	c.judge(err)
	return n, err
}

func (c *noticed) judge(err error) {
	if !deadpeer.Gone(err) {
		return
	}
	c.once.Do(func() {
		c.receiver.intake.Lose()
		c.receiver.o.Log.Warn("who sends audit events vanished without a word; its connection is closed, and a new one is taken",
			"from", c.RemoteAddr().String())
	})
}
