package files

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/adaptertest"
	"github.com/appbur/appbur/pkg/contract"
)

// known is a system whose accounts are these, by id.
func known(what string, names map[int]string) accounts {
	return accounts{
		what: what, file: "/etc/" + what,
		name: func(id string) (string, error) {
			number, err := strconv.Atoi(id)
			return names[number], err
		},
		id: func(name string) (string, error) {
			for id, known := range names {
				if known == name {
					return strconv.Itoa(id), nil
				}
			}
			return "", errNobody
		},
	}
}

// openOn is open on a system where the user and the group of the test have this name.
func openOn(t *testing.T, dir, datasets, name string) *Adapter {
	t.Helper()
	a := open(t, dir, datasets)
	a.users = known("user", map[int]string{os.Getuid(): name})
	a.groups = known("group", map[int]string{os.Getgid(): name})
	return a
}

// Owners are in the rows on request only, by number or by name.
func TestOwnersInRows(t *testing.T) {
	for _, c := range []struct{ policy, name, owner, group string }{
		{"", "svc", "", ""},
		{"none", "svc", "", ""},
		{"numeric", "svc", strconv.Itoa(os.Getuid()), strconv.Itoa(os.Getgid())},
		{"names", "svc", "svc", "svc"},
		{"names", "", strconv.Itoa(os.Getuid()), strconv.Itoa(os.Getgid())},
		// An account that is called like an id of somebody else would be taken for them.
		{"names", "12", strconv.Itoa(os.Getuid()), strconv.Itoa(os.Getgid())},
	} {
		dir := t.TempDir()
		tree{"f": "x", "l": "-> f"}.write(t, dir)
		a := openOn(t, dir, fmt.Sprintf(`[{name: a, include: ["*"], symlinks: keep, owners: %q}]`, c.policy), c.name)
		rows, err := export(t, a, "a")
		if err != nil || len(rows) != 2 {
			t.Fatalf("%v, %v", rows, err)
		}

		want := ""
		if c.owner != "" {
			want = fmt.Sprintf(`"owner":%q,"group":%q,`, c.owner, c.group)
		}
		if rows[0] != `{"path":"f","part":0,"mode":"0640","size":1,`+want+`"text":"x"}` || rows[1] != `{"path":"l","part":0,`+want+`"link":"f"}` {
			t.Errorf("%+v: %s", c, rows)
		}
	}
}

// A service whose account has another id elsewhere gets its files there.
func TestOwnersByNameMove(t *testing.T) {
	const all = `[{name: a, include: ["*"], symlinks: keep, owners: names}]`
	from, to := t.TempDir(), t.TempDir()
	tree{"f": "x", "l": "-> f"}.write(t, from)
	source := openOn(t, from, all, "svc")
	source.users = known("user", map[int]string{os.Getuid(): "svc"})
	rows, err := export(t, source, "a")
	if err != nil {
		t.Fatal(err)
	}

	if err := load(t, openOn(t, to, all, "svc"), "a", rows...); err != nil {
		t.Fatal(err)
	}
	if got := read(t, to); !maps.Equal(got, tree{"f": "x", "l": "-> f"}) {
		t.Errorf("the directory holds %v", got)
	}
}

// What cannot be given to whom it belongs is refused before anything is replaced.
func TestOwnersRefused(t *testing.T) {
	const row = `{"path":"f","part":0,"mode":"0644","size":1,"text":"x"%s}`
	for name, c := range map[string]struct{ policy, owner, want, hint string }{
		"not configured":       {"none", `,"owner":"1","group":"1"`, "does not restore owners", "owners: numeric or owners: names"},
		"half":                 {"numeric", `,"owner":"1"`, "one of owner and group", ""},
		"names for numbers":    {"numeric", `,"owner":"svc","group":"svc"`, "its user svc is a name", "owners: names"},
		"nobody here":          {"names", `,"owner":"other","group":"svc"`, "its user other is not known here", "/etc/user"},
		"no such group here":   {"names", `,"owner":"svc","group":"other"`, "its group other is not known here", "/etc/group"},
		"somebody else's id":   {"names", fmt.Sprintf(`,"owner":"%d","group":"svc"`, os.Getuid()), "the id of an account here", "owners: numeric"},
		"leave it as it is":    {"numeric", `,"owner":"4294967295","group":"1"`, "is a name", ""},
		"not in shortest form": {"numeric", `,"owner":"01","group":"1"`, "is a name", ""},
		"negative":             {"numeric", `,"owner":"-1","group":"1"`, "is a name", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, sensitive := range []bool{false, true} {
				dir := t.TempDir()
				before := tree{"f": "old", "g": "old"}
				before.write(t, dir)
				a := openOn(t, dir, fmt.Sprintf(`[{name: a, include: ["*"], owners: %s, sensitive: %t}]`, c.policy, sensitive), "svc")
				err := load(t, a, "a", fmt.Sprintf(row, c.owner))
				want := c.want
				if sensitive {
					want = strings.NewReplacer(" other", "", " svc", "").Replace(want)
				}

				if contract.ReasonOf(err) != contract.ReasonPayloadInvalid || !strings.Contains(err.Error(), want) ||
					!strings.Contains(appbur.HintOf(err), c.hint) {
					t.Errorf("got %v, hint %q", err, appbur.HintOf(err))
				}
				if got := read(t, dir); !maps.Equal(got, before) {
					t.Errorf("the directory holds %v", got)
				}
			}
		})
	}
}

// State that was saved before owners were is restored, and its report says that nobody
// knows whose the files are.
func TestStateWithoutOwnersIsRestored(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	tree{"f": "x", "g": "y"}.write(t, from)
	saved, err := adaptertest.Run(t, open(t, from, `[{name: a, include: ["*"]}]`)).Backup(t)
	if err != nil {
		t.Fatal(err)
	}

	target := adaptertest.Run(t, open(t, to, `[{name: a, include: ["*"], owners: numeric}]`))
	notes, err := target.Restore(t, saved)
	if err != nil || len(notes) != 2 || !strings.Contains(notes[0], "owner") || !strings.Contains(notes[1], "group") {
		t.Errorf("%q, %v", notes, err)
	}
	if differences, err := target.Verify(t, saved); err != nil || len(differences) != 0 {
		t.Errorf("%q, %v", differences, err)
	}
	if got := read(t, to); !maps.Equal(got, tree{"f": "x", "g": "y"}) {
		t.Errorf("the directory holds %v", got)
	}
}

// An adapter that knows nothing of owners takes no such state: it would lose them.
func TestAnAdapterWithoutOwnersRefusesThem(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	tree{"f": "x"}.write(t, from)
	saved, err := adaptertest.Run(t, open(t, from, `[{name: a, include: ["*"], owners: numeric}]`)).Backup(t)
	if err != nil {
		t.Fatal(err)
	}
	target := open(t, to, `[{name: a, include: ["*"]}]`)
	known := slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return f == "owner" || f == "group" })
	target.config.datasets[0].Fields = known // as of a release before owners
	if _, err := adaptertest.Run(t, target).Restore(t, saved); contract.ReasonOf(err) != contract.ReasonPayloadInvalid {
		t.Errorf("got %v", err)
	}
	if got := read(t, to); len(got) != 0 {
		t.Errorf("the directory holds %v", got)
	}
}

// Every system error of a call says what to do, and none quotes a path.
func TestSystemErrorsHaveHintsAndNoPaths(t *testing.T) {
	for kind, want := range map[error]contract.Reason{
		syscall.EPERM: contract.ReasonAppFailed, syscall.EACCES: contract.ReasonAppFailed, syscall.EROFS: contract.ReasonAppFailed,
		syscall.ENOSPC: contract.ReasonNoSpace, syscall.EDQUOT: contract.ReasonNoSpace, syscall.EXDEV: contract.ReasonAppFailed,
		syscall.ENAMETOOLONG: contract.ReasonAppFailed, errInTheWay: contract.ReasonAppFailed,
	} {
		err := systemError("doing it", &fs.PathError{Op: "open", Path: "secret", Err: kind})
		if contract.ReasonOf(err) != want || appbur.HintOf(err) == "" || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v: got %v, hint %q", kind, err, appbur.HintOf(err))
		}
	}
	if err := systemError("doing it", errMoved); !errors.Is(err, errMoved) || contract.ReasonOf(err) != "" {
		t.Errorf("an error of nobody's system became %v", err)
	}
}

func TestOpenSaysWhatToDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{file, file + "-missing", "/proc"} {
		a, err := Open(config(t, root, wiki))
		if err == nil {
			a.Close()
		}
		if err == nil || !strings.Contains(appbur.HintOf(err), "root") {
			t.Errorf("%s: %v, hint %q", root, err, appbur.HintOf(err))
		}
	}
}
