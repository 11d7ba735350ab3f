package contracttest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// options describe the application of these tests: teams, members that belong to
// a team, and secret tokens. Version 1.0 of members had a nickname.
func options() contract.Options {
	return contract.Options{
		ID: "roster", Version: "2.0.0", Heartbeat: 100 * time.Millisecond,
		Datasets: []contract.Dataset{
			{
				Name: "members", Description: "People and the team they belong to.", Schema: "2.0", Reads: ">= 1.0, < 3.0", Clear: true,
				Key: []string{"team", "number"}, DependsOn: []string{"teams"},
				Upcasts: []contract.Upcast{{From: "1.0", To: "2.0", Changes: []contract.Change{
					{Op: contract.OpRename, Path: "/name", To: "/fullName"},
					{Op: contract.OpMove, Path: "/city", To: "/address/city"},
					{Op: contract.OpAdd, Path: "/active", Value: json.RawMessage(`true`)},
					{Op: contract.OpDrop, Path: "/nickname", Reason: "nobody used it"},
				}}},
			},
			{
				Name: "teams", Description: "Teams.", Schema: "1.0", Key: []string{"team"}, Clear: true, Fields: []string{"team"},
				UnknownFields: contract.ReportUnknown,
			},
			{
				Name: "tokens", Description: "Secrets.", Schema: "1.0", Key: []string{"name"}, Fields: []string{"name", "token"},
				UnknownFields: contract.RefuseUnknown,
			},
		},
	}
}

func roster() map[string][]contract.Row {
	teams := []contract.Row{contract.Row(`{"team":"blue"}`), contract.Row(`{"team":"red"}`)}
	var members, tokens []contract.Row
	for _, team := range []string{"blue", "red"} {
		for number := range 90 {
			members = append(members, contract.Row(fmt.Sprintf(
				`{"number":%d,"team":%q,"fullName":"Member %d","address":{"city":%q},"active":true}`, number+1, team, number,
				strings.Repeat("x", number))))
		}
		tokens = append(tokens, contract.Row(fmt.Sprintf(`{"name":%q,"token":"secret of %s"}`, team, team)))
	}
	return map[string][]contract.Row{"teams": teams, "members": members, "tokens": tokens}
}

func older() []contracttest.Payload {
	return []contracttest.Payload{{Release: "1.0", Datasets: []contracttest.PayloadDataset{
		{Name: "teams", Schema: "1.0", Data: []byte("{\"team\":\"blue\"}\n"), Want: []byte("{\"team\":\"blue\"}\n")},
		{
			Name: "members", Schema: "1.0", Drops: true,
			Data: []byte("{\"city\":\"Oslo\",\"name\":\"Ada\",\"nickname\":\"A\",\"number\":1,\"team\":\"blue\"}\n{\"name\":\"Bo\",\"number\":2,\"team\":\"blue\"}\n"),
			Want: []byte("{\"active\":true,\"address\":{\"city\":\"Oslo\"},\"fullName\":\"Ada\",\"number\":1,\"team\":\"blue\"}\n{\"active\":true,\"fullName\":\"Bo\",\"number\":2,\"team\":\"blue\"}\n"),
		},
	}}}
}

// club is the good application: a memory with everything that an application can
// have besides rows.
type club struct {
	*contracttest.Memory
	slow          atomic.Int64
	unready, full atomic.Bool
	created       atomic.Int64
}

func newClub() *club { return &club{Memory: contracttest.NewMemory(roster())} }

// Ready implements contract.Readier.
func (c *club) Ready(context.Context) error {
	if c.unready.Load() {
		return errors.New("the store is away")
	}
	return nil
}

// Fingerprint implements contract.Fingerprinter.
func (c *club) Fingerprint(_ context.Context, dataset string) ([]byte, error) {
	digest := sha256.New()
	for _, row := range c.Rows(dataset) {
		canonical, err := contract.Canonical(row)
		if err != nil {
			return nil, err
		}
		digest.Write(append(canonical, '\n'))
	}
	return digest.Sum(nil), nil
}

type clubView struct {
	contract.Snapshot
	wait time.Duration
}

func (c *club) Snapshot(ctx context.Context) (contract.Snapshot, error) {
	view, err := c.Memory.Snapshot(ctx)
	return clubView{view, time.Duration(c.slow.Load())}, err
}

// Rows takes its time before the first row of the first dataset.
func (v clubView) Rows(ctx context.Context, dataset string) iter.Seq2[contract.Row, error] {
	if dataset == "teams" && v.wait > 0 {
		select {
		case <-time.After(v.wait):
		case <-ctx.Done():
		}
	}
	return v.Snapshot.Rows(ctx, dataset)
}

type clubTransaction struct{ contract.Rereader }

func (c *club) Begin(ctx context.Context) (contract.Transaction, error) {
	if c.full.Load() {
		return nil, fmt.Errorf("writing: %w", syscall.ENOSPC)
	}
	tx, err := c.Memory.Begin(ctx)
	return clubTransaction{tx.(contract.Rereader)}, err
}

// Replace refuses members without a team and tokens that are no text.
func (t clubTransaction) Replace(ctx context.Context, dataset string, rows iter.Seq2[contract.Row, error]) error {
	if err := t.Rereader.Replace(ctx, dataset, rows); err != nil || dataset == "teams" {
		return err
	}

	var teams []string
	for row, err := range t.Rows(ctx, "teams") {
		var r struct{ Team string }
		if err = errors.Join(err, json.Unmarshal(row, &r)); err != nil {
			return err
		}
		teams = append(teams, r.Team)
	}

	if dataset != "members" {
		return nil
	}

	for row, err := range t.Rows(ctx, dataset) {
		var r struct{ Team string }
		if err = errors.Join(err, json.Unmarshal(row, &r)); err != nil {
			return err
		}
		if !slices.Contains(teams, r.Team) {
			return contract.NewError(contract.ReasonConstraintViolation, "a member has no team").With("dataset", dataset).With("constraint", "team")
		}
	}

	return nil
}

// create adds a team, as the application itself would.
func (c *club) create(ctx context.Context) error {
	rows := append(c.Rows("teams"), contract.Row(fmt.Sprintf(`{"team":"zz%d"}`, c.created.Add(1))))
	tx, err := c.Memory.Begin(ctx)
	if err != nil {
		return err
	}
	err = tx.Replace(ctx, "teams", func(yield func(contract.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// hooked serves a club with every hook there is, in a process that can be killed.
func hooked(ctx context.Context) (*contracttest.Instance, error) {
	c := newClub()
	log := &safeBuffer{}
	o := options()
	o.Log = slog.New(slog.NewTextHandler(log, nil))
	o.ExportLease, o.MaxExports = 2*time.Second, 3
	p := newProcess(c, o)
	if err := p.start(ctx); err != nil {
		return nil, err
	}
	instance := p.instance()
	instance.Slow = func(_ context.Context, d time.Duration) error { c.slow.Store(int64(d)); return nil }
	instance.Backend = func(_ context.Context, there bool) error { c.unready.Store(!there); return nil }
	instance.FillDisk = func(_ context.Context, full bool) error { c.full.Store(full); return nil }
	instance.Logs = func() (string, error) { return log.String(), nil }
	return instance, nil
}

// mutable serves a club that changes its state by itself.
func mutable(ctx context.Context) (*contracttest.Instance, error) {
	c := newClub()
	instance, err := contracttest.InProcess(func() (contract.App, contract.Options, error) { return c, options(), nil })(ctx)
	if err == nil {
		instance.Mutate = c.create
	}
	return instance, err
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
