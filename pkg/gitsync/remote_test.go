package gitsync_test

import (
	"errors"
	"testing"

	"github.com/appbur/appbur/pkg/gitsync"
)

// what is what appbur pushes.
var what = gitsync.PushWhat{Branch: gitsync.MainRef, TagPrefix: "restore-points/"}

func remoteURL(t testing.TB, text string) gitsync.RemoteURL {
	t.Helper()
	u, err := gitsync.ParseRemoteURL(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// addCommit makes a commit on main.
func addCommit(t testing.TB, r *gitsync.Repository, files map[string]string) gitsync.Hash {
	t.Helper()
	tip, err := r.Tip(gitsync.MainRef)
	if err != nil && !errors.Is(err, gitsync.ErrRefNotFound) {
		t.Fatal(err)
	}
	e := edit(t, r, tip)
	for path, data := range files {
		put(t, e, path, data)
	}
	return commit(t, r, e, "grow")
}

func filled(t testing.TB, n int) *gitsync.Repository {
	t.Helper()
	r := newRepository(t)
	e := edit(t, r, gitsync.Hash{})
	fill(t, e, n)
	commit(t, r, e, "initial")
	return r
}
