package gitsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/config"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
)

// settings is the section of the Git configuration that is appbur's own.
const settings = "appbur"

// Setting returns a value of the section appbur in the repository's Git configuration, ""
// if it is not set.
func (r *Repository) Setting(key string) (string, error) {
	cfg, _, err := r.readConfig()
	if err != nil {
		return "", err
	}
	return cfg.Section(settings).Option(key), nil
}

// SetSetting sets a value of the section appbur, where git finds it, or takes it out if the
// value is "". Nothing else in the file changes. A file that is written in a way that
// cannot be edited line by line is left alone, with an error.
func (r *Repository) SetSetting(ctx context.Context, key, value string) error {
	return r.editConfig(ctx, func(_ *config.Config, text []byte) ([]byte, error) {
		text = setOption(text, settings, key, value)
		cfg := config.New()
		if err := config.NewDecoder(bytes.NewReader(text)).Decode(cfg); err != nil || cfg.Section(settings).Option(key) != value {
			return nil, appbur.WithHint(fmt.Errorf("%s is written in a way that cannot be edited here", r.configPath()),
				fmt.Sprintf("use git: git -C %s config %s.%s %s", r.dir, settings, key, value))
		}
		return text, nil
	})
}

// setOption replaces an option of a section without a name below it. All lines that
// set it go; the new one, if there is a value, comes right below the first header of
// the section, or at the end with a header of its own.
func setOption(text []byte, section, key, value string) []byte {
	var out bytes.Buffer
	inside, written := false, value == ""
	line := fmt.Sprintf("\t%s = %s\n", key, value)

	for old := range bytes.Lines(text) {
		trimmed := bytes.TrimSpace(old)
		if len(trimmed) > 0 && trimmed[0] == '[' {
			inside = strings.EqualFold(string(trimmed), "["+section+"]")
		} else if name, _, _ := bytes.Cut(trimmed, []byte("=")); inside && strings.EqualFold(string(bytes.TrimSpace(name)), key) {
			continue
		}
		out.Write(old)
		if !bytes.HasSuffix(old, []byte("\n")) {
			out.WriteByte('\n')
		}
		if inside && !written {
			out.WriteString(line)
			written = true
		}
	}

	if !written {
		fmt.Fprintf(&out, "[%s]\n%s", section, line)
	}
	return out.Bytes()
}

func (r *Repository) configPath() string { return filepath.Join(r.dir, "config") }

func (r *Repository) readConfig() (*config.Config, []byte, error) {
	text, err := os.ReadFile(r.configPath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("read config: %w", err)
	}
	cfg := config.New()
	if err := config.NewDecoder(bytes.NewReader(text)).Decode(cfg); err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", r.configPath(), err)
	}
	return cfg, text, nil
}

// editConfig replaces the configuration under the lock file that git uses. What
// people wrote in it, comments included, stays as it is.
func (r *Repository) editConfig(ctx context.Context, change func(*config.Config, []byte) ([]byte, error)) error {
	unlock, err := r.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	lock := r.configPath() + ".lock"
	if _, err := os.Lstat(lock); err == nil {
		return appbur.WithHint(fmt.Errorf("config: %w by git", ErrLocked), "if no git command is running, delete "+lock)
	}
	cfg, text, err := r.readConfig()
	if err != nil {
		return err
	}

	if text, err = change(cfg, text); err != nil {
		return err
	}
	if err := durable.Restage(lock, 0o644, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	}); err != nil {
		return errors.Join(fmt.Errorf("write config: %w", err), os.Remove(lock))
	}
	if err := os.Rename(lock, r.configPath()); err != nil {
		return fmt.Errorf("write config: %w", err)
	}
	return durable.SyncDir(r.dir)
}
