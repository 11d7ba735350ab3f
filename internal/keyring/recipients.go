package keyring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/appbur/appbur"
)

// RecipientsFile names who can decrypt, in the format of age: a recipient in each line, comments begin with "#". It is
// for a machine that has no identity and begins a history all the same.
const RecipientsFile = "recipients.txt"

// Recipients are those whom a new history is encrypted to: those that the key directory names, or else the owners of the
// identities in it.
func Recipients(dir string) ([]string, error) {
	path := filepath.Join(dir, RecipientsFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		opener, err := LoadOpener(dir, "")
		if err != nil {
			return nil, &Error{appbur.WithHint(fmt.Errorf("nobody is known who could decrypt: no %s and no %s in the key directory %s",
				RecipientsFile, IdentityFile, dir), "write the public key of the age identity (age1…) into "+path)}
		}
		return opener.Recipients(), nil
	}
	if err != nil {
		return nil, &Error{fmt.Errorf("reading the recipients: %w", err)}
	}

	var list []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			list = append(list, line)
		}
	}
	if len(list) == 0 {
		return nil, &Error{appbur.WithHint(fmt.Errorf("%s names nobody who could decrypt", path), "it holds lines that begin with age1")}
	}
	return list, nil
}
