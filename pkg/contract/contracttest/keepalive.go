package contracttest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// netKeepalive speaks HTTP/2 itself: grpc's own client cannot be configured to ping a
// connection on which nothing ever ran, nor as often as the contract allows.
func netKeepalive(ctx context.Context, s *session) error {
	if s.config.Idle <= 0 {
		return s.needs(": minutes of pings; 90 s are the least from which something follows", "Idle")
	}
	conn, err := s.line(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()

	if _, err := conn.Write([]byte(http2.ClientPreface)); err != nil {
		return err
	}
	framer := &lockedFramer{Framer: http2.NewFramer(conn, conn)}
	if err := framer.WriteSettings(); err != nil {
		return err
	}
	acks, ended := make(chan struct{}, 1), make(chan error, 1)
	go func() { ended <- readFrames(framer, acks) }()
	ticker := time.NewTicker(s.config.Ping)
	defer ticker.Stop()

	for pings := 1; time.Duration(pings-1)*s.config.Ping < s.config.Idle; pings++ {
		select {
		case <-ticker.C:
		case err := <-ended:
			return fmt.Errorf("after %d pings: %w", pings-1, err)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := framer.ping(false, [8]byte{byte(pings)}); err != nil {
			return fmt.Errorf("ping %d: %w", pings, errors.Join(err, <-ended))
		}
		select {
		case <-acks:
		case err := <-ended:
			return fmt.Errorf("ping %d: %w", pings, err)
		case <-ctx.Done():
			return fmt.Errorf("ping %d was not answered: %w", pings, context.Cause(ctx))
		}
	}

	if s.config.Ping < defaultPing {
		s.note("pings came every %s, the contract allows them every 20 s", s.config.Ping)
	}
	return nil
}

// lockedFramer lets two goroutines write: the one that pings, and the one that
// reads and has to answer.
type lockedFramer struct {
	*http2.Framer
	mu sync.Mutex
}

func (f *lockedFramer) ping(ack bool, data [8]byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.WritePing(ack, data)
}

func (f *lockedFramer) settingsAck() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.WriteSettingsAck()
}

// line opens a bare connection to the application.
func (s *session) line(ctx context.Context) (net.Conn, error) {
	var dialer net.Dialer
	if path, ok := strings.CutPrefix(s.instance.Address, "unix:"); ok {
		return dialer.DialContext(ctx, "unix", strings.TrimPrefix(path, "//"))
	}
	if s.instance.Dial.TLS == nil {
		return dialer.DialContext(ctx, "tcp", s.instance.Address)
	}
	config := s.instance.Dial.TLS.Clone()
	config.NextProtos = []string{"h2"}
	return (&tls.Dialer{NetDialer: &dialer, Config: config}).DialContext(ctx, "tcp", s.instance.Address)
}

// readFrames reports answered pings until the connection ends.
func readFrames(framer *lockedFramer, acks chan<- struct{}) error {
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return fmt.Errorf("the application closed the connection: %w", err)
		}

		switch frame := frame.(type) {
		case *http2.GoAwayFrame:
			return fmt.Errorf("the application sent GOAWAY: %s %s", frame.ErrCode, frame.DebugData())
		case *http2.PingFrame:
			if frame.IsAck() {
				acks <- struct{}{}
			} else if err := framer.ping(true, frame.Data); err != nil {
				return err
			}
		case *http2.SettingsFrame:
			if !frame.IsAck() {
				if err := framer.settingsAck(); err != nil {
					return err
				}
			}
		}
	}
}
