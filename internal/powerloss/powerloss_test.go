package powerloss

import (
	"fmt"
	"strings"
	"testing"
)

func TestWhatAPowerFailureLeaves(t *testing.T) {
	tests := []struct {
		title string
		trace string
		want  string
	}{
		{"bytes without a sync are torn, and so is the name", `
1.1 openat(AT_FDCWD</w>, "d/f", O_RDWR|O_CREAT|O_CLOEXEC, 0644) = 3</w/d/f>
1.2 write(3</w/d/f>, ""..., 4) = 4`, "/w/d/f (nameless) /w/d/f (torn)"},

		{"the sync of a file does not make its name durable", `
1.1 openat(AT_FDCWD</w>, "d/f", O_RDWR|O_CREAT|O_CLOEXEC, 0644) = 3</w/d/f>
1.2 write(3</w/d/f>, ""..., 4) = 4
1.3 fsync(3</w/d/f>) = 0`, "/w/d/f (nameless)"},

		{"a failed sync makes nothing durable", `
1.1 openat(AT_FDCWD</w>, "/w/d", O_RDONLY|O_CLOEXEC) = 4</w/d>
1.2 write(3</w/d/f>, ""..., 4) = 4
1.3 fsync(3</w/d/f>) = -1 EIO (Input/output error)`, "/w/d/f (torn)"},

		{"lines of two threads are put in order", `
1.3 fsync(3</w/d/f>) = 0
1.4 fsync(4</w/d>) = 0
1.1 openat(AT_FDCWD</w>, "d/f", O_RDWR|O_CREAT|O_CLOEXEC, 0644) = 3</w/d/f>
1.2 write(3</w/d/f>, ""..., 4) = 4`, ""},

		{"a rename needs the directory", `
1.1 openat(AT_FDCWD</w>, "d/f.lock", O_RDWR|O_CREAT|O_EXCL, 0644) = 3</w/d/f.lock>
1.2 fsync(3</w/d/f.lock>) = 0
1.3 fsync(4</w/d>) = 0
1.4 renameat(AT_FDCWD</w>, "/w/d/f.lock", AT_FDCWD</w>, "/w/d/f") = 0`, "/w/d/f (nameless) /w/d/f.lock (back)"},

		{"a directory that is renamed takes along what is in it", `
1.1 mkdirat(AT_FDCWD</w>, "d/new", 0755) = 0
1.2 openat(AT_FDCWD</w>, "d/new/f", O_RDWR|O_CREAT|O_EXCL, 0644) = 3</w/d/new/f>
1.3 renameat(AT_FDCWD</w>, "d/new", AT_FDCWD</w>, "d/made") = 0
1.4 fsync(4</w/d>) = 0`, "/w/d/made/f (nameless)"},

		{"what was removed is back until the directory is synced", `
1.1 unlinkat(AT_FDCWD</w>, "d/f", 0) = 0`, "/w/d/f (back)"},
	}
	for _, test := range tests {
		t.Run(test.title, func(t *testing.T) {
			events, err := parse(strings.Split(strings.TrimSpace(test.trace), "\n"))
			if err != nil {
				t.Fatal(err)
			}

			disk := NewDisk()
			for _, e := range events {
				disk.Apply(e)
			}
			if got := strings.Trim(fmt.Sprint(disk.Losses("/w/d")), "[]"); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}
