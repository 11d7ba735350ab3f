package contract

import (
	"context"
	"errors"
	"fmt"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

// inProcess is the network of a server that is reached from its own process only.
const (
	inProcess      = "bufconn"
	inProcessBytes = 1 << 20
)

// InProcess serves an application to the client that it returns, and to nobody else. Closing the client stops the server
// as the end of the context of [Server.Serve] does, and waits for it.
func InProcess(ctx context.Context, app App, served Options, called DialOptions) (*Client, error) {
	server, err := NewServer(app, served)
	if err != nil {
		return nil, err
	}
	listener := bufconn.Listen(inProcessBytes)
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(serving, listener) }()

	called.TLS, called.Token = nil, nil // nobody is on the way
	c, err := connect(ctx, "passthrough:///"+inProcess, "this process", insecure.NewCredentials(), called,
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }))
	if err != nil {
		stop()
		return nil, errors.Join(err, <-ended)
	}
	c.after = func() error {
		stop()
		return <-ended
	}

	select { // who asks at once whether it is ready shall not hear that nobody has looked yet
	case <-server.looked:
		return c, nil
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("waiting for the application: %w", context.Cause(ctx)), c.Close())
	}
}
