package refs

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/appbur/appbur/pkg/gitsync/internal/object"
)

// Git packs a ref and removes its directory before the directory was made durable.
func TestRefIsPackedBeforeItsNameIsDurable(t *testing.T) {
	r := &Store{Dir: t.TempDir(), Limits: object.DefaultLimits, LockWait: time.Second}
	tip := object.Hash{1}
	const name = "refs/appbur/pins/deep/one"
	if err := r.Move(t.Context(), name, object.Hash{}, tip); err != nil {
		t.Fatal(err)
	}
	packed := filepath.Join(r.Dir, "packed-refs")
	if err := os.WriteFile(packed, []byte(tip.String()+" "+name+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(r.Dir, filepath.Dir(name))); err != nil {
		t.Fatal(err)
	}

	if err := r.sync(name, tip); err != nil {
		t.Errorf("a packed ref: %v", err)
	}
	if err := os.Remove(packed); err != nil {
		t.Fatal(err)
	}
	if err := r.sync(name, tip); !errors.Is(err, ErrMoved) {
		t.Errorf("a ref that is gone: %v, want ErrMoved", err)
	}
}
