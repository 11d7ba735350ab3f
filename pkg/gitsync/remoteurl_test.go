package gitsync_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync"
)

func TestParseRemoteURL(t *testing.T) {
	tests := []struct {
		text, scheme string
		plaintext    bool
	}{
		{"https://git.example/team/mgmt.git", "https", false},
		{"https://git.example:8443/a%20b.git/", "https", false},
		{"http://127.0.0.1:3000/x.git", "http", false},
		{"http://[::1]/x.git", "http", false},
		{"http://localhost/x.git", "http", false},
		{"http://git.example/x.git", "http", true},
		{"http://10.0.0.1/x.git", "http", true},
		{"ssh://git@git.example:2222/team/mgmt.git", "ssh", false},
		{"ssh://git.example/~me/mgmt.git", "ssh", false},
		{"git@git.example:team/mgmt.git", "ssh", false},
		{"git.example:mgmt.git", "ssh", false},
		{"/mnt/backup/mgmt.git", "file", false},
		{"file:///mnt/backup/mgmt.git", "file", false},
	}

	for _, tt := range tests {
		u, err := gitsync.ParseRemoteURL(tt.text)
		if err != nil || u.Scheme() != tt.scheme || u.Plaintext() != tt.plaintext || u.String() != tt.text {
			t.Errorf("%s: scheme %q, plaintext %v, %v", tt.text, u.Scheme(), u.Plaintext(), err)
		}
	}
}

// No refusal repeats the URL, because what is wrong with it may be a password in it.
func TestRefusedRemoteURLs(t *testing.T) {
	for _, text := range []string{
		"", "relative/dir", "https://", "https://u:hunter2@git.example/x.git", "https://hunter2@git.example/x.git",
		"ssh://u:hunter2@git.example/x.git", "u:hunter2@git.example:x.git", "https://git.example/x.git?token=hunter2",
		"git://git.example/hunter2",
		"ext::sh -c hunter2", "ext::hunter2", "ssh://-oProxyCommand=hunter2/x", "-oProxyCommand=hunter2:x", "git.example:-hunter2",
		"ssh://git.example/",
		"file://git.example/hunter2", "https://git.example/a\nb", "https://[hunter2/x", "ftp://git.example/hunter2",
	} {
		_, err := gitsync.ParseRemoteURL(text)
		if !errors.Is(err, gitsync.ErrRemoteURL) || appbur.HintOf(err) == "" {
			t.Errorf("%q: %v, hint %q", text, err, appbur.HintOf(err))
			continue
		}
		if strings.Contains(err.Error()+appbur.HintOf(err), "hunter2") {
			t.Errorf("%q: the error repeats it: %v", text, err)
		}
	}
}

func TestRemotesInTheConfiguration(t *testing.T) {
	r := newRepository(t)
	own := "[user] # mine\n\tname = x\n[remote \"stock\"]\n\turl = https://git.example/stock.git\n\tfetch = +refs/heads/*:refs/remotes/stock/*"
	config := git(t, r.Dir(), "config", "--list")
	appendFile(t, r.Dir()+"/config", own)

	for name, text := range map[string]string{"disk": "/mnt/a b;\"\\.git", "forge": "git@git.example:x.git"} {
		u, err := gitsync.ParseRemoteURL(strings.ReplaceAll(text, " ", "_"))
		if err != nil {
			t.Fatal(err)
		}
		if err := r.AddRemote(t.Context(), gitsync.RemoteConfig{Name: name, URL: u}); err != nil {
			t.Fatal(err)
		}
		if got := git(t, r.Dir(), "remote", "get-url", name); got != u.String() {
			t.Errorf("git reads %q, want %q", got, u)
		}
		if err := r.AddRemote(t.Context(), gitsync.RemoteConfig{Name: name, URL: u}); !errors.Is(err, gitsync.ErrRemoteName) {
			t.Errorf("added twice: %v", err)
		}
	}

	list, err := r.Remotes()
	if err != nil || len(list) != 3 || list[0].Name != "disk" || list[2].URL.String() != "https://git.example/stock.git" {
		t.Fatalf("%+v, %v", list, err)
	}

	for _, name := range []string{"disk", "stock", "forge"} {
		if err := r.RemoveRemote(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}

	if err := r.RemoveRemote(t.Context(), "disk"); !errors.Is(err, gitsync.ErrRemoteName) {
		t.Errorf("removed twice: %v", err)
	}
	if got, want := git(t, r.Dir(), "config", "--list"), config+"\nuser.name=x"; got != want {
		t.Errorf("what is left is\n%s\nwant\n%s", got, want)
	}

	for _, bad := range []string{"", "../x", "a/b", "-x", ".x", "x.lock", "x y", strings.Repeat("x", 200)} {
		if err := gitsync.CheckRemoteName(bad); !errors.Is(err, gitsync.ErrRemoteName) {
			t.Errorf("the name %q: %v", bad, err)
		}
	}

	git(t, r.Dir(), "config", "remote.two.url", "https://u:hunter2@git.example/x.git")
	if _, err := r.Remotes(); !errors.Is(err, gitsync.ErrRemoteURL) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a password in the configuration: %v", err)
	}
}
