package powerloss

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Event is one successful system call that changes files or makes changes durable.
type Event struct {
	// Call is its name without variants: create, mkdir, write, rename, link, remove or sync.
	Call string
	// Path is absolute. It is the new name of a rename or link.
	Path string
	// From is the former name, for rename and link.
	From string
}

// calls are the system calls that a trace holds, and what they do. The names are those of strace.
var calls = map[string]string{
	"openat": "create", "open": "create", "creat": "create",
	"mkdirat": "mkdir", "mkdir": "mkdir",
	"write": "write", "pwrite64": "write", "writev": "write", "pwritev": "write", "ftruncate": "write", "fallocate": "write",
	"copy_file_range": "write", "sendfile": "write", "splice": "write",
	"rename": "rename", "renameat": "rename", "renameat2": "rename",
	"link": "link", "linkat": "link",
	"unlink": "remove", "unlinkat": "remove", "rmdir": "remove",
	"fsync": "sync", "fdatasync": "sync",
}

// Trace runs a command to its end and returns what it and its children did to files. The
// directory takes strace's files. That the command fails is an error.
func Trace(ctx context.Context, cmd *exec.Cmd, dir string) ([]Event, error) {
	names := make([]string, 0, len(calls))
	for name := range calls {
		names = append(names, name)
	}
	slices.Sort(names)

	// A "?" lets strace pass over calls that this architecture does not have.
	out := filepath.Join(dir, "trace")
	args := []string{"-ff", "-ttt", "-y", "-s", "0", "-e", "signal=none", "-e", "trace=?" + strings.Join(names, ",?"), "-o", out, "--"}
	traced := exec.CommandContext(ctx, "strace", append(append(args, cmd.Path), cmd.Args[1:]...)...)
	traced.Env, traced.Dir, traced.Stdin = cmd.Env, cmd.Dir, cmd.Stdin
	if said, err := traced.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("strace %s: %w: %s", cmd, err, said)
	}

	files, err := filepath.Glob(out + ".*")
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		lines = append(lines, strings.Split(string(bytes.TrimSpace(data)), "\n")...)
	}
	return parse(lines)
}

// line is a call as strace -ff -ttt -y writes it: the time when it began, name, arguments, result, and
// the file behind a resulting descriptor.
var line = regexp.MustCompile(`^(\d+\.\d+) (\w+)\((.*)\) += (-?\d+)(?:<([^>]*)>)?`)

// parse puts the lines of all threads in the order in which their calls began. A call that
// depends on another one begins after that has ended, so that its place is right.
func parse(lines []string) ([]Event, error) {
	type timed struct {
		at    float64
		event Event
	}
	var found []timed
	for _, text := range lines {
		m := line.FindStringSubmatch(text)
		if m == nil || strings.HasPrefix(m[4], "-") {
			continue // exits, calls that a kill cut off, and calls that failed
		}
		at, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return nil, fmt.Errorf("time of %q: %w", text, err)
		}
		e, ok, err := eventOf(m[2], m[3], m[5])
		if err != nil {
			return nil, fmt.Errorf("read %q: %w", text, err)
		}
		if ok {
			found = append(found, timed{at: at, event: e})
		}
	}
	slices.SortStableFunc(found, func(a, b timed) int { return cmp.Compare(a.at, b.at) })

	events := make([]Event, len(found))
	for i, f := range found {
		events[i] = f.event
	}
	return events, nil
}

var (
	// named is a path argument, with the directory that a relative one begins at, if the call has one.
	named = regexp.MustCompile(`(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"([^"]*)"`)
	// open is a descriptor and its file.
	open = regexp.MustCompile(`\d+<([^>]*)>`)
)

// eventOf reads one call. Opening a file without making or emptying one is no event.
func eventOf(name, args, result string) (Event, bool, error) {
	call, known := calls[name]
	if !known {
		return Event{}, false, fmt.Errorf("unknown call %s", name)
	}

	switch call {
	case "create":
		if !strings.Contains(args, "O_CREAT") && !strings.Contains(args, "O_TRUNC") && name != "creat" {
			return Event{}, false, nil
		}
		return Event{Call: call, Path: result}, strings.HasPrefix(result, "/"), nil
	case "write", "sync":
		files := open.FindAllStringSubmatch(args, -1)
		if len(files) == 0 {
			return Event{}, false, nil
		}
		file := files[0]
		if name == "copy_file_range" || name == "splice" {
			file = files[len(files)-1] // the second descriptor is written to
		}
		return Event{Call: call, Path: file[1]}, strings.HasPrefix(file[1], "/"), nil
	}

	var paths []string
	for _, m := range named.FindAllStringSubmatch(args, -1) {
		path := m[2]
		if !filepath.IsAbs(path) {
			path = filepath.Join(m[1], path)
		}
		if !filepath.IsAbs(path) {
			return Event{}, false, fmt.Errorf("relative path %q", path)
		}
		paths = append(paths, filepath.Clean(path))
	}
	switch {
	case len(paths) == 1 && (call == "mkdir" || call == "remove"):
		return Event{Call: call, Path: paths[0]}, true, nil
	case len(paths) == 2 && (call == "rename" || call == "link"):
		return Event{Call: call, From: paths[0], Path: paths[1]}, true, nil
	}
	return Event{}, false, fmt.Errorf("%d paths", len(paths))
}
