package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
	"github.com/appbur/appbur/pkg/contract/contracttest"
)

// tree is files by path; "-> x" is a link to x.
type tree map[string]string

func (f tree) write(t *testing.T, dir string) {
	t.Helper()
	for name, content := range f {
		full := filepath.Join(dir, name)
		err := os.MkdirAll(filepath.Dir(full), 0o755)
		if target, link := strings.CutPrefix(content, "-> "); link {
			err = errors.Join(err, os.Symlink(target, full))
		} else {
			err = errors.Join(err, os.WriteFile(full, []byte(content), 0o640))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// read returns all files but those of the adapter.
func read(t *testing.T, dir string) tree {
	t.Helper()
	f := tree{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && e.Name() == stageDir {
			return fs.SkipDir
		}

		short, _ := filepath.Rel(dir, name)
		switch {
		case e.IsDir():
		case e.Type() == fs.ModeSymlink:
			target, err := os.Readlink(name)
			f[short] = "-> " + target
			return err
		default:
			content, err := os.ReadFile(name)
			f[short] = string(content)
			return err
		}

		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func config(t *testing.T, dir, datasets string) Config {
	t.Helper()
	c, err := ParseConfig([]byte("app: wiki\nversion: '1'\nroot: " + dir + "\ndatasets: " + datasets))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func open(t *testing.T, dir, datasets string) *Adapter {
	t.Helper()
	a, err := Open(config(t, dir, datasets))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func export(t *testing.T, a *Adapter, dataset string) ([]string, error) {
	t.Helper()
	s, err := a.Snapshot(t.Context())
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var rows []string
	for r, err := range s.Rows(t.Context(), dataset) {
		if err != nil {
			return rows, err
		}
		rows = append(rows, string(r))
	}
	return rows, nil
}

func load(t *testing.T, a *Adapter, dataset string, rows ...string) error {
	t.Helper()
	tx, err := a.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	err = tx.Replace(t.Context(), dataset, func(yield func(contract.Row, error) bool) {
		for _, r := range rows {
			if !yield(contract.Row(r), nil) {
				return
			}
		}
	})
	if err == nil {
		err = tx.Commit(t.Context())
	}
	if err != nil {
		err = errors.Join(err, tx.Rollback(context.WithoutCancel(t.Context())))
	}
	return err
}

const wiki = `
- {name: pages, include: [pages, "*.md"], exclude: ["**/*.tmp", pages/cache], symlinks: keep, mtime: true}
- {name: rest, include: ["conf/**"], sensitive: false}
`

func wikiFiles() tree {
	return tree{
		"pages/a.txt": "one\n", "pages/a-b": "", "pages/a/deep": "ü\"\\\nend", "pages/raw": "\x00\xff",
		"pages/link": "-> ../outside", "README.md": "# é", "pages/x.tmp": "not chosen", "pages/cache/y": "not chosen", "outside": "not chosen",
		"conf/app/c.yaml": "a: 1\n",
	}
}

func TestContractKit(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	contracttest.Run(t, contracttest.Config{Start: contracttest.InProcess(func() (contract.App, contract.Options, error) {
		dir := t.TempDir()
		wikiFiles().write(t, dir)
		a := open(t, dir, wiki)
		return a, contract.Options{ID: "wiki", Version: "1", Datasets: a.Datasets()}, nil
	})})
}

// TestMovesToAnotherDirectory: what one adapter exported another one holds after the
// import, and nothing else of what it chooses.
func TestMovesToAnotherDirectory(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	moved := wikiFiles()
	moved["pages/a/deep"] = strings.Repeat("ü\"\\\n", partSize/4) + "end"
	moved["pages/raw"] = string(bytes.Repeat([]byte{0, 255}, partSize))
	moved.write(t, from)
	if err := os.Chmod(filepath.Join(from, "pages/a.txt"), 0o751); err != nil {
		t.Fatal(err)
	}

	tree{
		"pages/a": "a file where a directory must be", "pages/raw/was/here": "a directory where a file must be", "pages/old": "goes",
		"pages/old.tmp": "stays", "z.md": "goes",
		"pages/link": "a file where a link must be", "outside": "stays", "conf/other": "stays",
	}.write(t, to)
	rows, err := export(t, open(t, from, wiki), "pages")
	if err != nil {
		t.Fatal(err)
	}

	target := open(t, to, wiki)
	if err := load(t, target, "pages", rows...); err != nil {
		t.Fatal(err)
	}
	want := maps.Clone(moved)
	maps.DeleteFunc(want, func(name, _ string) bool { return target.owner(name) == nil || target.owner(name).Name != "pages" })
	maps.Copy(want, tree{"pages/old.tmp": "stays", "outside": "stays", "conf/other": "stays"})
	if got := read(t, to); !maps.Equal(got, want) {
		t.Errorf("the directory holds %v, want %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}

	again, err := export(t, target, "pages")
	if err != nil || !slices.Equal(again, rows) {
		t.Errorf("%d rows became %d, %v", len(rows), len(again), err)
	}
	if info, err := os.Stat(filepath.Join(to, "pages/a.txt")); err != nil || info.Mode().Perm() != 0o751 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(filepath.Join(to, stageDir)); err != nil || len(left) != 1 {
		t.Errorf("the adapter left %v, %v", left, err)
	}
}

func TestRowsArePartsOfFiles(t *testing.T) {
	dir := t.TempDir()
	tree{"t": strings.Repeat("a", partSize-1) + "é", "b": "\x00", "e": "", "x": strings.Repeat("a", partSize)}.write(t, dir)
	rows, err := export(t, open(t, dir, `[{name: a, include: ["*"]}]`), "a")
	if err != nil {
		t.Fatal(err)
	}

	var short []string
	for _, r := range rows {
		if len(r) > 200 {
			r = r[:20] + "…" + r[len(r)-8:]
		}
		short = append(short, r)
	}

	want := []string{
		`{"path":"b","part":0,"mode":"0640","size":1,"base64":"AA=="}`, `{"path":"e","part":0,"mode":"0640","size":0,"text":""}`,
		`{"path":"t","part":0…aaaaaa"}`, `{"path":"t","part":1,"mode":"0640","size":1048577,"text":"é"}`, `{"path":"x","part":0…aaaaaa"}`,
	}
	if !slices.Equal(short, want) {
		t.Errorf("%s", strings.Join(short, "\n"))
	}
}

func TestExportRefuses(t *testing.T) {
	for want, prepare := range map[string]func(dir string) error{
		"symbolic link":      func(dir string) error { return os.Symlink("x", filepath.Join(dir, "f")) },
		"neither a file nor": func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, "f"), 0o600) },
		"not UTF-8":          func(dir string) error { return os.WriteFile(filepath.Join(dir, "f\xff"), nil, 0o600) },
		"has set-user-id or set": func(dir string) error {
			return errors.Join(os.WriteFile(filepath.Join(dir, "f"), nil, 0o600), os.Chmod(filepath.Join(dir, "f"), 0o755|fs.ModeSetuid))
		},
	} {
		dir := t.TempDir()
		if err := prepare(dir); err != nil {
			t.Fatal(err)
		}
		a := open(t, dir, `[{name: a, include: ["*"]}]`)
		if _, err := export(t, a, "a"); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "f ") {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// TestFilesThatChange: a list or content that moves while it is read is noticed.
func TestFilesThatChange(t *testing.T) {
	dir := t.TempDir()
	tree{"f": "one"}.write(t, dir)
	a := open(t, dir, `[{name: a, include: ["*"]}]`)
	held, err := a.list(&a.config.datasets[0])
	if err != nil {
		t.Fatal(err)
	}
	full := filepath.Join(dir, "f")
	if err := os.WriteFile(full, []byte("two"), 0o640); err != nil {
		t.Fatal(err)
	}

	now, err := a.list(&a.config.datasets[0])
	if err != nil {
		t.Fatal(err)
	}
	if !held[0].same(held[0]) {
		t.Error("a file differs from itself")
	}
	if held[0].same(now[0]) && held[0].info.ModTime() != now[0].info.ModTime() {
		t.Error("a changed file counts as the same")
	}

	tree{"new": "two"}.write(t, dir)
	if err := os.Rename(filepath.Join(dir, "new"), full); err != nil {
		t.Fatal(err)
	}
	var copied bytes.Buffer
	if err := a.copyFile(&copied, now[0]); !errors.Is(err, errMoved) {
		t.Errorf("another file under the name: %v", err)
	}
	now, _ = a.list(&a.config.datasets[0])

	if err := os.Truncate(full, 1); err != nil {
		t.Fatal(err)
	}
	if err := a.copyFile(&copied, now[0]); !errors.Is(err, errMoved) {
		t.Errorf("a shorter file: %v", err)
	}
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	if err := a.copyFile(&copied, now[0]); !errors.Is(err, errMoved) {
		t.Errorf("no file: %v", err)
	}
}

// TestAWriterThatNeverRests: the export fails rather than show two moments.
func TestAWriterThatNeverRests(t *testing.T) {
	dir := t.TempDir()
	tree{"log": "", "big": strings.Repeat("x", 1<<20)}.write(t, dir)
	a := open(t, dir, `[{name: a, include: ["*"]}]`)

	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		f, err := os.OpenFile(filepath.Join(dir, "log"), os.O_APPEND|os.O_WRONLY, 0)
		for err == nil {
			select {
			case <-stop:
				stopped <- f.Close()
				return
			default:
				_, err = f.WriteString("x")
			}
		}
		stopped <- err
	}()

	// The writer may sleep through one attempt on a busy machine, not through all.
	refused := false
	for range 100 {
		s, err := a.Snapshot(t.Context())
		if err == nil {
			s.Close()
			continue
		}
		if refused = contract.ReasonOf(err) == contract.ReasonNotQuiesced; !refused {
			t.Error(err)
		}
		break
	}

	close(stop)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if !refused {
		t.Error("no export noticed the writer")
	}
	if _, err := export(t, a, "a"); err != nil {
		t.Errorf("the writer rests, and the export fails: %v", err)
	}
}

func TestImportRefuses(t *testing.T) {
	good := `{"path":"pages/a","part":0,"mode":"0644","size":1,"text":"x"}`
	for name, rows := range map[string][]string{
		"out of the root":    {`{"path":"../a","part":0,"mode":"0644","size":1,"text":"x"}`},
		"absolute":           {`{"path":"/pages/a","part":0,"mode":"0644","size":1,"text":"x"}`},
		"not shortest":       {`{"path":"pages/./a","part":0,"mode":"0644","size":1,"text":"x"}`},
		"zero byte":          {`{"path":"pages/a\u0000","part":0,"mode":"0644","size":1,"text":"x"}`},
		"not chosen":         {`{"path":"other","part":0,"mode":"0644","size":1,"text":"x"}`},
		"excluded":           {`{"path":"pages/x.tmp","part":0,"mode":"0644","size":1,"text":"x"}`},
		"the adapter's own":  {`{"path":".appbur/journal","part":0,"mode":"0644","size":1,"text":"x"}`},
		"through a link":     {`{"path":"pages/dir/a","part":0,"mode":"0644","size":1,"text":"x"}`},
		"of another dataset": {`{"path":"conf/a","part":0,"mode":"0644","size":1,"text":"x"}`},
		"no content":         {`{"path":"pages/a","part":0,"mode":"0644","size":0}`},
		"two contents":       {`{"path":"pages/a","part":0,"mode":"0644","size":1,"text":"x","base64":"eA=="}`},
		"bad base64":         {`{"path":"pages/a","part":0,"mode":"0644","size":1,"base64":"e"}`},
		"set-user-id":        {`{"path":"pages/a","part":0,"mode":"4755","size":1,"text":"x"}`},
		"no mode":            {`{"path":"pages/a","part":0,"size":1,"text":"x"}`},
		"no size":            {`{"path":"pages/a","part":0,"mode":"0644","text":"x"}`},
		"too short":          {`{"path":"pages/a","part":0,"mode":"0644","size":2,"text":"x"}`},
		"too short, not last": {
			`{"path":"pages/a","part":0,"mode":"0644","size":2,"text":"x"}`,
			`{"path":"pages/b","part":0,"mode":"0644","size":1,"text":"x"}`,
		},
		"begins with part 1":     {`{"path":"pages/a","part":1,"mode":"0644","size":1,"text":"x"}`},
		"a part twice":           {good, good},
		"another size":           {good, `{"path":"pages/a","part":1,"mode":"0644","size":2,"text":"x"}`},
		"file and directory":     {good, `{"path":"pages/a/b","part":0,"mode":"0644","size":1,"text":"x"}`},
		"a link with content":    {`{"path":"pages/a","part":0,"mode":"0644","size":1,"link":"x"}`},
		"bad time":               {`{"path":"pages/a","part":0,"mode":"0644","size":1,"text":"x","mtime":"noon"}`},
		"a path after another's": {good, `{"path":"pages/b","part":0,"mode":"0644","size":1,"text":"x"}`, good},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			before := tree{"pages/old": "old", "elsewhere/a": "safe", "pages/dir": "-> ../elsewhere"}
			before.write(t, dir)
			err := load(t, open(t, dir, wiki), "pages", rows...)
			if contract.ReasonOf(err) != contract.ReasonPayloadInvalid {
				t.Error(err)
			}
			if got := read(t, dir); !maps.Equal(got, before) {
				t.Errorf("the directory holds %v", got)
			}
		})
	}
}

// TestAFailedCommitIsUndone: a file that is not chosen stands in the way of the last
// step.
func TestAFailedCommitIsUndone(t *testing.T) {
	dir := t.TempDir()
	before := tree{"a": "1", "d/keep": "stays", "d/goes": "2", "e": "3"}
	before.write(t, dir)
	a := open(t, dir, `[{name: a, include: [a, b, d, new], exclude: [d/keep]}]`)
	file := `{"path":"%s","part":0,"mode":"0644","size":1,"text":"x"}`
	err := load(t, a, "a", fmt.Sprintf(file, "a"), fmt.Sprintf(file, "b"), fmt.Sprintf(file, "d"), fmt.Sprintf(file, "new/n"))
	if err == nil || !strings.Contains(err.Error(), "what was there is back") {
		t.Error(err)
	}
	if got := read(t, dir); !maps.Equal(got, before) {
		t.Errorf("the directory holds %v", got)
	}
	if err := load(t, a, "a", fmt.Sprintf(file, "b")); err != nil {
		t.Errorf("the next import: %v", err)
	}
	if got := read(t, dir); !maps.Equal(got, tree{"b": "x", "d/keep": "stays", "e": "3"}) {
		t.Errorf("the directory holds %v", got)
	}
}

// TestAnInterruptedCommitIsFinishedOnOpen stops a commit after any number of its steps; opening again ends it.
func TestAnInterruptedCommitIsFinishedOnOpen(t *testing.T) {
	before := tree{"a": "1", "d/x": "2", "f": "3", "g": "4"}
	after := tree{"a": "new a", "d": "new d", "f/y": "new y", "other": "-> a"}
	source := t.TempDir()
	after.write(t, source)
	const all = `[{name: a, include: ["**"], symlinks: keep}]`
	rows, err := export(t, open(t, source, all), "a")
	if err != nil {
		t.Fatal(err)
	}

	for steps := -2; ; steps++ {
		dir := t.TempDir()
		before.write(t, dir)
		a, err := Open(config(t, dir, all))
		if err != nil {
			t.Fatal(err)
		}
		tx, err := a.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := tx.Replace(t.Context(), "a", func(yield func(contract.Row, error) bool) {
			for _, r := range rows {
				if !yield(contract.Row(r), nil) {
					return
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
		j := &tx.(*transaction).journal
		for _, gone := range []string{"d/x", "f", "g"} {
			j.Actions = append(j.Actions, action{Path: gone})
		}
		if steps >= -1 {
			for i := range j.Actions {
				if err := j.Actions[i].keep(a.root, fmt.Sprintf("%s/%d", kept, i)); err != nil {
					t.Fatal(err)
				}
			}
		}
		want := before
		if steps >= 0 {
			want = after
			if err := j.write(a.root); err != nil {
				t.Fatal(err)
			}
			// What goes comes first.
			done, order := 0, append(slices.Clone(j.Actions[len(rows):]), j.Actions[:len(rows)]...)
			for ; done < min(steps, len(order)); done++ {
				if err := (&journal{Actions: order[done : done+1]}).step(a.root); err != nil {
					t.Fatal(err)
				}
			}
		}
		a.Close()
		b, err := Open(config(t, dir, all))
		if err != nil {
			t.Fatalf("after %d steps: %v", steps, err)
		}
		if got := read(t, dir); !maps.Equal(got, want) {
			t.Errorf("after %d steps the directory holds %v, want %v", steps, got, want)
		}
		b.Close()
		if steps > len(j.Actions) {
			return
		}
	}
}

func TestOneAdapterPerRoot(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, wiki)
	if _, err := Open(config(t, dir, wiki)); !errors.Is(err, ErrLocked) {
		t.Error(err)
	}
}

func TestPatternsMatchPaths(t *testing.T) {
	c, err := newChoice([]string{"a", "b/*.md", "**/deep", "x/**/y", "tail/**"}, []string{"a/no", "**/*.tmp"})
	if err != nil {
		t.Fatal(err)
	}

	for path, want := range map[string]bool{
		"a": true, "a/b/c": true, "a/no": false, "a/no/b": false, "ab": false, "b/x.md": true, "b/c/x.md": false, "b": false, "deep": true,
		"q/r/deep/s": true,
		"x/y":        true, "x/1/2/y": true, "x/1": false, "tail": false, "tail/a": true, "a/b.tmp": false, ".appbur/deep": false,
	} {
		if c.has(path) != want {
			t.Errorf("%s is chosen: %t", path, !want)
		}
		if want && strings.Contains(path, "/") && !c.below(parent(path)) {
			t.Errorf("%s is not looked into", parent(path))
		}
	}

	if narrow, _ := newChoice([]string{"a/b"}, nil); narrow.below("c") || narrow.below("a/c") {
		t.Error("directories are looked into that cannot hold anything")
	}
}

func TestParseConfigRefuses(t *testing.T) {
	for want, text := range map[string]string{
		"the file is empty":          "",
		"there is no setting colour": "colour: red",
		"version is needed":          "app: a",
		"is not an absolute path":    "version: '1'\nroot: x",
		"at least one dataset":       "version: '1'\nroot: /x",
		"include is needed":          "version: '1'\nroot: /x\ndatasets: [{name: a}]",
		`"../b" is not a relative`:   "version: '1'\nroot: /x\ndatasets: [{name: a, include: [../b]}]",
		"syntax error in pattern":    "version: '1'\nroot: /x\ndatasets: [{name: a, include: ['[']}]",
		`exclude: "/c" is not`:       "version: '1'\nroot: /x\ndatasets: [{name: a, include: [b], exclude: [/c]}]",
		`symlinks: "follow" is none`: "version: '1'\nroot: /x\ndatasets: [{name: a, include: [b], symlinks: follow}]",
	} {
		if _, err := ParseConfig([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		} else if appbur.HintOf(err) == "" {
			t.Errorf("%v has no hint", err)
		}
	}

	example, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if c, err := ParseConfig(example); err != nil || len(c.datasets) != 2 {
		t.Errorf("the example: %+v, %v", c, err)
	}
}

func FuzzParseRow(f *testing.F) {
	f.Add([]byte(`{"path":"a/b","part":0,"mode":"0644","size":1,"text":"x"}`))
	f.Add([]byte(`{"path":"../b","part":0,"link":"x"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, content, mode, _, err := parseRow(data)
		if err != nil {
			return
		}
		if !fs.ValidPath(r.Path) || r.Path == "." || mode&^0o777 != 0 || (r.Link != nil && content != nil) {
			t.Errorf("%q was accepted", data)
		}
	})
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("version: '1'\nroot: /x\ndatasets: [{name: a, include: ['**/b*', c], exclude: [d]}]"), "c/d")
	f.Fuzz(func(t *testing.T, text []byte, path string) {
		c, err := ParseConfig(text)
		if err != nil {
			return
		}
		for _, d := range c.datasets {
			if strings.HasPrefix(path, stageDir+"/") && d.has(path) {
				t.Errorf("%s is chosen", path)
			}
		}
	})
}
