package contract

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract/contractpb"
)

var operationIDPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// NewOperationID makes a unique id from 16 random bytes.
func NewOperationID(random io.Reader) (string, error) {
	var raw [16]byte
	if _, err := io.ReadFull(random, raw[:]); err != nil {
		return "", fmt.Errorf("making an operation id: %w", err)
	}
	return hex.EncodeToString(raw[:]), nil
}

func checkOperationID(id string) error {
	if !operationIDPattern.MatchString(id) {
		return NewError(ReasonInvalidRequest,
			"operation id %q: want 1 to 128 characters of A-Z a-z 0-9 . _ - that start with a letter or digit", id)
	}
	return nil
}

// keptOperations is how many results are remembered at least, operationRetention
// for how long at least those are remembered that come within it.
const (
	keptOperations     = 256
	operationRetention = 24 * time.Hour
)

// operationFile is the form of an operation on disk.
type operationFile struct {
	ID       string          `json:"id"`
	Manifest appbur.Digest   `json:"manifest"`
	DryRun   bool            `json:"dryRun"`
	Ended    time.Time       `json:"ended"`
	Result   json.RawMessage `json:"result"`
}

// operationLog answers a retried import with the result of the first. With a
// directory it survives restarts.
type operationLog struct {
	dir string
	log *slog.Logger

	mu       sync.Mutex
	finished []operation // oldest first
}

func openOperationLog(spoolDir string, log *slog.Logger) (*operationLog, error) {
	l := &operationLog{log: log}
	if spoolDir == "" {
		return l, nil
	}
	l.dir = filepath.Join(spoolDir, "operations")
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return nil, fmt.Errorf("preparing the spool directory: %w", err)
	}
	entries, err := os.ReadDir(l.dir)
	if err != nil {
		return nil, fmt.Errorf("reading results of earlier imports: %w", err)
	}
	var found []operation

	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".json" {
			continue
		}
		op, err := readOperation(filepath.Join(l.dir, entry.Name()))
		if err != nil {
			// A result that cannot be read is as good as none: the import is then
			// applied once more, which changes nothing.
			log.Warn("ignoring the result of an earlier import", "file", entry.Name(), "error", err)
			continue
		}
		found = append(found, op)
	}

	slices.SortFunc(found, func(a, b operation) int { return a.at.Compare(b.at) })
	l.finished = found
	return l, nil
}

func readOperation(path string) (operation, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return operation{}, err
	}
	var file operationFile
	if err := json.Unmarshal(data, &file); err != nil {
		return operation{}, err
	}
	result := new(contractpb.ImportResult)
	if err := protojson.Unmarshal(file.Result, result); err != nil {
		return operation{}, err
	}
	return operation{id: file.ID, manifest: file.Manifest, dryRun: file.DryRun, at: file.Ended, result: result}, nil
}

// find returns the result of the operation with this id, nil when there is none,
// and an error when the id stood for something else.
func (l *operationLog) find(id string, manifest appbur.Digest, dryRun bool) (*contractpb.ImportResult, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.finished, func(op operation) bool { return op.id == id })
	if i < 0 {
		return nil, nil
	}
	op := l.finished[i]
	if op.manifest != manifest || op.dryRun != dryRun {
		return nil, NewError(ReasonOperationConflict, "operation %s was another import", id)
	}
	result := proto.CloneOf(op.result)
	result.Replayed = true
	return result, nil
}

// result returns the result that is kept under an id, nil when there is none.
func (l *operationLog) result(id string) *contractpb.ImportResult {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.IndexFunc(l.finished, func(op operation) bool { return op.id == id }); i >= 0 {
		return proto.CloneOf(l.finished[i].result)
	}
	return nil
}

// add remembers a result. It is called after the commit, so a failure to write
// is no failure of the import.
func (l *operationLog) add(ctx context.Context, op operation) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.finished = append(l.finished, op)
	if err := l.write(op); err != nil {
		l.log.WarnContext(ctx, "the result of an import is kept in memory only", "operation", op.id, "error", err)
	}
	for len(l.finished) > keptOperations && op.at.Sub(l.finished[0].at) > operationRetention {
		if l.dir != "" {
			if err := os.Remove(l.path(l.finished[0].id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				l.log.WarnContext(ctx, "removing an old result", "error", err)
			}
		}
		l.finished = l.finished[1:]
	}
}

// path hides the id behind its digest: ids are the caller's, file systems differ.
func (l *operationLog) path(id string) string {
	name := sha256.Sum256([]byte(id))
	return filepath.Join(l.dir, hex.EncodeToString(name[:])+".json")
}

func (l *operationLog) write(op operation) error {
	if l.dir == "" {
		return nil
	}
	result, err := protojson.Marshal(op.result)
	if err != nil {
		return err
	}
	data, err := json.Marshal(operationFile{op.id, op.manifest, op.dryRun, op.at, result})
	if err != nil {
		return err
	}

	f, err := os.CreateTemp(l.dir, "new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), l.path(op.id))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
