package keyring

import (
	"io/fs"
	"os"
)

// ExposedFile is a key file that others than its owner can read or write.
type ExposedFile struct {
	File string
	Mode fs.FileMode
}

// mountedMode is what a Secret has that is mounted in a pod whose user is not root: it belongs to root, and the only
// member of its group is that user.
const mountedMode fs.FileMode = 0o440

// Exposed returns those of some key files. One that cannot be looked at is not
// among them.
func Exposed(files []string) []ExposedFile {
	var exposed []ExposedFile
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 && mode != mountedMode {
			exposed = append(exposed, ExposedFile{file, mode})
		}
	}
	return exposed
}

// WritableByOthers returns those of some files and directories that others than their
// owner can write to. One that cannot be looked at is not among them.
func WritableByOthers(files []string) []ExposedFile {
	var exposed []ExposedFile
	for _, file := range files {
		// A directory with the sticky bit lets no user replace the files of others.
		if info, err := os.Stat(file); err == nil && info.Mode().Perm()&0o022 != 0 && (!info.IsDir() || info.Mode()&fs.ModeSticky == 0) {
			exposed = append(exposed, ExposedFile{file, info.Mode().Perm()})
		}
	}
	return exposed
}
