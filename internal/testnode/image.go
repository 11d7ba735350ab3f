//go:build linux

package testnode

import (
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// Image is a container image that is made of files.
type Image struct {
	name    string
	files   map[string]file // by path without the leading slash
	command []string
	entry   []string
	env     []string
	user    string
}

// file is a file, a directory or a link of an image. It belongs to root, and everybody may read it.
type file struct {
	mode    fs.FileMode
	content []byte
	target  string // of a link
}

// NewImage is an image without a file. The name is what pods call it, tag included.
func NewImage(name string) *Image {
	i := &Image{name: name, files: make(map[string]file), env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}}
	i.directory("tmp", 0o777|fs.ModeSticky)
	return i
}

// Name is what pods call it.
func (i *Image) Name() string { return i.name }

// File adds a file with a content.
func (i *Image) File(at, content string, mode fs.FileMode) *Image {
	return i.add(at, file{mode: mode, content: []byte(content)})
}

// Link adds a symbolic link.
func (i *Image) Link(at, target string) *Image {
	return i.add(at, file{mode: fs.ModeSymlink | 0o777, target: target})
}

// Copy adds a file of this machine under another path, or a directory with all in it.
func (i *Image) Copy(t testing.TB, from, at string) *Image {
	t.Helper()
	err := filepath.WalkDir(from, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		return i.copyOne(name, path.Join(at, below), info)
	})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (i *Image) copyOne(from, at string, info fs.FileInfo) error {
	switch {
	case info.IsDir():
		i.directory(clean(at), info.Mode().Perm())
	case info.Mode().Type() == fs.ModeSymlink:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		i.Link(at, target)
	case info.Mode().IsRegular():
		content, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		i.add(at, file{mode: info.Mode().Perm(), content: content})
	}
	return nil
}

// Program adds programs of this machine where they are, with the libraries that ldd says they need. Names without a
// slash are looked up.
func (i *Image) Program(t testing.TB, names ...string) *Image {
	t.Helper()
	for _, name := range names {
		found, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		i.real(t, found)
		i.Libraries(t, found)
	}
	return i
}

// Libraries adds the libraries of a program or a library, which may be one that is loaded when it is needed.
func (i *Image) Libraries(t testing.TB, of string) *Image {
	t.Helper()
	out, err := exec.Command("ldd", of).CombinedOutput()
	if err != nil && !strings.Contains(string(out), "not a dynamic executable") {
		t.Fatalf("ldd %s: %v\n%s", of, err, out)
	}
	for _, library := range libraryPath.FindAllStringSubmatch(string(out), -1) {
		i.real(t, library[1])
	}
	return i
}

// libraryPath finds what ldd has found: "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)", or the loader alone.
var libraryPath = regexp.MustCompile(`(/\S+) \(0x`)

// real adds a file under the path by which it is asked for, whatever links lead to it on this machine.
func (i *Image) real(t testing.TB, name string) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	i.add(name, file{mode: info.Mode().Perm(), content: content})
}

// Command sets what runs where a pod does not say it.
func (i *Image) Command(words ...string) *Image {
	i.command = words
	return i
}

// Entrypoint sets what runs with the arguments of a pod.
func (i *Image) Entrypoint(words ...string) *Image {
	i.entry = words
	return i
}

// Env adds variables of the form NAME=value.
func (i *Image) Env(variables ...string) *Image {
	i.env = append(i.env, variables...)
	return i
}

// User sets who runs it, as uid:gid.
func (i *Image) User(user string) *Image {
	i.user = user
	return i
}

func (i *Image) add(at string, f file) *Image {
	name := clean(at)
	i.directory(path.Dir(name), 0o755)
	i.files[name] = f
	return i
}

// directory adds one, and those above it that are missing.
func (i *Image) directory(name string, mode fs.FileMode) {
	if name == "." || name == "" {
		return
	}
	i.directory(path.Dir(name), 0o755)
	if _, there := i.files[name]; !there {
		i.files[name] = file{mode: fs.ModeDir | mode}
	}
}

// paths are sorted, so that directories come before what is in them.
func (i *Image) paths() []string { return slices.Sorted(maps.Keys(i.files)) }

func clean(at string) string { return strings.TrimPrefix(path.Clean("/"+at), "/") }

// epoch is the time of all files, so that equal files make equal images.
var epoch = time.Unix(0, 0).UTC()
