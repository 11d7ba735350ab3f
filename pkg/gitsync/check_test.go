package gitsync_test

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/appbur/appbur/pkg/gitsync"
)

// checked is a repository with some history, two tags, and files that delta well.
type checked struct {
	testing.TB
	dir string
}

func newChecked(t testing.TB) *checked {
	t.Helper()
	r := newRepository(t)
	e := edit(t, r, gitsync.Hash{})
	text := strings.Repeat("a line that repeats itself\n", 300)
	for n := range 12 {
		put(t, e, fmt.Sprintf("namespaces/team/configmap/%d.yaml", n%5), fmt.Sprintf("%s%d\n", text, n))
		put(t, e, "cluster/one.yaml", fmt.Sprint(n))
		tip := commit(t, r, e, fmt.Sprint("commit ", n))
		if n%6 == 5 {
			point := edit(t, r, tip)
			put(t, point, "apps/a/b/rows/000000.ndjson", fmt.Sprintf("{\"row\":%d}\n", n))
			if _, _, err := r.CommitAndTag(t.Context(), fmt.Sprint("points/", n), point, tip, info("point"), tagInfo("point", nil)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return &checked{t, r.Dir()}
}

// copy is another repository with the same content, which takes less time than to
// make one.
func (c *checked) copy(t testing.TB) *checked {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repo.git")
	if err := os.CopyFS(dir, os.DirFS(c.dir)); err != nil {
		t.Fatal(err)
	}
	return &checked{t, dir}
}

func (c *checked) git(args ...string) string { c.Helper(); return git(c, c.dir, args...) }

func (c *checked) check(o gitsync.CheckOptions) gitsync.CheckReport {
	c.Helper()
	report, err := gitsync.Check(c.Context(), c.dir, o)
	if err != nil {
		c.Fatal(err)
	}
	return report
}

// pattern returns the only file that fits.
func (c *checked) one(pattern string) string {
	c.Helper()
	found, err := filepath.Glob(filepath.Join(c.dir, pattern))
	if err != nil || len(found) == 0 {
		c.Fatalf("%s: %v %v", pattern, found, err)
	}
	return found[0]
}

// change rewrites a file that is read-only.
func (c *checked) change(path string, fn func([]byte) []byte) {
	c.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		c.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		c.Fatal(err)
	}
	if err := os.WriteFile(path, fn(data), 0o644); err != nil {
		c.Fatal(err)
	}
}

// onePack puts everything in one pack with deltas.
func (c *checked) onePack() *checked { c.Helper(); c.git("repack", "-adfq"); return c }

// loose gives every object a file of its own.
func (c *checked) loose() *checked {
	c.Helper()
	c.onePack()
	pack, index := c.one("objects/pack/*.pack"), c.one("objects/pack/*.idx")
	data, err := os.ReadFile(pack)
	if err != nil {
		c.Fatal(err)
	}
	for _, path := range []string{pack, index} {
		if err := os.Remove(path); err != nil {
			c.Fatal(err)
		}
	}
	gitIn(c, c.dir, string(data), "unpack-objects", "-q")
	return c
}

func (c *checked) looseFile(rev string) string {
	c.Helper()
	id := c.git("rev-parse", rev)
	return filepath.Join(c.dir, "objects", id[:2], id[2:])
}

// literal stores an object that git would refuse to make.
func (c *checked) literal(kind, data string) string {
	c.Helper()
	return gitIn(c, c.dir, data, "hash-object", "-t", kind, "-w", "--literally", "--stdin")
}

// commitOf points main at a commit of a tree.
func (c *checked) commitOf(tree string) {
	c.Helper()
	c.git("update-ref", "refs/heads/main",
		c.literal("commit",
			fmt.Sprintf("tree %s\nparent %s\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\n", tree, c.git("rev-parse", "main"))))
}

func (c *checked) entry(mode, name, id string) string {
	c.Helper()
	raw := make([]byte, 20)
	if _, err := fmt.Sscanf(id, "%x", &raw); err != nil {
		c.Fatal(err)
	}
	return mode + " " + name + "\x00" + string(raw)
}

func (c *checked) blob(text string) string { c.Helper(); return c.literal("blob", text) }

// Sound repositories, as different tools leave them, are found sound by both.
func TestCheckFindsNothingInWhatIsSound(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	template := newChecked(t)
	for name, prepare := range map[string]func(*checked){
		"a pack for each commit": func(*checked) {},
		"one pack with deltas":   func(c *checked) { c.onePack() },
		"deltas by name": func(c *checked) {
			c.git("-c", "repack.useDeltaBaseOffset=false", "repack", "-adfq")
		},
		"loose objects": func(c *checked) { c.loose() },
		"packed refs":   func(c *checked) { c.git("pack-refs", "--all") },
		"an empty repository": func(c *checked) {
			c.dir = filepath.Join(c.TempDir(), "e.git")
			if _, err := gitsync.Init(c.dir); err != nil {
				c.Fatal(err)
			}
		},
		"an unfinished pack": func(c *checked) {
			c.change(c.one("objects/pack/*.pack"), func(b []byte) []byte { return b })
			writeFile(c, filepath.Join(c.dir, "objects/pack/tmp_pack_appbur"), "PACK")
		},
		"a pack without index": func(c *checked) {
			writeFile(c, filepath.Join(c.dir, "objects/pack/pack-"+strings.Repeat("0", 40)+".pack"), "PACK")
		},
		"a shallow clone":  func(c *checked) { c.clone("--depth=2", "--no-tags") },
		"borrowed objects": func(c *checked) { c.clone("--shared") },
		"an executable and a link": func(c *checked) {
			c.commitOf(c.literal("tree", c.entry("100755", "a", c.blob("x"))+c.entry("120000", "b", c.blob("a"))))
		},
		"an orphan whose parent was pruned": func(c *checked) {
			c.literal("commit", "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nparent "+strings.Repeat("1", 40)+
				"\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := template.copy(t)
			prepare(c)
			// An orphan is no fault to us, since nobody needs it; git fails on it. Of an empty
			// repository git says that it is empty.
			if !strings.Contains(name, "orphan") && !strings.Contains(name, "empty") {
				fsck(t, c.dir)
			}
			for _, quick := range []bool{false, true} {
				if report := c.check(gitsync.CheckOptions{Quick: quick}); len(report.Problems) > 0 {
					t.Errorf("quick %v: %+v", quick, report.Problems)
				} else if !quick && name != "an empty repository" && report.Objects == 0 {
					t.Error("no object was read")
				}
			}
		})
	}
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// clone goes on with a clone of the repository.
func (c *checked) clone(args ...string) {
	c.Helper()
	from := "file://" + c.dir
	if strings.Contains(strings.Join(args, ""), "shared") {
		from = c.dir
	}
	c.dir = filepath.Join(c.TempDir(), "clone.git")
	git(c, "/", append([]string{"clone", "-q", "--bare", from, c.dir}, args...)...)
}

// Everything that git fsck fails on, Check names, with a kind and with what it hits.
func TestCheckAgreesWithGitAboutWhatIsBroken(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	template := newChecked(t)
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[(at+len(b))%len(b)] ^= 4; return b }
	}
	for _, test := range []struct {
		name   string
		broken func(*checked)
		want   gitsync.ProblemKind
		// hits is a path that must be named as affected.
		hits string
		// unlike git says why git does not fail.
		unlikeGit string
		// slow problems are not seen by a quick check.
		slow bool
	}{
		{
			name: "a bit of a pack", broken: func(c *checked) { c.onePack().change(c.one("objects/pack/*.pack"), flip(700)) },
			want: gitsync.ProblemPack,
		},
		{
			name: "a bit of a delta", broken: func(c *checked) { c.onePack().change(c.one("objects/pack/*.pack"), flip(-40)) },
			want: gitsync.ProblemObject, slow: true,
		},
		{
			name: "the last byte of a pack", broken: func(c *checked) { c.onePack().change(c.one("objects/pack/*.pack"), flip(-1)) },
			want: gitsync.ProblemPack, slow: true,
		},
		{name: "a pack that is cut off", broken: func(c *checked) {
			c.onePack().change(c.one("objects/pack/*.pack"), func(b []byte) []byte { return b[:len(b)/2] })
		}, want: gitsync.ProblemPack},
		{name: "an empty pack file", broken: func(c *checked) {
			c.onePack().change(c.one("objects/pack/*.pack"), func([]byte) []byte { return nil })
		}, want: gitsync.ProblemPack},
		{name: "a pack that is gone", broken: func(c *checked) { c.onePack().remove("objects/pack/*.pack") }, want: gitsync.ProblemPack},
		{
			name: "a byte of an index", broken: func(c *checked) { c.onePack().change(c.one("objects/pack/*.idx"), flip(-30)) },
			want: gitsync.ProblemPackIndex, slow: true,
		},
		{name: "an index that is cut off", broken: func(c *checked) {
			c.onePack().change(c.one("objects/pack/*.idx"), func(b []byte) []byte { return b[:900] })
		}, want: gitsync.ProblemPackIndex},
		{
			name: "two places swapped in an index", broken: func(c *checked) { c.onePack().change(c.one("objects/pack/*.idx"), swapOffsets) },
			want: gitsync.ProblemObject,
		},
		{
			name: "a checksum in an index", broken: func(c *checked) { c.onePack().change(c.one("objects/pack/*.idx"), wrongCRC) },
			want: gitsync.ProblemPack, slow: true,
			unlikeGit: "git compares these only in verify-pack --strict of old versions",
		},
		{
			name: "a loose object that is gone", broken: func(c *checked) { c.loose().remove(c.looseFile("main:cluster/one.yaml")) },
			want: gitsync.ProblemMissing, hits: "cluster/one.yaml",
		},
		{
			name: "a payload that is gone", broken: func(c *checked) { c.loose().remove(c.looseFile("points/11:apps/a/b/rows/000000.ndjson")) },
			want: gitsync.ProblemMissing, hits: "apps/a/b/rows/000000.ndjson",
		},
		{
			name: "a tree that is gone", broken: func(c *checked) { c.loose().remove(c.looseFile("main~3:namespaces/team")) },
			want: gitsync.ProblemMissing, hits: "namespaces/team",
		},
		{name: "a commit that is gone", broken: func(c *checked) { c.loose().remove(c.looseFile("main~4")) }, want: gitsync.ProblemMissing},
		{name: "loose bytes that are another object's", broken: func(c *checked) {
			c.loose().swap(c.looseFile("main:cluster/one.yaml"), c.looseFile("main~1:cluster/one.yaml"))
		}, want: gitsync.ProblemObject, hits: "cluster/one.yaml", slow: true},
		{name: "a loose object that is no zlib stream", broken: func(c *checked) {
			c.loose().change(c.looseFile("main:cluster/one.yaml"), func([]byte) []byte { return []byte("rubbish") })
		}, want: gitsync.ProblemObject, hits: "cluster/one.yaml", slow: true},
		{name: "an empty loose object", broken: func(c *checked) {
			c.loose().change(c.looseFile("main^{tree}"), func([]byte) []byte { return nil })
		}, want: gitsync.ProblemObject},
		{
			name: "a branch that points nowhere", broken: func(c *checked) { writeFile(c, c.dir+"/refs/heads/main", strings.Repeat("1", 40)+"\n") },
			want: gitsync.ProblemRef,
		},
		{
			name: "a tag that points nowhere", broken: func(c *checked) { writeFile(c, c.dir+"/refs/tags/points/11", strings.Repeat("1", 40)+"\n") },
			want: gitsync.ProblemRef,
		},
		{
			name: "a ref full of rubbish", broken: func(c *checked) { writeFile(c, c.dir+"/refs/heads/main", "rubbish\n") },
			want: gitsync.ProblemRef,
		},
		{name: "an empty ref", broken: func(c *checked) { writeFile(c, c.dir+"/refs/heads/main", "") }, want: gitsync.ProblemRef},
		{
			name:   "packed refs full of rubbish",
			broken: func(c *checked) { writeFile(c, c.dir+"/packed-refs", "# pack-refs\nrubbish refs/heads/x\n") }, want: gitsync.ProblemRef,
			unlikeGit: "old versions of git die of it, new ones pass over it",
		},
		{name: "a HEAD that names nothing", broken: func(c *checked) { writeFile(c, c.dir+"/HEAD", "ref: rubbish\n") }, want: gitsync.ProblemRef},
		{
			name:   "a branch that points at a tree",
			broken: func(c *checked) { writeFile(c, c.dir+"/refs/heads/x", c.git("rev-parse", "main^{tree}")+"\n") }, want: gitsync.ProblemRef,
			slow: true,
		},
		{name: "a tree out of order", broken: func(c *checked) {
			b := c.blob("x")
			c.commitOf(c.literal("tree", c.entry("100644", "b", b)+c.entry("100644", "a", b)))
		}, want: gitsync.ProblemForm, slow: true},
		{name: "a directory sorted as a file", broken: func(c *checked) {
			b := c.blob("x")
			tree := c.literal("tree", c.entry("100644", "x", b))
			c.commitOf(c.literal("tree", c.entry("40000", "a", tree)+c.entry("100644", "a.b", b)))
		}, want: gitsync.ProblemForm, slow: true},
		{name: "a name twice in a tree", broken: func(c *checked) {
			b := c.blob("x")
			c.commitOf(c.literal("tree", c.entry("100644", "a", b)+c.entry("100644", "a", b)))
		}, want: gitsync.ProblemForm, slow: true},
		{name: "a file and a directory of one name", broken: func(c *checked) {
			b := c.blob("x")
			tree := c.literal("tree", c.entry("100644", "x", b))
			c.commitOf(c.literal("tree", c.entry("100644", "a", b)+c.entry("100644", "a.b", b)+c.entry("40000", "a", tree)))
		}, want: gitsync.ProblemForm, slow: true},
		{
			name: "a mode with a zero in front", broken: func(c *checked) { c.commitOf(c.literal("tree", c.entry("0100644", "a", c.blob("x")))) },
			want: gitsync.ProblemForm, slow: true,
		},
		{
			name: "a mode that git does not write", broken: func(c *checked) { c.commitOf(c.literal("tree", c.entry("100600", "a", c.blob("x")))) },
			want: gitsync.ProblemForm, slow: true, unlikeGit: "git only warns, since versions before 2005 wrote such modes",
		},
		{
			name: "a file named .git", broken: func(c *checked) { c.commitOf(c.literal("tree", c.entry("100644", ".git", c.blob("x")))) },
			want: gitsync.ProblemForm, slow: true,
		},
		{
			name: "a file named .GIT.", broken: func(c *checked) { c.commitOf(c.literal("tree", c.entry("100644", ".GIT.", c.blob("x")))) },
			want: gitsync.ProblemForm, slow: true,
		},
		{
			name: "a file named ..", broken: func(c *checked) { c.commitOf(c.literal("tree", c.entry("100644", "..", c.blob("x")))) },
			want: gitsync.ProblemForm, slow: true,
		},
		{
			name: "a name that is a path", broken: func(c *checked) { c.commitOf(c.literal("tree", c.entry("100644", "a/b", c.blob("x")))) },
			want: gitsync.ProblemForm, slow: true,
		},
		{
			name: "a file without a name", broken: func(c *checked) { c.commitOf(c.literal("tree", c.entry("100644", "", c.blob("x")))) },
			want: gitsync.ProblemForm, slow: true,
		},
		{name: "an entry of the null object", broken: func(c *checked) {
			c.commitOf(c.literal("tree",
				c.entry("100644", "a", strings.Repeat("0", 40))))
		}, want: gitsync.ProblemForm},
		{
			name: "a tree that is cut off", broken: func(c *checked) { c.commitOf(c.literal("tree", "100644 a\x00short")) },
			want: gitsync.ProblemForm, slow: true,
		},
		{
			name:   "a file referred to as a directory",
			broken: func(c *checked) { c.commitOf(c.literal("tree", c.entry("40000", "a", c.blob("x")))) }, want: gitsync.ProblemForm, hits: "a",
		},
		{name: "a directory referred to as a file", broken: func(c *checked) {
			c.commitOf(c.literal("tree", c.entry("100644", "a", c.git("rev-parse", "main^{tree}"))))
		}, want: gitsync.ProblemForm, slow: true},
		{
			name: "a commit without an author", broken: func(c *checked) { c.commitText("committer a <a@b> 1 +0000\n\nx\n") },
			want: gitsync.ProblemForm, slow: true,
		},
		{name: "a commit of two authors", broken: func(c *checked) {
			c.commitText("author a <a@b> 1 +0000\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\n")
		}, want: gitsync.ProblemForm, slow: true},
		{
			name: "an author without an address", broken: func(c *checked) { c.commitText("author a 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\n") },
			want: gitsync.ProblemForm, slow: true,
		},
		{
			name: "an author with a bracket", broken: func(c *checked) { c.commitText("author a> <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\n") },
			want: gitsync.ProblemForm, slow: true,
		},
		{
			name:   "a time with a zero in front",
			broken: func(c *checked) { c.commitText("author a <a@b> 01 +0000\ncommitter a <a@b> 1 +0000\n\nx\n") }, want: gitsync.ProblemForm,
			slow: true,
		},
		{
			name: "a time without a zone", broken: func(c *checked) { c.commitText("author a <a@b> 1\ncommitter a <a@b> 1 +0000\n\nx\n") },
			want: gitsync.ProblemForm, slow: true,
		},
		{
			name:   "a commit with a zero byte",
			broken: func(c *checked) { c.commitText("author a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nx\x00y\n") }, want: gitsync.ProblemForm,
			slow: true,
		},
		{name: "a tag with a forged tagger", broken: func(c *checked) {
			c.git("update-ref", "refs/tags/x",
				c.literal("tag", "object "+c.git("rev-parse", "main")+"\ntype commit\ntag x\ntagger a <a@b> <c@d> 1 +0000\n\nx\n"))
		}, want: gitsync.ProblemForm, slow: true},
		{name: "a tag of an unknown type", broken: func(c *checked) {
			c.git("update-ref", "refs/tags/x", "main")
			writeFile(c, c.dir+"/refs/tags/x",
				c.literal("tag", "object "+c.git("rev-parse", "main")+"\ntype thing\ntag x\ntagger a <a@b> 1 +0000\n\nx\n")+"\n")
		}, want: gitsync.ProblemForm, slow: true},
		{name: "a tag of something that is gone", broken: func(c *checked) {
			writeFile(c, c.dir+"/refs/tags/x",
				c.literal("tag", "object "+strings.Repeat("1", 40)+"\ntype commit\ntag x\ntagger a <a@b> 1 +0000\n\nx\n")+"\n")
		}, want: gitsync.ProblemMissing},
		{name: "a history that was cut off", broken: func(c *checked) { c.loose().remove(c.looseFile("main~11")) }, want: gitsync.ProblemMissing},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := template.copy(t)
			test.broken(c)
			out, err := tryGit(c.dir, "", "fsck", "--strict", "--full")
			if err == nil && test.unlikeGit == "" {
				t.Errorf("git fsck says nothing about it: %s", out)
			}
			report := c.check(gitsync.CheckOptions{})

			var found *gitsync.Problem
			for i, p := range report.Problems {
				if p.Kind == test.want && (found == nil || len(p.Affects) > 0) {
					found = &report.Problems[i]
				}
			}

			if found == nil {
				t.Fatalf("no problem of the kind %s in %+v\ngit: %s", test.want, report.Problems, out)
			}
			if test.hits != "" && !strings.Contains(fmt.Sprint(found.Affects), " "+test.hits+"}") {
				t.Errorf("it does not name %s: %+v", test.hits, found.Affects)
			}
			if quick := c.check(gitsync.CheckOptions{Quick: true}); !test.slow && len(quick.Problems) == 0 {
				t.Errorf("the quick check misses it")
			}
		})
	}
}

func (c *checked) remove(pattern string) {
	c.Helper()
	if !filepath.IsAbs(pattern) {
		pattern = c.one(pattern)
	}
	if err := os.Remove(pattern); err != nil {
		c.Fatal(err)
	}
}

func (c *checked) swap(a, b string) {
	c.Helper()
	for _, move := range [][2]string{{a, a + "~"}, {b, a}, {a + "~", b}} {
		if err := os.Rename(move[0], move[1]); err != nil {
			c.Fatal(err)
		}
	}
}

// commitText points main at a commit with the given lines after its parent.
func (c *checked) commitText(rest string) {
	c.Helper()
	tip := c.git("rev-parse", "main")
	writeFile(c, c.dir+"/refs/heads/main", c.literal("commit", "tree "+c.git("rev-parse", "main^{tree}")+"\nparent "+tip+"\n"+rest)+"\n")
}

// indexParts finds the tables of a pack index.
func indexParts(b []byte) (count, crcs, offsets int) {
	count = int(b[8+255*4])<<24 | int(b[8+255*4+1])<<16 | int(b[8+255*4+2])<<8 | int(b[8+255*4+3])
	crcs = 8 + 1024 + 20*count
	return count, crcs, crcs + 4*count
}

func resum(b []byte) []byte {
	sum := sha1.Sum(b[:len(b)-20])
	return append(bytes.Clone(b[:len(b)-20]), sum[:]...)
}

// swapOffsets makes an index lie, with a checksum that fits.
func swapOffsets(b []byte) []byte {
	_, _, offsets := indexParts(b)
	for i := range 4 {
		b[offsets+i], b[offsets+4+i] = b[offsets+4+i], b[offsets+i]
	}
	return resum(b)
}

func wrongCRC(b []byte) []byte {
	_, crcs, _ := indexParts(b)
	b[crcs] ^= 1
	return resum(b)
}

// Whatever byte of a repository's packs changes, the check says so.
func TestCheckNoticesEveryChangedByte(t *testing.T) {
	if testing.Short() {
		t.Skip("long: run without -short")
	}

	c := newChecked(t).onePack()
	for _, pattern := range []string{"objects/pack/*.pack", "objects/pack/*.idx"} {
		path := c.one(pattern)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		// A stride that is prime visits all sorts of places.
		for at := 0; at < len(data); at += 61 {
			c.change(path, func(b []byte) []byte { b[at] ^= 0x10; return b })
			if report := c.check(gitsync.CheckOptions{}); len(report.Problems) == 0 {
				t.Errorf("%s: byte %d of %d changed and nothing was said", pattern, at, len(data))
			}
			c.change(path, func(b []byte) []byte { b[at] ^= 0x10; return b })
		}
	}
	if report := c.check(gitsync.CheckOptions{}); len(report.Problems) > 0 {
		t.Errorf("after all was put back: %+v", report.Problems)
	}
}

// A way from the tip to an old commit is found, and that there is none.
func TestBetween(t *testing.T) {
	r := newRepository(t)
	e := edit(t, r, gitsync.Hash{})

	var commits []gitsync.Hash
	for n := range 5 {
		put(t, e, "f", fmt.Sprint(n))
		commits = append(commits, commit(t, r, e, fmt.Sprint(n)))
	}

	other := hash(t, gitIn(t, r.Dir(), "", "commit-tree", "-p", commits[0].String(), "-m", "x", commits[1].String()+"^{tree}"))
	for _, test := range []struct {
		tip, old gitsync.Hash
		want     bool
		visits   int
	}{
		{commits[4], commits[4], true, 0},
		{commits[4], commits[1], true, 3},
		{commits[1], commits[4], false, 2},
		{commits[4], other, false, 5},
		{other, commits[0], true, 1},
		{commits[4], hash(t, strings.Repeat("1", 40)), false, 0},
	} {
		visits := 0
		got, err := r.Between(test.tip, test.old, func(gitsync.Commit) error { visits++; return nil })
		if err != nil || got != test.want || visits != test.visits {
			t.Errorf("between %s and %s: %v after %d visits, %v; want %v after %d", test.tip.Short(), test.old.Short(), got, visits, err, test.want,
				test.visits)
		}
	}
}
