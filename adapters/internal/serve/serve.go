package serve

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"syscall"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// Served is an opened adapter and what it is served as.
type Served struct {
	App         contract.App
	ID, Version string
	Datasets    []contract.Dataset
}

// Open opens the adapter that a configuration describes.
type Open func(ctx context.Context, log *slog.Logger) (Served, error)

// Parse reads a configuration.
type Parse func(config []byte) (Open, error)

// The exit codes, which are those of the appbur command.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 64
)

// Program is one run of an adapter's command.
type Program struct {
	Name string
	// About says in one sentence what the command serves.
	About          string
	Args           []string // without the name
	Stdout, Stderr io.Writer
}

type flags struct {
	config, contract          string
	tlsCert, tlsKey, clientCA string
	spool                     string
	insecure                  bool
	callers                   callers
}

// Main serves until ctx ends and returns the exit code. When calls are accepted it
// prints one line, "ready ADDRESS", on stdout.
func Main(ctx context.Context, p Program, parse Parse) int {
	f, err := p.parse()
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	if err != nil {
		p.report(err)
		return exitUsage
	}
	if err := run(ctx, p, f, parse); err != nil {
		p.report(err)
		return exitFailed
	}
	return exitDone
}

// report says what is wrong and what to do. What the operating system says of files has
// a hint of its own.
func (p Program) report(err error) {
	fmt.Fprintf(p.Stderr, "%s: error: %v\n", p.Name, err)
	hint := appbur.HintOf(err)
	if hint == "" {
		hint = appbur.FileHint(err)
	}
	if hint != "" {
		fmt.Fprintf(p.Stderr, "%s: hint: %s\n", p.Name, hint)
	}
}

func (p Program) parse() (flags, error) {
	var f flags
	set := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.Usage = func() {} // a mistake is told in one line
	set.StringVar(&f.config, "config", "", "`file` that says what is served")
	set.StringVar(&f.contract, "contract", "", "`address` to serve at: unix:///path or host:port")
	set.StringVar(&f.tlsCert, "tls-cert", "", "`file` with the server's certificate; needed for host:port")
	set.StringVar(&f.tlsKey, "tls-key", "", "`file` with the certificate's key")
	set.StringVar(&f.clientCA, "client-ca", "",
		"`file` with the authorities whose client certificates may export and import, or those of them that --export-name and --import-name name; needed for host:port")
	set.StringVar(&f.spool, "spool-dir", "", "`directory` for bytes of running imports and results of finished ones")
	set.BoolVar(&f.insecure, "insecure", false,
		"serve host:port without TLS, or without asking for client certificates: whoever reaches the port reads and replaces the data")

	f.callers.add(set)
	err := set.Parse(p.Args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(p.Stderr, "Usage: %s --config FILE --contract ADDRESS [flags]\n\n%s\n\n", p.Name, p.About)
		set.SetOutput(p.Stderr)
		set.PrintDefaults()
		return flags{}, err
	}

	if err == nil {
		err = f.check(set.Args())
	}
	if err != nil && appbur.HintOf(err) == "" {
		err = appbur.WithHint(flagFault(err), fmt.Sprintf("run `%s --help`", p.Name))
	}
	return f, err
}

// check refuses what does not go together.
func (f flags) check(args []string) error {
	const needed = "--config FILE says what is served, --contract ADDRESS where: unix:///path or host:port"
	switch {
	case len(args) > 0:
		return fmt.Errorf("%q is no flag, and there are no arguments", args[0])
	case f.config == "" || f.contract == "":
		return appbur.WithHint(errors.New("--config and --contract are needed"), needed)
	case (f.tlsCert == "") != (f.tlsKey == ""):
		return appbur.WithHint(errors.New("--tls-cert and --tls-key go together"), pairHint)
	case f.clientCA != "" && f.tlsCert == "":
		return appbur.WithHint(errors.New("--client-ca needs --tls-cert and --tls-key"),
			"callers show their certificates to a server that has one itself")
	}
	return nil
}

const pairHint = "--tls-cert and --tls-key take PEM files that belong together"

// The words of the parser for flags that have a wrong value or none.
var (
	wrongBool   = regexp.MustCompile(`^invalid boolean value ("(?s:.*)") for -(\S+): parse error$`)
	unknownFlag = regexp.MustCompile(`^flag provided but not defined: -(\S+)$`)
	noValue     = regexp.MustCompile(`^flag needs an argument: -(\S+)$`)
)

// flagFault says it in the words of the command line.
func flagFault(err error) error {
	text := err.Error()
	if m := wrongBool.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("--%s: %s is not true or false", m[2], m[1])
	}
	if m := unknownFlag.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("unknown flag: --%s", m[1])
	}
	if m := noValue.FindStringSubmatch(text); m != nil {
		return fmt.Errorf("--%s needs a value", m[1])
	}
	return err
}

func run(ctx context.Context, p Program, f flags, parse Parse) error {
	data, err := os.ReadFile(f.config)
	if err != nil {
		return appbur.WithHint(fmt.Errorf("reading the configuration: %w", err), "--config names the YAML file that says what is served")
	}
	open, err := parse(data)
	if err != nil {
		return fmt.Errorf("%s: %w", f.config, err)
	}
	secure, err := f.tls()
	if err != nil {
		return err
	}
	guard, err := f.callers.guard(f.clientCA != "")
	if err != nil {
		return err
	}

	log := slog.New(slog.NewTextHandler(p.Stderr, nil))
	served, err := open(ctx, log)
	if err != nil {
		return err
	}
	server, err := contract.NewServer(served.App, contract.Options{
		ID: served.ID, Version: served.Version, Datasets: served.Datasets,
		SpoolDir: f.spool, TLS: secure, Insecure: f.insecure, Guard: guard, Log: log,
	})
	if err != nil {
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTDIR) {
			return appbur.WithHint(err, "--spool-dir takes a directory in which this user can make files")
		}
		return err
	}
	listener, err := contract.Listen(ctx, f.contract)
	if err != nil {
		return fmt.Errorf("--contract: %w", err)
	}
	if _, err := fmt.Fprintln(p.Stdout, "ready", f.contract); err != nil {
		return errors.Join(fmt.Errorf("saying that the server is ready: %w", err), listener.Close())
	}
	return server.Serve(ctx, listener)
}

const clientCAHint = "--client-ca takes a PEM file with the certificates of those who sign for callers"

// tls returns nil when no certificate was given.
func (f flags) tls() (*tls.Config, error) {
	if f.tlsCert == "" {
		return nil, nil
	}
	if f.clientCA == "" && !f.insecure && !f.callers.byToken() {
		return nil, appbur.WithHint(errors.New("serving with TLS needs a way to tell who calls"),
			"give --client-ca, or tokens with --export-token and --import-token, serve at a unix socket, or say --insecure")
	}
	certificate, err := tls.LoadX509KeyPair(f.tlsCert, f.tlsKey)
	if err != nil {
		return nil, appbur.WithHint(fmt.Errorf("reading the certificate: %w", err), pairHint)
	}

	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	if f.clientCA != "" {
		pem, err := os.ReadFile(f.clientCA)
		if err != nil {
			return nil, appbur.WithHint(fmt.Errorf("reading the client authorities: %w", err), clientCAHint)
		}
		config.ClientCAs = x509.NewCertPool()
		if !config.ClientCAs.AppendCertsFromPEM(pem) {
			return nil, appbur.WithHint(fmt.Errorf("reading the client authorities: %s holds no certificate", f.clientCA), clientCAHint)
		}
		config.ClientAuth = tls.RequireAndVerifyClientCert
		if f.callers.byToken() {
			config.ClientAuth = tls.VerifyClientCertIfGiven // who shows none may show a token
		}
	}
	return config, nil
}
