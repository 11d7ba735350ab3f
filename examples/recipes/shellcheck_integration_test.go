//go:build integration

package recipes

import (
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestShellcheck has shellcheck read every text as one for a plain shell: images have dash, bash or busybox.
func TestShellcheck(t *testing.T) {
	for _, name := range names(t) {
		for where, text := range shellTexts(t, name) {
			cmd := osexec.CommandContext(t.Context(), filepath.Join(unpackedDir(t), "usr", "bin", "shellcheck"), "--shell=sh", "-")
			cmd.Stdin = strings.NewReader(text)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %s: %v\n%s", name, where, err, out)
			}
		}
	}
}
