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
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/config"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/durable"
)

// RemoteConfig is a remote as it stands in the file config of the repository,
// where `git remote` keeps them too.
type RemoteConfig struct {
	Name string
	URL  RemoteURL
	// AllowPlaintext is the setting appburAllowPlaintext.
	AllowPlaintext bool
}

// ErrRemoteName means that no remote has a name, or that it is taken or unusable.
var ErrRemoteName = errors.New("remote")

// remoteName keeps names usable in refs, in file names and on command lines.
var remoteName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$`)

// CheckRemoteName refuses names that cannot be those of remotes.
func CheckRemoteName(name string) error {
	if len(name) > 100 || !remoteName.MatchString(name) || strings.HasSuffix(name, ".lock") {
		return appbur.WithHint(fmt.Errorf("%w: %q cannot be a name", ErrRemoteName, name), "use letters, digits, dots, dashes and underscores")
	}
	return nil
}

// Remotes returns the remotes of the repository, sorted by name.
func (r *Repository) Remotes() ([]RemoteConfig, error) {
	cfg, _, err := r.readConfig()
	if err != nil {
		return nil, err
	}
	var list []RemoteConfig
	for _, section := range cfg.Section("remote").Subsections {
		c, err := remoteOf(section)
		if err != nil {
			return nil, fmt.Errorf("remote %q in %s: %w", section.Name, r.configPath(), err)
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b RemoteConfig) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

func remoteOf(section *config.Subsection) (RemoteConfig, error) {
	c := RemoteConfig{Name: section.Name}
	if err := CheckRemoteName(c.Name); err != nil {
		return c, err
	}
	urls := section.OptionAll("url")
	if len(urls) != 1 || section.HasOption("pushurl") {
		return c, appbur.WithHint(errors.New("it must have one url and no pushurl"), "make a remote for each place")
	}
	var err error
	if c.URL, err = ParseRemoteURL(urls[0]); err != nil {
		return c, err
	}
	if text := section.Option(allowPlaintextKey); text != "" {
		if c.AllowPlaintext, err = strconv.ParseBool(text); err != nil {
			return c, fmt.Errorf("%s is %q, want true or false", allowPlaintextKey, text)
		}
	}
	return c, nil
}

const (
	allowPlaintextKey = "appburAllowPlaintext"
	requiredKey       = "requiredRemotes"
)

// RequiredRemotes returns how many remotes must hold a restore point, for it to
// count as replicated: the setting appbur.requiredRemotes, or else all of them.
func (r *Repository) RequiredRemotes() (int, error) {
	cfg, _, err := r.readConfig()
	if err != nil {
		return 0, err
	}
	all := len(cfg.Section("remote").Subsections)
	text := cfg.Section("appbur").Option(requiredKey)
	if text == "" {
		return all, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, appbur.WithHint(fmt.Errorf("appbur.%s in %s is %q, want a number", requiredKey, r.configPath(), text),
			fmt.Sprintf("git -C %s config appbur.%s 1", r.dir, requiredKey))
	}
	return n, nil
}

// AllRemotes makes [Repository.RequireRemotes] require all remotes there are.
const AllRemotes = -1

// RequireRemotes sets appbur.requiredRemotes, or takes it out for [AllRemotes].
func (r *Repository) RequireRemotes(ctx context.Context, n int) error {
	if n < AllRemotes {
		return fmt.Errorf("%w: %d cannot be required", ErrRemoteName, n)
	}
	return r.editConfig(ctx, func(_ *config.Config, text []byte) ([]byte, error) {
		want := ""
		if n != AllRemotes {
			want = strconv.Itoa(n)
		}
		text = setOption(text, "appbur", requiredKey, want)
		cfg := config.New()
		if err := config.NewDecoder(bytes.NewReader(text)).Decode(cfg); err != nil || cfg.Section("appbur").Option(requiredKey) != want {
			return nil, appbur.WithHint(fmt.Errorf("%s is written in a way that cannot be edited here", r.configPath()),
				fmt.Sprintf("use git: git -C %s config appbur.%s %s", r.dir, requiredKey, want))
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

// AddRemote writes a remote into the configuration, as `git remote add` does.
func (r *Repository) AddRemote(ctx context.Context, c RemoteConfig) error {
	if err := CheckRemoteName(c.Name); err != nil {
		return err
	}
	return r.editConfig(ctx, func(cfg *config.Config, text []byte) ([]byte, error) {
		if cfg.Section("remote").HasSubsection(c.Name) {
			return nil, appbur.WithHint(fmt.Errorf("%w %s exists already", ErrRemoteName, c.Name), "remove it first, or choose another name")
		}
		var out bytes.Buffer
		out.Write(text)
		if len(text) > 0 && text[len(text)-1] != '\n' {
			out.WriteByte('\n')
		}
		fmt.Fprintf(&out, "[remote %q]\n\turl = %s\n\tfetch = +refs/heads/*:refs/remotes/%s/*\n", c.Name, quoteValue(c.URL.String()), c.Name)
		if c.AllowPlaintext {
			fmt.Fprintf(&out, "\t%s = true\n", allowPlaintextKey)
		}
		return out.Bytes(), nil
	})
}

// quoteValue writes a value so that git reads it as it is: "#" and ";" would
// begin a comment.
func quoteValue(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// RemoveRemote takes a remote out of the configuration. What the remote holds
// stays there.
func (r *Repository) RemoveRemote(ctx context.Context, name string) error {
	return r.editConfig(ctx, func(cfg *config.Config, text []byte) ([]byte, error) {
		if !cfg.Section("remote").HasSubsection(name) {
			return nil, appbur.WithHint(fmt.Errorf("%w %q does not exist", ErrRemoteName, name), "`appbur remotes list` shows those that do")
		}
		return cutSection(text, fmt.Sprintf("[remote %q]", name)), nil
	})
}

// cutSection removes all sections with a header from a configuration.
func cutSection(text []byte, header string) []byte {
	var out []byte
	inside := false
	for line := range bytes.Lines(text) {
		if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 && trimmed[0] == '[' {
			inside = bytes.HasPrefix(trimmed, []byte(header))
		}
		if !inside {
			out = append(out, line...)
		}
	}
	return out
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
