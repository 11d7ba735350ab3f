package gitsync

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/format/config"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/gitsync/internal/transport"
)

// RemoteConfig is a remote as it is in the file config of the repository,
// where `git remote` keeps them too.
type RemoteConfig struct {
	Name string
	URL  RemoteURL
	// AllowPlaintext is the setting appburAllowPlaintext.
	AllowPlaintext bool
}

// ErrNoRemote means that no remote has the name.
var ErrNoRemote = errors.New("does not exist")

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
	if c.URL, err = transport.ParseWholeURL(urls[0]); err != nil {
		return c, err
	}
	if section.HasOption(namespaceKey) {
		namespace, err := ParseNamespace(section.Option(namespaceKey))
		if err != nil {
			return c, err
		}
		c.URL = c.URL.In(namespace)
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
	namespaceKey      = "appburNamespace"
)

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
		fmt.Fprintf(&out, "[remote %q]\n\turl = %s\n%s", c.Name, quoteValue(c.URL.Whole().String()), fetchLines(c))
		if c.AllowPlaintext {
			fmt.Fprintf(&out, "\t%s = true\n", allowPlaintextKey)
		}
		return out.Bytes(), nil
	})
}

// fetchLines have stock git fetch what belongs to this repository: of a shared remote nothing else, and the tags by the
// names that they have here.
func fetchLines(c RemoteConfig) string {
	namespace := c.URL.Namespace()
	if namespace.IsWhole() {
		return fmt.Sprintf("\tfetch = +refs/heads/*:refs/remotes/%s/*\n", c.Name)
	}
	return fmt.Sprintf("\tfetch = +refs/heads/%[1]s/main:refs/remotes/%[2]s/main\n\tfetch = refs/tags/%[1]s/%[3]s*:refs/tags/%[3]s*\n"+
		"\ttagOpt = --no-tags\n\t%[4]s = %[1]s\n", namespace, c.Name, appbur.RestorePointTagPrefix, namespaceKey)
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
			return nil, fmt.Errorf("%w %q %w", ErrRemoteName, name, ErrNoRemote)
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
