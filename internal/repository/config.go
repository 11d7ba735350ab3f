package repository

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/retention"
	"github.com/appbur/appbur/internal/strictyaml"
	"github.com/appbur/appbur/pkg/manifest"
)

// ConfigFormat is the version of appbur.yaml that this release writes and reads.
const ConfigFormat = 1

// Config is appbur.yaml at the root of the tree. It travels with the repository,
// so that a fresh clone knows whom to encrypt for and what to leave out; it holds
// nothing secret. People edit it in a clone and push; what they wrote, comments
// included, stays when appbur writes the file again.
type Config struct {
	Format int `yaml:"format"`
	// Repository never changes. It chooses nothing: the keys are found by the [Binding].
	Repository ID `yaml:"repository"`
	// Cluster is filled in by the first capture and never changes silently.
	Cluster ClusterConfig `yaml:"cluster,omitempty"`
	// Rules is the version of the rules that the newest manifests were made by.
	Rules string `yaml:"rulesVersion,omitempty"`
	// Recipients are age public keys ("age1…"): who can decrypt.
	Recipients []string `yaml:"recipients"`
	// Policy is what the user adds to the rules (pkg/manifest).
	Policy yaml.Node `yaml:"rules,omitempty"`
	// Guards are the user's limits for what a capture may remove.
	Guards *Limits `yaml:"guards,omitempty"`
	// Retention says which restore points `points prune` keeps.
	Retention *retention.Policy `yaml:"retention,omitempty"`
	// Applications says which applications no backup has to hold any more.
	Applications *ApplicationsConfig `yaml:"applications,omitempty"`

	// text is the file as it was read.
	text []byte
}

// ClusterConfig remembers which cluster the history is of.
type ClusterConfig struct {
	ID      string `yaml:"id,omitempty"`
	Version string `yaml:"kubernetesVersion,omitempty"`
}

// ParseConfig reads appbur.yaml. Unknown settings are errors that name their
// line, because a setting that is silently ignored is worse than a missing one.
func ParseConfig(data []byte) (Config, error) {
	c, err := parseConfig(data)
	if err != nil && appbur.HintOf(err) == "" && ReasonOf(err) == "" {
		err = because(ReasonBadConfig, err)
	}
	return c, err
}

func parseConfig(data []byte) (Config, error) {
	var c Config
	if err := strictyaml.Decode(data, &c); err != nil {
		return Config{}, fmt.Errorf("reading %s: %w", appbur.RepositoryFile, err)
	}
	if c.Format != ConfigFormat {
		return Config{}, appbur.WithHint(
			fmt.Errorf("%s has format %d, this release reads format %d", appbur.RepositoryFile, c.Format, ConfigFormat),
			"use the appbur release that wrote the repository, or a later one")
	}

	if len(c.Recipients) == 0 {
		return Config{}, appbur.WithHint(
			fmt.Errorf("%s names no recipients, so Secrets could not be encrypted", appbur.RepositoryFile),
			"add an age public key under `recipients:`")
	}
	if c.Repository == "" {
		return Config{}, fmt.Errorf("%s has no repository id", appbur.RepositoryFile)
	}
	if err := c.Guards.check(); err != nil {
		return Config{}, fmt.Errorf("%s: guards: %w", appbur.RepositoryFile, err)
	}

	if err := c.Applications.check(); err != nil {
		return Config{}, because(ReasonBadApplications, fmt.Errorf("%s: applications: %w", appbur.RepositoryFile, err))
	}
	if c.Retention != nil {
		if _, err := c.Retention.Check(); err != nil {
			return Config{}, fmt.Errorf("%s: retention: %w", appbur.RepositoryFile, err)
		}
	}

	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return Config{}, fmt.Errorf("reading %s: %w", appbur.RepositoryFile, err)
	}
	if err := checkPlain(&document); err != nil {
		return Config{}, fmt.Errorf("reading %s: %w", appbur.RepositoryFile, err)
	}
	if err := checkRecipients(valueOf(document.Content[0], "recipients")); err != nil {
		return Config{}, err
	}
	c.text = bytes.Clone(data)
	return c, nil
}

// checkRecipients refuses a recipient that is listed twice: one of the two was meant
// to be somebody else, who could decrypt nothing.
func checkRecipients(list *yaml.Node) error {
	if list == nil {
		return nil
	}
	first := map[string]int{}
	for _, element := range list.Content {
		key := strings.ToLower(strings.TrimSpace(element.Value))
		if line, twice := first[key]; twice {
			return appbur.WithHint(fmt.Errorf("reading %s: line %d: the recipient %s is listed already in line %d", appbur.RepositoryFile,
				element.Line, element.Value, line),
				"put in its place whom you meant, or delete the line; edit it in a clone, commit and push")
		}
		first[key] = element.Line
	}
	return nil
}

// checkPlain refuses what would not survive being written again: aliases, anchors
// and keys that are no text.
func checkPlain(node *yaml.Node) error {
	if node.Kind == yaml.AliasNode || node.Anchor != "" {
		return fmt.Errorf("line %d: anchors and aliases are not supported here", node.Line)
	}
	for i, child := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 && child.ShortTag() != "!!str" {
			return fmt.Errorf("line %d: a key is not text", child.Line)
		}
		if err := checkPlain(child); err != nil {
			return err
		}
	}
	return nil
}

// encode writes the configuration: the file that was read, with the values that
// appbur owns brought up to date, or a new file in a fixed order.
func (c Config) encode() ([]byte, error) {
	var own yaml.Node
	if err := own.Encode(c); err != nil {
		return nil, fmt.Errorf("writing %s: %w", appbur.RepositoryFile, err)
	}
	document := &own
	if c.text != nil {
		var read yaml.Node
		if err := yaml.Unmarshal(c.text, &read); err != nil {
			return nil, fmt.Errorf("writing %s: %w", appbur.RepositoryFile, err)
		}
		for _, key := range []string{"cluster", "rulesVersion", "recipients"} {
			setValue(read.Content[0], key, valueOf(&own, key))
		}
		document = &read
	} else {
		document.HeadComment = "Written by appbur. Recipients, rules, guards, retention and applications may be edited; everything else describes what is stored."
	}
	return encodeDocument(document)
}

// With returns the text of a configuration in which one setting, a path of names with
// dots, has another value, which is YAML; null takes the setting out. Everything else
// stays as it is written. Whether the result is valid is for [ParseConfig] to say.
func (c Config) With(path, value string) ([]byte, error) {
	var document, fresh yaml.Node
	if err := yaml.Unmarshal(c.text, &document); err != nil {
		return nil, fmt.Errorf("reading %s: %w", appbur.RepositoryFile, err)
	}
	if err := yaml.Unmarshal([]byte(value), &fresh); err != nil {
		return nil, appbur.WithHint(fmt.Errorf("the value of %s is no YAML: %w", path, strictyaml.Plain(err)),
			"quote it for the shell, for example '{last: 5}'")
	}
	if len(fresh.Content) != 1 {
		return nil, appbur.WithHint(fmt.Errorf("%s has no value", path), "to take a setting out, set it to null")
	}

	names := strings.Split(path, ".")
	at := document.Content[0]
	for _, name := range names[:len(names)-1] {
		next := valueOf(at, name)
		if next == nil {
			next = &yaml.Node{Kind: yaml.MappingNode}
			at.Content = append(at.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: name}, next)
		}
		if next.Kind != yaml.MappingNode {
			return nil, because(ReasonNoSettings, fmt.Errorf("%s: %s holds no settings with names", path, name))
		}
		at = next
	}
	last := names[len(names)-1]
	if fresh.Content[0].ShortTag() == "!!null" {
		removeValue(at, last)
	} else {
		setValue(at, last, fresh.Content[0])
	}
	return encodeDocument(&document)
}

// ManifestRules returns the rules that hold for this repository: the built-in ones, and
// what the section `rules` of its appbur.yaml adds. Unknown or contradictory
// settings are errors that name their line.
func (r *Repository) ManifestRules() (*manifest.Rules, error) {
	rules := manifest.Default()
	if r.config.Policy.IsZero() {
		return rules, nil
	}
	policy, err := manifest.ParsePolicy(&r.config.Policy)
	if err != nil {
		return nil, err
	}
	return rules.With(policy)
}

// Text returns the configuration as it is in Git, with its comments.
func (c Config) Text() []byte { return bytes.Clone(c.text) }
