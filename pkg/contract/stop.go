package contract

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
)

// stop ends a server in order: no new calls, then what runs has time to finish.
// What has not by then is cut off, and rolled back when the service is closed.
func (s *Server) stop(ctx context.Context, server *grpc.Server) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(s.options.ShutdownGrace, 0))
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.GracefulStop()
	}()
	select {
	case <-done:
	case <-ctx.Done():
		server.Stop()
		<-done
	}
	// An import does not need its caller after the commit message.
	s.service.imports.drain(ctx)
}

// drain waits until nothing is applied any more, or ctx ends. No call may come in.
func (i *imports) drain(ctx context.Context) {
	for _, x := range i.applied() {
		select {
		case <-x.done:
		case <-ctx.Done():
			return
		}
	}
}

// applied are the imports that do not wait for a caller.
func (i *imports) applied() []*importSession {
	i.mu.Lock()
	defer i.mu.Unlock()
	var list []*importSession
	for _, x := range i.sessions {
		x.mu.Lock()
		applying := x.applying
		x.mu.Unlock()
		if applying {
			list = append(list, x)
		}
	}
	return list
}

// lastWord is how long a health watch may last after the server began to stop.
const lastWord = time.Second

// endWatches ends health watches when ctx does. They have no end of their own, and
// would use up the time that calls have to finish.
func endWatches(ctx context.Context) grpc.StreamServerInterceptor {
	return func(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		if info.FullMethod != grpc_health_v1.Health_Watch_FullMethodName {
			return handler(server, stream)
		}
		watching, end := context.WithCancel(stream.Context())
		defer end()
		defer context.AfterFunc(ctx, func() { time.AfterFunc(lastWord, end) })()
		return handler(server, watch{stream, watching, ctx, end})
	}
}

// watch is a stream that ends once it said that the server stops.
type watch struct {
	grpc.ServerStream
	watching context.Context
	serving  context.Context
	end      func()
}

// Context returns the context that ends early.
func (w watch) Context() context.Context { return w.watching }

// SendMsg sends one state.
func (w watch) SendMsg(m any) error {
	err := w.ServerStream.SendMsg(m)
	if w.serving.Err() != nil {
		w.end()
	}
	return err
}
