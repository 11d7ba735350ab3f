package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// WriteReference writes the command reference as Markdown into dir: the help
// texts are the documentation, so the two cannot disagree.
func WriteReference(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("command reference: %w", err)
	}
	old, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		return fmt.Errorf("command reference: %w", err)
	}

	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("command reference: %w", err)
		}
	}

	root := newRoot(&env{
		Streams: &Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard},
		now:     func() time.Time { return time.Time{} },
		getenv:  func(string) string { return "" },
	})
	root.DisableAutoGenTag = true
	return writeReference(root, dir)
}

func writeReference(command *cobra.Command, dir string) error {
	for _, child := range command.Commands() {
		if !child.IsAvailableCommand() || child.IsAdditionalHelpTopicCommand() {
			continue
		}
		if err := writeReference(child, dir); err != nil {
			return err
		}
	}
	var page bytes.Buffer
	if err := doc.GenMarkdown(command, &page); err != nil {
		return fmt.Errorf("command reference: %w", err)
	}
	name := strings.ReplaceAll(command.CommandPath(), " ", "_") + ".md"
	if err := os.WriteFile(filepath.Join(dir, name), page.Bytes(), 0o644); err != nil {
		return fmt.Errorf("command reference: %w", err)
	}
	return nil
}
