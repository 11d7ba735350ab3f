package program

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// Fleet is one version of the service with an open database.
type Fleet interface {
	contract.App
	Datasets() []contract.Dataset
	// Handler is the HTTP API.
	Handler() http.Handler
	// Seed fills an empty database with n made-up clusters; one that is not empty
	// stays as it is.
	Seed(ctx context.Context, n int) error
	Close() error
}

// Version is one release of the service.
type Version struct {
	Name string // of the command
	App  string // the application's version
	Open func(ctx context.Context, file string) (Fleet, error)
}

// AppID names the service in the contract, whatever its version.
const AppID = "fleet"

// The exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 64
)

// shutdownTimeout is what running requests get to finish.
const shutdownTimeout = 10 * time.Second

type flags struct {
	db, http, contract string
	tlsCert, tlsKey    string
	clientCA           string
	spool              string
	seed               int
}

// Main serves until ctx ends and returns the exit code. Once both servers accept
// connections it prints one line on stdout, "ready" followed by the addresses.
func Main(ctx context.Context, v Version, args []string, stdout, stderr io.Writer) int {
	f, err := parse(v, args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	if err != nil {
		return exitUsage
	}
	if err := run(ctx, v, f, stdout, slog.New(slog.NewTextHandler(stderr, nil))); err != nil {
		fmt.Fprintf(stderr, "%s: error: %v\n", v.Name, err)
		if hint := appbur.HintOf(err); hint != "" {
			fmt.Fprintf(stderr, "%s: hint: %s\n", v.Name, hint)
		}
		return exitFailed
	}
	return exitDone
}

func parse(v Version, args []string, stderr io.Writer) (flags, error) {
	var f flags
	set := flag.NewFlagSet(v.Name, flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&f.db, "db", "fleet.db", "database `file`, made when it is missing")
	set.StringVar(&f.http, "http", "127.0.0.1:8080", "`address` of the HTTP API; empty for none")
	set.StringVar(&f.contract, "contract", "", "`address` of the appbur contract: unix:///path or host:port; empty for none")
	set.StringVar(&f.tlsCert, "tls-cert", "", "`file` with the certificate for the contract at host:port")

	set.StringVar(&f.tlsKey, "tls-key", "", "`file` with the certificate's key")
	set.StringVar(&f.clientCA, "client-ca", "",
		"`file` with the authorities whose client certificates may call the contract; without it anybody who reaches the port may")
	set.StringVar(&f.spool, "spool-dir", "", "`directory` for running imports and results of finished ones")
	set.IntVar(&f.seed, "seed", 0, "fill an empty database with this `number` of made-up clusters")
	if err := set.Parse(args); err != nil {
		return flags{}, err
	}

	if set.NArg() > 0 || f.seed < 0 || (f.tlsCert == "") != (f.tlsKey == "") || (f.clientCA != "" && f.tlsCert == "") ||
		(f.http == "" && f.contract == "") {
		fmt.Fprintf(stderr,
			"%s: one of --http and --contract is needed, --tls-cert and --tls-key go together, --seed is not negative, and there are no arguments\n",
			v.Name)
		return flags{}, errors.New("usage")
	}

	return f, nil
}

func run(ctx context.Context, v Version, f flags, stdout io.Writer, log *slog.Logger) (err error) {
	fleet, err := v.Open(ctx, f.db)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fleet.Close()) }()
	if f.seed > 0 {
		if err := fleet.Seed(ctx, f.seed); err != nil {
			return fmt.Errorf("filling the database: %w", err)
		}
	}

	// Both addresses are taken before anything is served, so that a failure here
	// leaves nothing running.
	servers, ctx := errgroup.WithContext(ctx)
	ready := "ready"
	var starts []func() error

	if f.contract != "" {
		server, listener, err := f.contractServer(ctx, v, fleet, log)
		if err != nil {
			return err
		}
		defer func() { _ = listener.Close() }() // serving has closed it already
		starts = append(starts, func() error { return server.Serve(ctx, listener) })
		ready += " contract=" + f.contract
	}

	if f.http != "" {
		var config net.ListenConfig
		listener, err := config.Listen(ctx, "tcp", f.http)
		if err != nil {
			return fmt.Errorf("serving HTTP: %w", err)
		}
		defer func() { _ = listener.Close() }() // serving has closed it already
		starts = append(starts, func() error { return serveHTTP(ctx, listener, fleet.Handler()) })
		ready += " http=" + listener.Addr().String()
	}

	if _, err := fmt.Fprintln(stdout, ready); err != nil {
		return fmt.Errorf("saying that the service is ready: %w", err)
	}
	for _, start := range starts {
		servers.Go(start)
	}
	return servers.Wait()
}

func (f flags) contractServer(ctx context.Context, v Version, fleet Fleet, log *slog.Logger) (*contract.Server, net.Listener, error) {
	options := contract.Options{ID: AppID, Version: v.App, Datasets: fleet.Datasets(), SpoolDir: f.spool, Log: log}
	if f.tlsCert != "" {
		certificate, err := tls.LoadX509KeyPair(f.tlsCert, f.tlsKey)
		if err != nil {
			return nil, nil, fmt.Errorf("reading the certificate: %w", err)
		}
		options.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}

	if f.clientCA != "" {
		pem, err := os.ReadFile(f.clientCA)
		if err != nil {
			return nil, nil, fmt.Errorf("reading the client authorities: %w", err)
		}
		options.TLS.ClientCAs = x509.NewCertPool()
		if !options.TLS.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, nil, fmt.Errorf("reading the client authorities: %s holds no certificate", f.clientCA)
		}
		options.TLS.ClientAuth = tls.RequireAndVerifyClientCert
	}

	server, err := contract.NewServer(fleet, options)
	if err != nil {
		return nil, nil, err
	}
	listener, err := contract.Listen(ctx, f.contract)
	return server, listener, err
}

func serveHTTP(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: shutdownTimeout}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		stopped <- server.Shutdown(ctx)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving HTTP: %w", err)
	}
	return <-stopped
}
