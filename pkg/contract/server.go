package contract

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// ErrPlaintext refuses to serve or dial TCP without TLS.
var ErrPlaintext = errors.New("the contract needs TLS over TCP")

// The times of the transport. Callers ping every 30 seconds, so that a peer that
// vanished without a word is noticed within 45; the server allows that.
const (
	pingInterval  = 30 * time.Second
	pingTimeout   = 15 * time.Second
	pingAllowed   = 20 * time.Second
	readyInterval = 5 * time.Second
	// maxStreams is how many calls one connection may have under way; more wait.
	maxStreams = 64
)

// Server serves the contract for one application.
type Server struct {
	service *service
	options Options
	// looked is closed when the application was asked for the first time whether it is ready.
	looked     chan struct{}
	lookedOnce sync.Once
}

// NewServer checks the application's description and prepares the spool
// directory. It opens no connection.
func NewServer(app App, o Options) (*Server, error) {
	o = o.withDefaults()
	service, err := newService(app, o)
	if err != nil {
		return nil, fmt.Errorf("serving the contract: %w", err)
	}
	return &Server{service: service, options: o, looked: make(chan struct{})}, nil
}

// Register adds the service to a grpc server that the application has already.
// Health, TLS, keepalive and reflection are then the application's business. The
// guard works as in Serve, except that it does not get the user behind a unix
// socket, and no token that came without TLS.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	contractpb.RegisterAppStateServer(r, s.handler())
}

// handler is the service behind what watches over it.
func (s *Server) handler() contractpb.AppStateServer {
	var inner contractpb.AppStateServer = s.service
	if s.options.Guard != nil {
		inner = guarded{s.service, s.options.Guard}
	}
	return observed{inner, s.service}
}

// Serve accepts calls until ctx ends. Then it reports NOT_SERVING, gives running
// calls and imports Options.ShutdownGrace to finish, rolls back what did not, and
// returns nil. It takes over the listener.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	transport, err := s.transport(l.Addr())
	if err != nil {
		return errors.Join(err, l.Close())
	}
	options := []grpc.ServerOption{
		grpc.Creds(transport),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingInterval, Timeout: pingTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingAllowed, PermitWithoutStream: true}),
		grpc.WaitForHandlers(true),
		grpc.MaxConcurrentStreams(maxStreams),
		grpc.ForceServerCodecV2(newChunkCodec()),
	}
	options = append(options, grpc.ChainStreamInterceptor(endWatches(ctx)))
	if s.options.Guard != nil {
		options = append(options, grpc.ChainStreamInterceptor(guarded{s.service, s.options.Guard}.besides))
	}
	server := grpc.NewServer(options...)
	s.Register(server)
	if s.options.Reflection {
		reflection.Register(server)
	}
	checks := health.NewServer()
	s.report(ctx, checks, false)
	grpc_health_v1.RegisterHealthServer(server, checks)

	ctx, cancel := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		s.watchReadiness(ctx, checks)
	}()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		checks.Shutdown()
		s.stop(ctx, server)
	}()
	err = server.Serve(l)
	cancel()
	<-stopped
	<-watched
	s.Close()
	if err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serving the contract: %w", err)
	}
	return nil
}

// transport is how calls arrive at an address.
func (s *Server) transport(address net.Addr) (credentials.TransportCredentials, error) {
	switch {
	case address.Network() == "unix":
		return unixTransport{}, nil
	case address.Network() == inProcess:
		return insecure.NewCredentials(), nil
	case s.options.TLS != nil:
		return credentials.NewTLS(modernTLS(s.options.TLS)), nil
	case !s.options.Insecure:
		return nil, appbur.WithHint(fmt.Errorf("serving at %s: %w", address, ErrPlaintext), "set TLS, or listen on a unix socket")
	case s.options.Guard != nil:
		return nil, appbur.WithHint(fmt.Errorf("serving at %s: %w: callers would show their credentials to everybody on the way", address,
			ErrPlaintext),
			"set TLS, listen on a unix socket, or serve without a guard")
	default:
		return insecure.NewCredentials(), nil
	}
}

// Close ends what outlives calls: exports that could be resumed are forgotten, an
// import that has not reached its commit point is rolled back. Serve does it;
// applications that use Register call Close when they stop.
func (s *Server) Close() {
	s.service.exports.close()
	s.service.imports.close()
}

// watchReadiness keeps the health service truthful.
func (s *Server) watchReadiness(ctx context.Context, checks *health.Server) {
	app, ok := s.service.app.(Readier)
	if !ok {
		s.report(ctx, checks, true)
		s.lookedOnce.Do(func() { close(s.looked) })
		return
	}
	ticker := time.NewTicker(readyInterval)
	defer ticker.Stop()
	for {
		s.report(ctx, checks, s.ready(ctx, app))
		s.lookedOnce.Do(func() { close(s.looked) })
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *Server) ready(ctx context.Context, app Readier) (ready bool) {
	defer func() {
		if r := recover(); r != nil {
			s.options.Log.ErrorContext(ctx, "Ready crashed", "panic", fmt.Sprintf("%T", r))
			ready = false
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, readyInterval)
	defer cancel()
	if err := app.Ready(ctx); err != nil {
		s.options.Log.WarnContext(ctx, "the application is not ready", "error", err)
		return false
	}
	return true
}

func (s *Server) report(ctx context.Context, checks *health.Server, ready bool) {
	if ctx.Err() != nil {
		return
	}
	state := grpc_health_v1.HealthCheckResponse_NOT_SERVING
	if ready {
		state = grpc_health_v1.HealthCheckResponse_SERVING
	}
	checks.SetServingStatus("", state)
	checks.SetServingStatus(contractpb.AppState_ServiceDesc.ServiceName, state)
}

// ListenAndServe serves app at "unix:///path" or "host:port" until ctx ends. A
// unix socket is made with mode 0600; one that a dead process left is replaced.
func ListenAndServe(ctx context.Context, address string, app App, o Options) error {
	server, err := NewServer(app, o)
	if err != nil {
		return err
	}
	l, err := Listen(ctx, address)
	if err != nil {
		return err
	}
	return server.Serve(ctx, l)
}

// service is the contract itself, without transport.
type service struct {
	contractpb.UnimplementedAppStateServer

	app        App
	options    Options
	instance   string
	datasets   []*definition // each after those it depends on
	operations *operationLog
	exports    *exports
	imports    *imports
	ended      endedOperations
	// verifies holds a value per call of Verify that runs.
	verifies chan struct{}
}

func newService(app App, o Options) (*service, error) {
	if err := checkApp(app, o); err != nil {
		return nil, err
	}

	definitions := make([]*definition, len(o.Datasets))
	for i, d := range o.Datasets {
		var err error
		if definitions[i], err = newDefinition(d); err != nil {
			return nil, err
		}
		definitions[i].maxRow = o.MaxRowBytes
	}

	ordered, err := inDependencyOrder(definitions)
	if err != nil {
		return nil, err
	}
	if o.SpoolDir != "" {
		if err := os.MkdirAll(o.SpoolDir, 0o700); err != nil {
			return nil, appbur.WithHint(fmt.Errorf("preparing the spool directory: %w", err),
				"the directory for spooled payloads must be one that this user can make files in")
		}
	}

	operations, err := openOperationLog(o.SpoolDir, o.Log)
	if err != nil {
		return nil, err
	}
	s := &service{
		app: app, options: o, datasets: ordered, operations: operations, verifies: make(chan struct{}, o.MaxExports),
	}
	s.exports, s.imports = &exports{service: s}, &imports{service: s}
	o.Metrics.Serving(s.current)
	s.instance, err = s.randomName()
	return s, err
}

func checkApp(app App, o Options) error {
	const longestVersion = 128
	switch {
	case app == nil:
		return errors.New("there is no application")
	case len(o.Datasets) == 0:
		return errors.New("the application has no dataset")
	case o.Version == "" || len(o.Version) > longestVersion:
		return fmt.Errorf("application version %q: want 1 to %d characters", o.Version, longestVersion)
	}
	if o.Heartbeat > longestHeartbeat {
		return fmt.Errorf("a heartbeat of %s: want at most %s", o.Heartbeat, longestHeartbeat)
	}
	return checkAppID(o.ID)
}

func (s *service) randomName() (string, error) {
	var raw [12]byte
	if _, err := io.ReadFull(s.options.Rand, raw[:]); err != nil {
		return "", fmt.Errorf("reading randomness: %w", err)
	}
	return hex.EncodeToString(raw[:]), nil
}

func (s *service) dataset(name string) (*definition, error) {
	for _, d := range s.datasets {
		if d.Name == name {
			return d, nil
		}
	}
	return nil, NewError(ReasonUnknownDataset, "%s has no dataset %q", s.options.ID, name).With("dataset", name)
}
