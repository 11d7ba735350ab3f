//go:build integration

package cli

import (
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// ledgers are applications of which two wait for others: one by its Service, one by a flag.
const ledgers = `
{apiVersion: v1, kind: Namespace, metadata: {name: bank}}
---
apiVersion: v1
kind: Service
metadata: {name: books, namespace: bank, labels: {appbur.io/app: books}, annotations: {appbur.io/after: vault}}
spec: {ports: [{port: 7443}]}
---
apiVersion: v1
kind: Service
metadata: {name: vault, namespace: bank, labels: {appbur.io/app: vault}}
spec: {ports: [{port: 7443}]}
`

// committing notes when an application has taken over its state.
type committing struct {
	contract.App

	name string
	mu   *sync.Mutex
	list *[]string
}

func (c committing) Begin(ctx context.Context) (contract.Transaction, error) {
	begun, err := c.App.Begin(ctx)
	return committed{begun, c}, err
}

type committed struct {
	contract.Transaction

	app committing
}

func (c committed) Commit(ctx context.Context) error {
	c.app.mu.Lock()
	defer c.app.mu.Unlock()
	*c.app.list = append(*c.app.list, c.app.name)
	return c.Transaction.Commit(ctx)
}

// bank is a cluster with applications that depend on one another.
type bank struct {
	*town
	addresses map[string]string
	mu        sync.Mutex
	commits   []string
}

func (b *bank) serve(name string) {
	b.Helper()
	state := contracttest.NewMemory(map[string][]contract.Row{"rows": {contract.Row(`{"id":1}`)}})
	b.addresses[name] = serveApp(b.T, "unix://"+filepath.Join(b.TempDir(), "s"), committing{state, name, &b.mu, &b.commits}, contract.Options{
		ID: name, Version: "1.0.0", Log: slog.New(slog.DiscardHandler), SpoolDir: b.TempDir(),
		Datasets: []contract.Dataset{{Name: "rows", Schema: "1.0", Key: []string{"id"}, Clear: true}},
	})
}

// apps are the flags that name the applications and their order.
func (b *bank) apps(down string) []string {
	return append(b.addressesBut(down), "--app-after", "audit=reports", "--app-after", "audit=books")
}

// addressesBut are the flags that name the applications, one of them at a place where nothing is.
func (b *bank) addressesBut(down string) (flags []string) {
	for name, address := range b.addresses {
		if name == down {
			address = "unix:///nowhere/app.sock"
		}
		flags = append(flags, "--app", "bank/"+name+"="+address)
	}
	return flags
}

// State is imported in the order of what needs what, on real servers. One application that fails
// keeps only those that wait for it, and a run after that continues.
func TestApplicationsGetTheirStateInOrder(t *testing.T) {
	for _, version := range []string{"1.24.17", "1.37.1"} {
		t.Run(version, func(t *testing.T) {
			b := &bank{town: emptyTown(t, version), addresses: map[string]string{}}
			b.target = []string{"--repo", b.repo, "--keys", b.keys, "--kubeconfig", b.cluster.Kubeconfig}
			b.create(strings.TrimSpace(ledgers))
			for _, name := range []string{"audit", "books", "reports", "vault"} {
				b.serve(name)
			}
			b.backup(b.cluster, b.addressesBut("")...)

			t.Run("the plan has the order", b.plans)
			t.Run("one that fails keeps those that wait for it", b.fails)
			t.Run("the next run continues in order", b.continues)
			t.Run("a cycle is told before anything is written", b.cycle)
			t.Run("words that mean nothing", b.words)
		})
	}
}

func (b *bank) plans(t *testing.T) {
	out := b.ok(b.on("plan", "--app-after", "audit=reports,bank/books")...)
	says(t, out, "Application state to import after all objects\n  bank/vault: vault 1.0.0, 1 datasets\n"+
		"  bank/books: books 1.0.0, 1 datasets, after bank/vault\n  bank/reports: reports 1.0.0, 1 datasets\n"+
		"  bank/audit: audit 1.0.0, 1 datasets, after bank/books, bank/reports\n")
	says(t, b.ok(b.on("plan", "--app", "bank/books", "--only", "state")...),
		"the application bank/books comes after bank/vault, whose state is not restored: it is not waited for")
}

func (b *bank) outcomes(t *testing.T, out string) (results map[string]string) {
	t.Helper()
	var answer struct {
		Apps []struct {
			App            struct{ Name string }
			Result, Reason string
			Cause          *struct{ Name string }
		}
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		t.Fatal(err)
	}
	results = map[string]string{}
	for _, app := range answer.Apps {
		results[app.App.Name] = app.Result
		if app.Cause != nil {
			results[app.App.Name] = app.Reason + " (" + app.Cause.Name + ")"
		}
	}
	return results
}

func (b *bank) fails(t *testing.T) {
	code, out, errs := b.run(b.on("restore", append(b.apps("vault"), "--yes", "--json", "--app-wait", "1s")...)...)
	if code != ExitPartly {
		t.Errorf("exit code %d %s", code, errs)
	}
	because := "not tried, because the state of bank/vault was not imported (vault)"
	want := map[string]string{"vault": "failed", "books": because, "audit": because, "reports": "created"}
	if diff := cmp.Diff(want, b.outcomes(t, out)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"reports"}, b.commits); diff != "" {
		t.Error(diff)
	}
}

func (b *bank) continues(t *testing.T) {
	b.commits = nil
	out := b.ok(b.on("restore", append(b.apps(""), "--yes", "--json")...)...)
	want := map[string]string{"vault": "created", "books": "created", "audit": "created", "reports": "unchanged"}
	if diff := cmp.Diff(want, b.outcomes(t, out)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"vault", "books", "audit"}, b.commits); diff != "" {
		t.Error(diff)
	}
}

func (b *bank) cycle(t *testing.T) {
	b.commits = nil
	code, out, errs := b.run(b.on("restore", append(b.apps(""), "--yes", "--app-after", "vault=audit")...)...)
	if code != ExitUsage || len(b.commits) > 0 {
		t.Errorf("exit code %d, %v\n%s", code, b.commits, out)
	}
	says(t, errs, "applications wait for one another: bank/audit after bank/books after bank/vault after bank/audit", "--app-after bank/audit=")
	says(t, b.ok(b.on("plan", "--app-after", "vault=books", "--app-after", "books=")...),
		"bank/vault: vault 1.0.0, 1 datasets, after bank/books")
}

func (b *bank) words(t *testing.T) {
	for text, code := range map[string]int{"books": ExitUsage, "=books": ExitUsage, "boks=vault": ExitNotFound, "books=valt": ExitNotFound} {
		if got, _, errs := b.run(b.on("plan", "--app-after", text)...); got != code || !strings.Contains(errs, "hint:") {
			t.Errorf("%s: exit code %d\n%s", text, got, errs)
		}
	}
}
