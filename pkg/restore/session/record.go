package session

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/pkg/restore"
)

var recordID = appbur.ObjectID{Kind: "ConfigMap", Namespace: Namespace, Name: Name}

const (
	recordKey    = "restore.json"
	recordFormat = 1
)

// State is how far a restore came.
type State string

// The states of a restore.
const (
	// Running restores have not come to an end: they run, or were interrupted.
	Running State = "running"
	// Incomplete restores ended, and left something behind that failed.
	Incomplete State = "incomplete"
	Complete   State = "complete"
)

// Record is the last restore of a target, as it keeps it itself.
type Record struct {
	Format int    `json:"format"`
	ID     string `json:"id"`
	Intent
	Started time.Time            `json:"started"`
	Ended   *time.Time           `json:"ended,omitempty"`
	State   State                `json:"state"`
	Apps    map[string]AppRecord `json:"apps,omitempty"`
}

// Intent is what a run wants. A restore that did not come to its end is continued by a run that
// wants the same; every other run is a new restore.
type Intent struct {
	Point appbur.RestorePointID `json:"restorePoint"`
	Part  string                `json:"part,omitempty"`
	User  string                `json:"user,omitempty"`
	Host  string                `json:"host,omitempty"`
}

// AppRecord is the import of one application.
type AppRecord struct {
	Address string `json:"address"`
	// Operation is the id under which the application knows the import.
	Operation string `json:"operation"`
	// Imported is when the state was in place and compared, nil before.
	Imported *time.Time `json:"imported,omitempty"`
	App      string     `json:"app,omitempty"`
	Version  string     `json:"version,omitempty"`
}

// Read reads the record of the target, nil if it has none.
func Read(ctx context.Context, c restore.Cluster) (*Record, error) {
	l := &Log{cluster: c}
	err := l.read(ctx)
	return l.before, err
}

// Continues reports whether a run with this intent goes on with the restore of the record.
func (r *Record) Continues(intent Intent) bool {
	return r != nil && r.State != Complete && r.Point == intent.Point && r.Part == intent.Part
}

// Import returns the import of an application that the restore has done already, nil if it has not.
func (r *Record) Import(app appbur.AppKey, address string) *AppRecord {
	done, ok := r.Apps[app.String()]
	if !ok || done.Imported == nil || done.Address != address {
		return nil
	}
	return &done
}

// Log is the record of a run that goes on. Only who has the lock writes it.
type Log struct {
	cluster restore.Cluster
	now     func() time.Time
	random  io.Reader
	before  *Record

	mu      sync.Mutex
	record  Record
	version string // of the ConfigMap, "" while it is absent
	uid     string
}

// Open begins a restore in the target, or continues the one that was interrupted, unless anew.
func Open(ctx context.Context, c restore.Cluster, intent Intent, anew bool, now func() time.Time, random io.Reader) (*Log, error) {
	l := &Log{cluster: c, now: now, random: random}
	if err := l.read(ctx); err != nil {
		return nil, err
	}
	if l.before.Continues(intent) && !anew {
		l.record = *l.before
	} else {
		id, err := l.newID()
		if err != nil {
			return nil, err
		}
		l.record = Record{Format: recordFormat, ID: id, Started: now().UTC()}
	}
	l.record.Intent, l.record.State, l.record.Ended = intent, Running, nil
	if l.record.Apps == nil {
		l.record.Apps = make(map[string]AppRecord)
	}
	return l, l.save(ctx)
}

// Before returns what the target had on record before, nil for nothing.
func (l *Log) Before() *Record { return l.before }

// ID identifies the restore; a run that continues one has the same.
func (l *Log) ID() string { return l.record.ID }

// Begin returns the operation id of an import, which the target knows from now on, or the import
// that this restore has done already.
func (l *Log) Begin(ctx context.Context, app appbur.AppKey, address string) (id string, done *AppRecord, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if done := l.record.Import(app, address); done != nil {
		return "", done, nil
	}
	if begun, ok := l.record.Apps[app.String()]; ok && begun.Address == address && begun.Imported == nil {
		return begun.Operation, nil, nil
	}
	if id, err = l.newID(); err != nil {
		return "", nil, err
	}
	l.record.Apps[app.String()] = AppRecord{Address: address, Operation: id}
	return id, nil, l.save(ctx)
}

// Imported notes that the state of an application is in place.
func (l *Log) Imported(ctx context.Context, app appbur.AppKey, name, version string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.now().UTC()
	done := l.record.Apps[app.String()]
	done.Imported, done.App, done.Version = &at, name, version
	l.record.Apps[app.String()] = done
	return l.save(ctx)
}

// End notes how the restore ended.
func (l *Log) End(ctx context.Context, state State) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.now().UTC()
	l.record.State, l.record.Ended = state, &at
	return l.save(ctx)
}

func (l *Log) newID() (string, error) {
	var id [16]byte
	if _, err := io.ReadFull(l.random, id[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(id[:]), nil
}

// read reads the ConfigMap. A record that cannot be read, of a later release or changed by hand,
// is like none: it is replaced.
func (l *Log) read(ctx context.Context) error {
	var content map[string]any
	err := persist(ctx, func() (err error) {
		content, err = l.cluster.Get(ctx, recordID, "v1")
		return err
	})
	if apierrors.IsNotFound(err) {
		l.uid, l.version = "", ""
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading what was restored: %w", err)
	}
	metadata := dict(content["metadata"])
	l.uid, l.version = text(metadata["uid"]), text(metadata["resourceVersion"])
	var r Record
	if err := json.Unmarshal([]byte(text(dict(content["data"])[recordKey])), &r); err == nil && r.Format == recordFormat {
		l.before = &r
	}
	return nil
}

// save writes the record. A write whose answer was lost is found by what is there.
func (l *Log) save(ctx context.Context) error {
	data, err := json.MarshalIndent(l.record, "", "  ")
	if err != nil {
		return err
	}
	err = persist(ctx, func() error {
		err := l.write(ctx, string(data))
		if !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) && !apierrors.IsNotFound(err) {
			return err
		}
		live, readErr := l.cluster.Get(ctx, recordID, "v1")
		switch {
		case apierrors.IsNotFound(readErr):
			l.uid, l.version = "", "" // somebody deleted it
			return l.write(ctx, string(data))
		case readErr != nil:
			return readErr
		}
		metadata := dict(live["metadata"])
		l.uid, l.version = text(metadata["uid"]), text(metadata["resourceVersion"])
		if text(dict(live["data"])[recordKey]) == string(data) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("noting in the target what was restored: %w", err)
	}
	return nil
}

func (l *Log) write(ctx context.Context, data string) error {
	metadata := map[string]any{
		"name": Name, "namespace": Namespace, "labels": map[string]any{"app.kubernetes.io/managed-by": "appbur"},
	}
	request := restore.Request{By: restore.ByCreate, Object: recordID, APIVersion: "v1"}
	if l.version != "" {
		request.By = restore.ByUpdate
		metadata["uid"], metadata["resourceVersion"] = l.uid, l.version
	}
	request.Content = map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": map[string]any{recordKey: data}}
	answer, err := l.cluster.Apply(ctx, request)
	if err == nil {
		l.uid, l.version = answer.UID, answer.ResourceVersion
	}
	return err
}

// persist repeats a request while its error is one that passes.
func persist(ctx context.Context, request func() error) error {
	for try := 0; ; try++ {
		err := request()
		if err == nil || !passes(err) || try == takes {
			return err
		}
		if err := backoff.Sleep(ctx, pauses.Delay(try)); err != nil {
			return err
		}
	}
}
