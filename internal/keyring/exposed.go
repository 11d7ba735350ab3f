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

// Exposed returns those of some key files. One that cannot be looked at is not
// among them.
func Exposed(files []string) []ExposedFile {
	var exposed []ExposedFile
	for _, file := range files {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			exposed = append(exposed, ExposedFile{file, info.Mode().Perm()})
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
