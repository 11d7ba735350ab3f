//go:build integration

package gitsync_test

import (
	"strings"
	"testing"

	"github.com/appbur/appbur/internal/testremote"
	"github.com/appbur/appbur/pkg/gitsync"
)

// One file of the newest commit is read without what is older, from each kind of remote, and the remote stays as it is.
func TestPeekReadsOneFileOfTheNewestCommit(t *testing.T) {
	for _, p := range []place{httpsPlace(t), sshPlace(t), localPlace(t)} {
		t.Run(p.name, func(t *testing.T) {
			p := p.in(t, "clusters/eu-1")
			_, err := gitsync.Peek(t.Context(), p.remote, gitsync.MainRef, "appbur.yaml", gitsync.RemoteOptions{})
			if gitsync.StateOf(err) != gitsync.RemoteEmpty {
				t.Errorf("of an empty remote: %v", err)
			}
			r := filled(t, 20)
			addCommit(t, r, map[string]string{"appbur.yaml": "an older one"})
			addCommit(t, r, map[string]string{"appbur.yaml": "the newest"})
			push(t, r, p)
			before := testremote.Git(t, p.bare, "for-each-ref")

			data, err := gitsync.Peek(t.Context(), p.remote, gitsync.MainRef, "appbur.yaml", gitsync.RemoteOptions{})
			if err != nil || string(data) != "the newest" {
				t.Errorf("%q, %v", data, err)
			}
			if _, err := gitsync.Peek(t.Context(), p.remote, gitsync.MainRef, "nothing.yaml", gitsync.RemoteOptions{}); err == nil ||
				!strings.Contains(err.Error(), "nothing.yaml") {
				t.Errorf("of a file that is not there: %v", err)
			}
			if after := testremote.Git(t, p.bare, "for-each-ref"); after != before {
				t.Errorf("the remote has %s, and had %s", after, before)
			}
		})
	}
}
