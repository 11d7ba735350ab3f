package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/audit"
	"github.com/appbur/appbur/internal/audit/logfile"
	"github.com/appbur/appbur/internal/audit/webhook"
	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/deadpeer"
	"github.com/appbur/appbur/internal/leader"
)

// addAuditFlags adds the flags that say where audit events come from. Their values come with the configuration (runflags.go).
func addAuditFlags(command *cobra.Command) {
	f := command.Flags()
	f.String("audit-listen", "", "receive audit events at this `ADDR`, from who has a certificate (docs/who.md), such as 0.0.0.0:9443")
	f.String("audit-cert", "", "PEM `FILE` with the certificate to receive audit events with")
	f.String("audit-key", "", "PEM `FILE` with its key")
	f.String("audit-client-ca", "", "PEM `FILE` with the authority of those who may send audit events")
	f.String("audit-client-name", "", "`NAME` in the certificates of those who may send audit events (default: any)")
	f.String("audit-service", "", "write this address into the EndpointSlice of a Service without a selector, whose `NAME` this is, while this "+
		"process leads")
	f.String("audit-log", "", "follow the audit log of an API server, a `FILE` on this machine")
	f.Duration("audit-wait", configuration.DefaultAuditWait, "wait so `LONG` with a commit for audit events about its changes")
}

// auditSource is where a daemon learns who made a change. It is made by [newAuditSource].
type auditSource struct {
	// ledger is nil where no events come from anywhere.
	ledger   *audit.Ledger
	intake   *audit.Intake
	receiver func() *webhook.Receiver
	address  string
	// service leads to the receiver; it may be nil.
	service  *auditService
	follower func() *logfile.Follower
	// wanted reports whether events are for this process; nil is always.
	wanted func() bool
	now    func() time.Time
	log    *slog.Logger
}

// newAuditSource reads what events are received with, so that a fault is told before anything runs.
func newAuditSource(e *env, c configuration.Configuration, log *slog.Logger) (*auditSource, error) {
	a := &auditSource{now: e.now, log: log}
	w := c.Audit.Webhook
	if err := checkAuditService(w); err != nil {
		return nil, err
	}
	switch certified := w.Cert != "" && w.Key != "" && w.ClientCA != ""; {
	case w.Listen != "" && !certified:
		return nil, &usageError{appbur.WithHint(errors.New("audit events are received over HTTPS with client certificates only"),
			"add --audit-cert, --audit-key and --audit-client-ca, or audit.webhook.cert, key and clientCA (docs/who.md)")}
	case w.Listen == "" && (w.Cert != "" || w.Key != "" || w.ClientCA != "" || w.ClientName != ""):
		return nil, &usageError{appbur.WithHint(errors.New("there are certificates for audit events, and nothing listens"),
			"add --audit-listen or audit.webhook.listen, such as 0.0.0.0:9443")}
	case w.Listen == "" && c.Audit.Log == "":
		return a, nil
	}
	a.ledger = audit.NewLedger(audit.Limits{}, e.now)
	a.intake = audit.NewIntake(a.ledger, e.now)
	if w.Listen != "" {
		address, err := parseAddress("the address to receive audit events at", "9443", w.Listen)
		if err != nil {
			return nil, err
		}
		o := webhook.Options{Certificate: w.Cert, Key: w.Key, ClientCA: w.ClientCA, Log: log}
		if w.ClientName != "" {
			o.Names = []string{w.ClientName}
		}
		a.address, a.receiver = address, func() *webhook.Receiver {
			o.Wanted = a.wanted
			return webhook.New(a.intake, o)
		}
		if err := a.receiver().Check(); err != nil {
			return nil, appbur.WithHint(err, "docs/who.md says how the certificates are made")
		}
	}

	if c.Audit.Log != "" {
		o := logfile.Options{Path: c.Audit.Log, State: filepath.Clean(c.Repository.Path) + ".audit-log", Log: log, Hint: auditLogHint}
		o.Again = auditAgain
		a.follower = func() *logfile.Follower { return logfile.New(a.intake, o) }
	}
	return a, nil
}

// auditAgain is how much of an audit log is read again after a restart: what was learned of a change takes some seconds to be
// noted, with an upper bound for one that waits for the next commit.
const auditAgain = time.Minute

// auditLogHint is the next step after an audit log that cannot be read.
func auditLogHint(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "API servers write logs that only root reads: let the group of this process read the directory, or use --audit-listen (docs/who.md)"
	case errors.Is(err, fs.ErrNotExist):
		return "an API server writes it on its own machine, if it has --audit-policy-file and --audit-log-path (docs/who.md)"
	default:
		return appbur.HintOf(err)
	}
}

// during has events come while work is done. Who stands by receives none, so that they all go to the one who needs them.
func (a *auditSource) during(work leader.Work) leader.Work {
	if a.ledger == nil {
		return work
	}
	return func(ctx context.Context) error {
		beside, stop := context.WithCancel(context.WithoutCancel(ctx))
		var running sync.WaitGroup
		defer running.Wait()
		defer stop()

		if a.receiver != nil {
			listener, err := deadpeer.ListenConfig().Listen(ctx, "tcp", a.address)
			if err != nil {
				return fmt.Errorf("receiving audit events: %w", err)
			}
			end, err := a.receive(ctx, listener, &running)
			if err != nil {
				return err
			}
			defer end()
			// What is taken in from now on may be about what this process does not commit any more.
			defer context.AfterFunc(ctx, end)()
		}

		if a.follower != nil {
			running.Go(func() { a.follower().Run(beside) })
		}
		running.Go(func() { a.attend(beside) })
		return work(ctx)
	}
}

// receive takes events at a listener until the returned function is called.
func (a *auditSource) receive(ctx context.Context, listener net.Listener, running *sync.WaitGroup) (end func(), err error) {
	leave := func() {}
	if a.service != nil {
		if leave, err = a.service.hold(ctx, listener); err != nil {
			return nil, errors.Join(err, listener.Close())
		}
	}
	receiver := a.receiver()
	a.log.Info("receiving audit events", "address", listener.Addr().String())
	running.Go(func() {
		if err := receiver.Serve(listener); err != nil {
			a.log.Error("audit events are not received any more", "reason", err.Error())
		}
	})
	return sync.OnceFunc(func() {
		receiver.Close()
		leave()
	}), nil
}

// attendEvery is how often it is asked whether the source still lives.
const attendEvery = 2 * time.Second

// attend tells once that a source brings nothing any more although the cluster changes, and once that it does again.
func (a *auditSource) attend(ctx context.Context) {
	ticker := time.NewTicker(attendEvery)
	defer ticker.Stop()
	told := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		since, silent := a.ledger.Silent()
		switch {
		case silent && !told:
			a.log.Warn("no audit events come any more although the cluster changes; who made a change is not known until they do",
				"last", since.UTC().Format(time.RFC3339), "hint", "docs/run.md#appburauditsilent")
		case !silent && told:
			a.log.Info("audit events come again")
		}
		told = silent
	}
}

// state is what metrics show.
func (a *auditSource) state() (taken audit.Taken, counts audit.Counts, silent bool) {
	_, silent = a.ledger.Silent()
	return a.intake.Taken(), a.ledger.Counts(), silent
}
