package contracttest_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contractpb"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// brokenApplication must be caught by the cases named.
type brokenApplication struct {
	start  func(context.Context) (*contracttest.Instance, error)
	caught []string
	config func(*contracttest.Config)
}

// brokenApplications has, for every case of the kit, an application that the case
// must catch. A case that catches nothing proves nothing.
var brokenApplications = map[string]brokenApplication{
	"an answer of GetInfo that counts the calls": {start: liar(lies{info: counting()}), caught: []string{"INFO-001"}},
	"a server that refuses unknown fields":       {start: liar(lies{refuse: refuseUnknown}), caught: []string{"INFO-002"}},
	"a version mismatch without versions":        {start: liar(lies{fail: withoutMetadata}), caught: []string{"INFO-003", "IMP-009"}},
	"a limit of zero": {
		start:  liar(lies{info: func(r *contractpb.GetInfoResponse) { r.Limits.MaxRowBytes = 0 }}),
		caught: []string{"INFO-004"},
	},
	"no health service":                       {start: liar(lies{noHealth: true}), caught: []string{"INFO-005"}},
	"health that does not follow the backend": {start: deaf, caught: []string{"INFO-005"}},
	"a capability that is served and not listed": {
		start:  liar(lies{info: func(r *contractpb.GetInfoResponse) { r.Capabilities = nil }}),
		caught: []string{"INFO-006"},
	},

	"rows that an import leaves behind": {
		start:  app(func() contract.App { return &merging{Memory: contracttest.NewMemory(roster())} }),
		caught: []string{"EXP-001", "IMP-002"},
	},
	"an export that ends with OK in the middle": {start: liar(lies{export: truncate}), caught: []string{"EXP-002", "EXP-009"}},
	"a trailer with a wrong digest":             {start: liar(lies{export: wrongDigest}), caught: []string{"EXP-003"}},
	"an export that loses a chunk":              {start: liar(lies{export: loseChunk}), caught: []string{"EXP-003"}},
	"a chunk at a wrong offset":                 {start: liar(lies{export: shiftChunk}), caught: []string{"EXP-002"}},
	"rows that differ from export to export":    {start: app(func() contract.App { return &restless{Memory: contracttest.NewMemory(roster())} }), caught: []string{"EXP-004", "EXP-005"}},
	"an export that shows later writes":         {start: liar(lies{late: true}), caught: []string{"EXP-006"}},
	"chunks as long as the application likes": {
		start:  liar(lies{exporting: func(r *contractpb.ExportRequest) { r.MaxChunkBytes = 0 }}),
		caught: []string{"EXP-007"},
	},
	"a cancelled export that is never freed": {start: liar(lies{leaky: true}), caught: []string{"EXP-008"}},
	"a resume that begins somewhere else":    {start: liar(lies{exporting: fromTheStart}), caught: []string{"EXP-010"}},
	"a resume that is a new export":          {start: killable(newClub, lies{exporting: asNew}), caught: []string{"EXP-011", "EXP-012"}},
	"a filter of datasets that is not looked at": {
		start:  liar(lies{exporting: func(r *contractpb.ExportRequest) { r.Datasets = nil }}),
		caught: []string{"EXP-013"},
	},
	"an export that times out": {start: liar(lies{timeout: 50 * time.Millisecond}), caught: []string{"EXP-014"}},
	"a silent export":          {start: silent, caught: []string{"EXP-015"}},
	"a limit of exports that is not kept": {
		start:  liar(lies{info: func(r *contractpb.GetInfoResponse) { r.Limits.MaxParallelExports = 2 }}),
		caught: []string{"EXP-016"},
	},
	"a release that fails the second time": {start: liar(lies{release: once()}), caught: []string{"EXP-017"}},
	"a fingerprint that never changes": {
		start:  liar(lies{fingerprint: func(f *contractpb.Fingerprint) { f.Token = []byte("same") }}),
		caught: []string{"EXP-018"},
	},

	"an import that reports success and does nothing": {
		start:  app(func() contract.App { return &lazy{Memory: contracttest.NewMemory(roster())} }),
		caught: []string{"EXP-001", "IMP-001", "IMP-002"},
	},
	"a result that differs from time to time": {start: liar(lies{result: miscounting()}), caught: []string{"IMP-003"}},
	"an import that is applied again":         {start: liar(lies{importing: forgetful()}), caught: []string{"IMP-004", "IMP-005", "IMP-006"}},
	"a result that a restart undoes":          {start: amnesiac, caught: []string{"IMP-007", "NET-009"}},
	"datasets that are committed one by one":  {start: killable(newHasty, lies{}), caught: []string{"IMP-007", "IMP-019"}},
	"a state that forgets what came": {
		start:  liar(lies{state: func(s *contractpb.ImportState) { s.Datasets = nil }}),
		caught: []string{"IMP-008"},
	},
	"damage that is not detected":     {start: liar(lies{importing: mended}), caught: []string{"IMP-010"}},
	"a commit that is taken on trust": {start: liar(lies{importing: trusting()}), caught: []string{"IMP-011"}},
	"rows visible before the commit": {
		start:  app(func() contract.App { return newHasty() }),
		caught: []string{"IMP-012", "IMP-013"},
	},
	"payloads that are refused without reason": {start: liar(lies{fail: anonymous}), caught: []string{"IMP-014", "NET-007"}},
	"an upcast with another outcome":           {start: liar(lies{result: miscounting()}), caught: []string{"IMP-015"}},
	"unknown fields lost without a word":       {start: forgettingFields, caught: []string{"IMP-016"}},
	"an import that hides what it dropped":     {start: liar(lies{result: hideDropped}), caught: []string{"IMP-017"}},
	"a second import that fails for no reason": {
		start:  liar(lies{fail: disguise(contract.ReasonOperationInProgress)}),
		caught: []string{"IMP-018"},
	},
	"an expectation that is ignored": {start: liar(lies{importing: func(m *contractpb.ImportRequest) {
		if m.GetOpen() != nil {
			m.GetOpen().Expected = nil
		}
	}}), caught: []string{"IMP-020"}},
	"a cancel that cancels nothing": {start: liar(lies{noCancel: true}), caught: []string{"IMP-021"}},
	"references that are not checked": {
		start:  app(func() contract.App { return contracttest.NewMemory(roster()) }),
		caught: []string{"IMP-022"},
	},
	"a fixed order of datasets":            {start: liar(lies{refuse: onlyInOrder}), caught: []string{"IMP-023"}},
	"a limit of payloads that is not kept": {start: liar(lies{info: func(r *contractpb.GetInfoResponse) { r.Limits.MaxPayloadBytes = 100_000 }}), caught: []string{"IMP-024"}},
	"a full disk that is a defect": {
		start:  lying(hooked, lies{fail: disguise(contract.ReasonNoSpace)}),
		caught: []string{"IMP-025"},
	},
	"numbers that begin again after an import":     {start: colliding, caught: []string{"IMP-026"}},
	"an error that quotes a row":                   {start: liar(quoting()), caught: []string{"IMP-027"}},
	"a log that quotes a row":                      {start: loggingRows, caught: []string{"IMP-027"}},
	"a server that serves everybody":               {start: openTLS(tls.VersionTLS12), caught: []string{"NET-001", "NET-003"}},
	"a server that speaks TLS 1.1":                 {start: openTLS(tls.VersionTLS10), caught: []string{"NET-003"}},
	"an expired token that breaks the application": {start: expiring, caught: []string{"NET-002"}},
	"a message beyond 4 MiB":                       {start: liar(lies{export: bloated}), caught: []string{"NET-004"}},
	"pings that end the connection": {
		start: liar(lies{}), caught: []string{"NET-005"},
		config: func(c *contracttest.Config) { c.Ping, c.Idle = 20*time.Millisecond, 200*time.Millisecond },
	},
	"an import that keeps its place for ever":    {start: liar(lies{leaky: true}), caught: []string{"NET-006"}},
	"a crash for a request that is wrong":        {start: liar(lies{refuse: crashing}), caught: []string{"NET-008"}},
	"an application that tires":                  {start: liar(lies{exporting: tired(60)}), caught: []string{"NET-010"}},
	"a resume that begins somewhere else, twice": {start: liar(lies{exporting: fromTheStart}), caught: []string{"NET-011"}},
}

// TestBrokenApplicationsFail proves that cases can fail.
func TestBrokenApplicationsFail(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	for name, test := range brokenApplications {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := quick(contracttest.Config{Start: test.start, Run: regexp.MustCompile("^(" + strings.Join(test.caught, "|") + ")$")})
			config.Timeout = 30 * time.Second
			if test.config != nil {
				test.config(&config)
			}
			report := contracttest.Check(t.Context(), config)
			failed := report.Failed()
			for _, id := range test.caught {
				if !slices.Contains(failed, id) {
					t.Errorf("%s caught nothing\n%s", id, report)
				}
			}
		})
	}
}

// TestEveryCaseCatchesSomething keeps the table complete.
func TestEveryCaseCatchesSomething(t *testing.T) {
	caught := map[string]bool{}
	for _, b := range brokenApplications {
		for _, id := range b.caught {
			caught[id] = true
		}
	}
	for _, id := range contracttest.IDs() {
		if !caught[id] {
			t.Errorf("no broken application is caught by %s", id)
		}
	}
}

func app(fresh func() contract.App) func(context.Context) (*contracttest.Instance, error) {
	return contracttest.InProcess(func() (contract.App, contract.Options, error) { return fresh(), options(), nil })
}

// restless exports another row every time.
type restless struct {
	*contracttest.Memory
	mu      sync.Mutex
	exports int
}

func (a *restless) Snapshot(context.Context) (contract.Snapshot, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.exports++
	row := contract.Row(fmt.Sprintf(`{"team":"export %d"}`, a.exports))
	return fixed{"teams": {row}, "members": a.Rows("members")}, nil
}

type fixed map[string][]contract.Row

func (f fixed) Rows(_ context.Context, dataset string) iter.Seq2[contract.Row, error] {
	return feed(f[dataset])
}

func (fixed) Close() error { return nil }

func feed(rows []contract.Row) iter.Seq2[contract.Row, error] {
	return func(yield func(contract.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// bare hides that the transaction of Memory can be read, so that the SDK does not
// catch the broken application before the kit does.
type bare struct{ contract.Transaction }

// hasty commits every dataset as it comes, and takes its time in between.
type hasty struct{ *contracttest.Memory }

func newHasty() *hasty { return &hasty{contracttest.NewMemory(roster())} }

type hastyTransaction struct {
	bare
	app *hasty
}

func (a *hasty) Begin(ctx context.Context) (contract.Transaction, error) {
	tx, err := a.Memory.Begin(ctx)
	return &hastyTransaction{bare{tx}, a}, err
}

func (t *hastyTransaction) Replace(ctx context.Context, dataset string, rows iter.Seq2[contract.Row, error]) error {
	var taken []contract.Row
	var failure error
	for row, err := range rows {
		if err != nil {
			failure = err
			break
		}
		taken = append(taken, slices.Clone(row))
	}
	if err := t.bare.Replace(ctx, dataset, feed(taken)); err != nil {
		return err
	}
	if err := t.Commit(ctx); err != nil {
		return err
	}
	time.Sleep(60 * time.Millisecond) // the moment at which others see half of it
	return failure
}

// merging adds nothing and keeps what is old.
type merging struct{ *contracttest.Memory }

type mergingTransaction struct {
	bare
	app *merging
}

func (a *merging) Begin(ctx context.Context) (contract.Transaction, error) {
	tx, err := a.Memory.Begin(ctx)
	return &mergingTransaction{bare{tx}, a}, err
}

func (t *mergingTransaction) Replace(ctx context.Context, dataset string, rows iter.Seq2[contract.Row, error]) error {
	for _, err := range rows {
		if err != nil {
			return err
		}
	}
	return t.bare.Replace(ctx, dataset, feed(t.app.Rows(dataset)))
}

// lazy takes all rows and keeps none.
type lazy struct{ *contracttest.Memory }

type lazyTransaction struct{ bare }

func (a *lazy) Begin(ctx context.Context) (contract.Transaction, error) {
	tx, err := a.Memory.Begin(ctx)
	return lazyTransaction{bare{tx}}, err
}

func (lazyTransaction) Commit(context.Context) error { return nil }

// deaf is a club whose health does not follow it.
func deaf(ctx context.Context) (*contracttest.Instance, error) {
	instance, err := hooked(ctx)
	if err == nil {
		instance.Backend = func(context.Context, bool) error { return nil }
	}
	return instance, err
}

// silent is a club that is slow and says nothing meanwhile.
func silent(ctx context.Context) (*contracttest.Instance, error) {
	c := newClub()
	o := options()
	o.Heartbeat = 10 * time.Second
	instance, err := contracttest.InProcess(func() (contract.App, contract.Options, error) { return c, o, nil })(ctx)
	if err == nil {
		instance.Slow = func(_ context.Context, d time.Duration) error { c.slow.Store(int64(d)); return nil }
	}
	return instance, err
}

// amnesiac serves a club whose store dies with the process.
func amnesiac(ctx context.Context) (*contracttest.Instance, error) {
	p := newProcess(newClub(), options())
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	instance := p.instance()
	instance.Restart = func(ctx context.Context) error {
		p.store = newClub()
		return p.start(ctx)
	}
	return instance, nil
}

// killable serves an application behind a liar, with processes that can be killed.
func killable[A contract.App](fresh func() A, l lies) func(context.Context) (*contracttest.Instance, error) {
	return lying(func(ctx context.Context) (*contracttest.Instance, error) {
		p := newProcess(fresh(), options())
		if err := p.start(ctx); err != nil {
			return nil, err
		}
		return p.instance(), nil
	}, l)
}

// forgettingFields takes rows with unknown fields and keeps the fields that it knows.
func forgettingFields(ctx context.Context) (*contracttest.Instance, error) {
	return contracttest.InProcess(func() (contract.App, contract.Options, error) {
		o := options()
		for i := range o.Datasets {
			o.Datasets[i].Fields, o.Datasets[i].UnknownFields = nil, contract.KeepUnknown
		}
		return &forgetting{contracttest.NewMemory(roster())}, o, nil
	})(ctx)
}

type forgetting struct{ *contracttest.Memory }

type forgettingTransaction struct{ bare }

func (a *forgetting) Begin(ctx context.Context) (contract.Transaction, error) {
	tx, err := a.Memory.Begin(ctx)
	return forgettingTransaction{bare{tx}}, err
}

func (t forgettingTransaction) Replace(ctx context.Context, dataset string, rows iter.Seq2[contract.Row, error]) error {
	var known []contract.Row
	for row, err := range rows {
		if err != nil {
			return err
		}
		text := strings.Replace(string(row), `,"~of-a-later-release":"x"`, "", 1)
		known = append(known, contract.Row(text))
	}
	return t.bare.Replace(ctx, dataset, feed(known))
}

// colliding is a club that cannot create anything after an import.
func colliding(ctx context.Context) (*contracttest.Instance, error) {
	instance, err := mutable(ctx)
	if err == nil {
		instance.Mutate = func(context.Context) error { return fmt.Errorf("duplicate key: 1") }
	}
	return instance, err
}

// loggingRows is a club whose log holds what came.
func loggingRows(ctx context.Context) (*contracttest.Instance, error) {
	log := &safeBuffer{}
	instance, err := lying(hooked, lies{importing: func(m *contractpb.ImportRequest) {
		fmt.Fprintf(log, "%s", m.GetChunk().GetData())
	}})(ctx)
	if err == nil {
		instance.Logs = func() (string, error) { return log.String(), nil }
	}
	return instance, err
}

// expiring fails with the wrong code when its token expires.
func expiring(ctx context.Context) (*contracttest.Instance, error) {
	var mu sync.Mutex
	expired := false
	instance, err := liar(lies{export: func(m *contractpb.ExportResponse) ([]*contractpb.ExportResponse, error) {
		mu.Lock()
		defer mu.Unlock()
		if expired {
			return nil, contract.NewError(contract.ReasonAppFailed, "token expired")
		}
		return []*contractpb.ExportResponse{m}, nil
	}})(ctx)
	if err == nil {
		instance.Credentials = token{}
		instance.Expire = func(context.Context) error {
			mu.Lock()
			defer mu.Unlock()
			expired = true
			return nil
		}
	}

	return instance, err
}

// token is a bearer token that may go over a unix socket.
type token struct{}

func (token) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer x"}, nil
}
func (token) RequireTransportSecurity() bool { return false }

var _ credentials.PerRPCCredentials = token{}
