//go:build integration

package recipes

import (
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// alpine is a place with nothing but busybox and the named programs, as in images that are made of Alpine.
func alpine(t *testing.T, programs ...string) place {
	t.Helper()
	dir := home(t, nil)
	bin, usr := filepath.Join(dir, "bin"), filepath.Join(unpackedDir(t), "usr", "bin")
	at := place{"PATH": bin, "HOME": dir, "ONLY": "yes"}
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	busybox := filepath.Join(unpackedDir(t), "bin", "busybox")
	at.become(t, nil, dir, busybox, "--install", "-s", bin)
	for _, name := range programs {
		program := filepath.Join(usr, name)
		if _, err := os.Stat(program); err != nil {
			var found error
			if program, found = osexec.LookPath(name); found != nil {
				t.Fatal(found)
			}
		}
		if err := os.Symlink(program, filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	return at
}

const grafanaTables = `
	PRAGMA journal_mode = wal;
	CREATE TABLE migration_log (id INTEGER PRIMARY KEY AUTOINCREMENT, migration_id TEXT);
	CREATE TABLE dashboard (id INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT, title TEXT, data BLOB);
	CREATE UNIQUE INDEX UQE_dashboard_uid ON dashboard (uid);
	CREATE TABLE user_auth_token (id INTEGER PRIMARY KEY AUTOINCREMENT, auth_token TEXT);
	INSERT INTO migration_log (migration_id) VALUES ('create dashboard');
`

// TestGrafana moves the file of a database of Grafana's kind.
func TestGrafana(t *testing.T) {
	from, to := alpine(t, "sqlite3"), alpine(t, "sqlite3")
	run := func(at place, statements string) string {
		t.Helper()
		at["GF_DATABASE_PATH"] = filepath.Join(at["HOME"], "grafana.db")
		return at.say(t, statements, "sqlite3", "-bail", at["GF_DATABASE_PATH"])
	}
	run(from, grafanaTables+`
		INSERT INTO dashboard (uid, title, data) VALUES ('a', 'Grüße', '{"title": "it''s
-- appbur: complete
COMMIT;"}'), ('b', 'gone', x'00ff');
		DELETE FROM dashboard WHERE uid = 'b';
		INSERT INTO user_auth_token (auth_token) VALUES ('of the old one')`)
	run(to, grafanaTables+`INSERT INTO dashboard (uid, title) VALUES ('z', 'foreign'); CREATE TABLE foreign_rows (id)`)
	saved := export(t, open(t, "grafana", from))
	run(from, "INSERT INTO user_auth_token (auth_token) VALUES ('another login')")
	same(t, saved, export(t, open(t, "grafana", from)))

	a := open(t, "grafana", to)
	text := saved["database"]
	refused(t, a, "database", "cut off within a row", text[:strings.Index(text, "appbur: complete")])
	refused(t, a, "database", "without its end", text[:strings.LastIndex(text, "-- appbur")])
	refused(t, a, "database", "with a word that is none", strings.Replace(text, "CREATE TABLE", "CREATE TABEL", 1))
	if err := load(t, a, saved); err != nil {
		t.Fatal(err)
	}
	same(t, saved, export(t, a))
	if got := run(to, "SELECT count(*), sum(data LIKE '%COMMIT;%') FROM dashboard; SELECT count(*) FROM user_auth_token"); got != "1|1\n0\n" {
		t.Errorf("the database answers %q", got)
	}
}

// TestGitea moves a database of Gitea's kind, and real Git repositories.
func TestGitea(t *testing.T) {
	// Not in busybox: Alpine's has tar -T (CONFIG_FEATURE_TAR_FROM), Debian's has not.
	from, to := place{"HOME": home(t, nil)}, place{"HOME": home(t, nil)}
	for _, at := range []place{from, to} {
		at["GITEA_WORK"], at["GITEA_REPOSITORIES"] = at["HOME"], filepath.Join(at["HOME"], "repositories")
		at.say(t, "CREATE TABLE version (id INTEGER, version INTEGER); INSERT INTO version VALUES (1, 299); CREATE TABLE session (key TEXT)",
			"sqlite3", filepath.Join(at["HOME"], "gitea.db"))
	}
	commit := func(at place, repository string) {
		t.Helper()
		at.say(t, `set -eu
			cd "$HOME"; git init -q --bare "repositories/$1"; git init -q work; cd work
			git -c user.name=a -c user.email=a@x commit -q --allow-empty -m first
			git push -q "../repositories/$1" HEAD:refs/heads/main HEAD:refs/tags/v1; rm -rf ../work
			git -C "../repositories/$1" pack-refs --all; mkdir -p "../repositories/$1/empty"`, "sh", "-s", repository)
	}
	commit(from, "ada/with space.git")
	commit(to, "foreign/old.git")
	saved := export(t, open(t, "gitea", from))

	a := open(t, "gitea", to)
	archive := saved["repositories"]
	refused(t, a, "repositories", "cut off", archive[:len(archive)/2])
	refused(t, a, "repositories", "cut off between two files", archive[:512])
	if err := load(t, a, saved); err != nil {
		t.Fatal(err)
	}
	if again := export(t, a); again["repositories"] != archive || again["database"] != saved["database"] {
		t.Error("what is exported after the import is not what was saved")
	}
	if err := filepath.WalkDir(to["GITEA_REPOSITORIES"], func(path string, _ os.DirEntry, err error) error {
		if strings.Contains(path, "foreign") {
			t.Errorf("what was there before is there: %s", path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	to.say(t, "", "git", "-C", filepath.Join(to["GITEA_REPOSITORIES"], "ada", "with space.git"), "fsck", "--strict")
	to.say(t, "", "git", "-C", filepath.Join(to["GITEA_REPOSITORIES"], "ada", "with space.git"), "rev-parse", "main", "v1")
}
