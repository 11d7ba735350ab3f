package repository

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/retention"
)

// forge makes restore points as somebody does who can push and has no keys: the tree of
// a good point with another id and time, in a commit and a tag of his own.
func (f *fixture) forge(like appbur.RestorePointID, ids ...appbur.RestorePointID) {
	f.Helper()
	work := filepath.Join(f.TempDir(), "forged")
	f.git("clone", "-q", f.repo.Dir(), work)
	eve := func(args ...string) string {
		return strings.TrimSpace(f.git(append([]string{"-C", work, "-c", "user.name=eve", "-c", "user.email=eve@example.com"}, args...)...))
	}
	for _, id := range ids {
		eve("checkout", "-q", like.Tag())
		at, err := time.Parse("20060102T150405Z", string(id))
		if err != nil {
			f.Fatal(err)
		}
		path := filepath.Join(work, appbur.RestorePointFile)
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		text := strings.ReplaceAll(string(data), string(like), string(id))
		text = strings.Replace(text, `"created": "`, fmt.Sprintf(`"created": %q, "was": "`, at.Format(time.RFC3339)), 1)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			f.Fatal(err)
		}

		eve("commit", "-qam", "Forged")
		commit := eve("commit-tree", "-p", like.Tag()+"~1", "-m", "Restore point "+string(id), "HEAD^{tree}")
		eve("tag", "-a", "-m", "Restore point "+string(id), id.Tag(), commit)
		eve("push", "-q", "origin", "refs/tags/"+id.Tag())
	}
	f.reopen()
}

var forgedIDs = []appbur.RestorePointID{"20270101T000000Z", "20270102T000000Z", "20270103T000000Z"}

// A pusher without keys must not make retention delete the points of others.
func TestForgedPointsPushNoneOut(t *testing.T) {
	f := newFixture(t)
	old, newest := f.mark("a"), f.mark("a")
	f.forge(newest, forgedIDs...)

	unchecked, err := f.repo.Catalog(nil)
	if err != nil || len(unchecked.Points) != 5 {
		t.Fatalf("the forgery is no restore point at all: %+v, %v", unchecked.Unreadable, err)
	}
	all, err := f.repo.Catalog(f.trusted())
	if err != nil {
		t.Fatal(err)
	}
	var rejected []appbur.RestorePointID
	for _, r := range all.Untrusted {
		rejected = append(rejected, r.Ref.ID)
		if !errors.Is(r.Err, ErrUntrusted) {
			t.Errorf("%s: %v", r.Ref.ID, r.Err)
		}
	}
	slices.Reverse(rejected)
	if !slices.Equal(rejected, forgedIDs) || len(all.Points) != 2 {
		t.Errorf("untrusted are %v, %d points count", rejected, len(all.Points))
	}
	if got := kept(t, retention.Policy{Last: 3}, all.Points); len(got) != len(all.Points) {
		t.Errorf("a policy keeps %v only", got)
	}

	// Nor do they stand in for the last good point, or for anything at all.
	both := []appbur.RestorePointID{old, newest}
	if err := f.repo.DeletePoints(t.Context(), both, f.trusted(), false); !errors.Is(err, ErrLastGood) {
		t.Errorf("deleting all genuine points: %v", err)
	}
	anchor, err := f.repo.Anchor(f.keys, f.now())
	if err != nil || len(anchor.Points) != 2 || anchor.Points[0].ID != newest {
		t.Errorf("the anchor names %v, %v", anchor.Points, err)
	}
	if err := f.repo.DeletePoints(t.Context(), forgedIDs, f.trusted(), false); err != nil {
		t.Errorf("taking the forged points away: %v", err)
	}
}

// A point that somebody trusted has signed and that hangs on no commit of main is no
// evidence either: its history was cut off.
func TestPointsBesideMainDoNotCount(t *testing.T) {
	f := newFixture(t)
	first := f.mark("")
	f.time = f.time.Add(time.Hour)
	f.change("1")
	cut := f.mark("")
	f.git("update-ref", "refs/heads/main", first.Tag()+"~1")
	f.reopen()
	all, err := f.repo.Catalog(f.trusted())
	if err != nil || len(all.Points) != 1 || len(all.Untrusted) != 1 || all.Untrusted[0].Ref.ID != cut ||
		!errors.Is(all.Untrusted[0].Err, ErrRewritten) {
		t.Errorf("%+v, %v", all, err)
	}
}

// Where nobody is trusted, what points say of themselves decides no deletion.
func TestNobodyTrustedNothingDeleted(t *testing.T) {
	f := newFixture(t)
	old := f.mark("")
	f.mark("")
	ids := []appbur.RestorePointID{old}
	if err := f.repo.DeletePoints(t.Context(), ids, nil, false); !errors.Is(err, ErrUntrusted) || nextStep(err) == "" {
		t.Errorf("the error is %v", err)
	}
	if err := f.repo.MayDelete(ids, nil); !errors.Is(err, ErrUntrusted) {
		t.Errorf("the error is %v", err)
	}
	if got := f.points(); len(got) != 2 {
		t.Fatalf("left are %v", got)
	}
	// Who names a point and says that the last good one may go needs no evidence.
	if err := f.repo.DeletePoints(t.Context(), ids, nil, true); err != nil {
		t.Error(err)
	}
}

// What is taken over from an earlier point is signed anew as ours, so a forged one is
// never built on.
func TestForgedPointsAreNotBuiltOn(t *testing.T) {
	f := newFixture(t)
	newest := f.mark("a")
	f.forge(newest, forgedIDs...)
	writer, err := f.repo.BeginPoint(f.keys, rand.Reader, f.now)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Discard()
	if len(writer.earlier) != 1 || writer.earlier[0].ID != newest {
		t.Errorf("built on %v", writer.earlier)
	}
}
