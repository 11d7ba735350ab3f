package repository

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

// Somebody pushes a small pack whose objects are huge. The list goes on, the point is
// shown with the reason, and neither it nor what plan and restore read is inflated.
func TestAHugePointEndsNoList(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	for name, content := range map[string]struct {
		text    func(id appbur.RestorePointID) string
		setting string
	}{
		"zeros beyond the limit": {func(appbur.RestorePointID) string { return strings.Repeat("\x00", 65<<20) }, "appbur.maxDescriptionSize"},
		"many objects": {func(id appbur.RestorePointID) string {
			return fmt.Sprintf(`{"format":2,"id":%q,"apps":[%s{}]}`, id, strings.Repeat("{},", 4<<20))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			good := f.point()
			bad := appbur.NewRestorePointID(f.now().Add(time.Hour), 0)
			file := filepath.Join(t.TempDir(), "restorepoint.json")
			if err := os.WriteFile(file, []byte(content.text(bad)), 0o600); err != nil {
				t.Fatal(err)
			}
			f.git("config", "core.compression", "1")
			blob := strings.TrimSpace(f.git("hash-object", "-w", file))
			index := filepath.Join(t.TempDir(), "tree")
			if err := os.WriteFile(index, []byte("100644 blob "+blob+"\trestorepoint.json\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			tree := strings.TrimSpace(f.git("-c", "alias.maketree=!git mktree <"+index, "maketree"))
			f.git("tag", bad.Tag(),
				strings.TrimSpace(f.git("-c", "user.name=x", "-c", "user.email=x@example.com", "commit-tree", "-m", "x", "-p", "main", tree)))
			f.git("repack", "-q", "-ad", "--window=0")
			f.reopen()

			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			all, err := f.repo.Catalog(f.trusted())
			runtime.ReadMemStats(&after)
			if err != nil || len(all.Refs) != 1 || all.Refs[0].ID != good.ID || len(all.Unreadable) != 1 || all.Unreadable[0].Ref.ID != bad {
				t.Fatalf("%+v, %v", all, err)
			}
			err = all.Unreadable[0].Err
			if !errors.Is(err, gitsync.ErrTooLarge) || !strings.Contains(appbur.HintOf(err), content.setting) || nextStep(err) == "" {
				t.Errorf("%v, hint %q", err, appbur.HintOf(err))
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 64<<20 {
				t.Errorf("%d bytes of memory", took)
			}

			ref, err := f.repo.Resolve(string(bad))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.repo.Load(t.Context(), ref, nil); !errors.Is(err, ErrUnreadable) {
				t.Errorf("load: %v", err)
			}
			if err := f.repo.DeletePoints(t.Context(), []appbur.RestorePointID{bad}, f.trusted(), false); err != nil {
				t.Errorf("delete: %v", err)
			}
		})
	}
}
