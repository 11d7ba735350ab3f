package repository

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur"
)

// ConfigFormat is the version of appbur.yaml that this release writes and reads.
const ConfigFormat = 1

// Config is appbur.yaml at the root of the tree. It travels with the repository,
// so that a fresh clone knows whom to encrypt for; it holds nothing secret.
type Config struct {
	Format int `yaml:"format"`
	// Repository is a random id that names the directory of the keys.
	Repository string `yaml:"repository"`
	// Cluster is filled in by the first capture and never changes silently.
	Cluster ClusterConfig `yaml:"cluster,omitempty"`
	// Rules is the version of the rules that the newest manifests were made by.
	Rules string `yaml:"rulesVersion,omitempty"`
	// Recipients are age public keys ("age1…"): who can decrypt.
	Recipients []string `yaml:"recipients"`
}

// ClusterConfig remembers which cluster the history is of.
type ClusterConfig struct {
	ID      string `yaml:"id,omitempty"`
	Version string `yaml:"kubernetesVersion,omitempty"`
}

// ParseConfig reads appbur.yaml. Unknown settings are errors that name their
// line, because a setting that is silently ignored is worse than a missing one.
func ParseConfig(data []byte) (Config, error) {
	var c Config
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the file is empty")
		}
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
	return c, nil
}

// encode writes the configuration in a fixed order.
func (c Config) encode() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("# Written by appbur. Recipients may be edited; everything else describes what is stored.\n")
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(c); err != nil {
		return nil, fmt.Errorf("writing %s: %w", appbur.RepositoryFile, err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("writing %s: %w", appbur.RepositoryFile, err)
	}
	return b.Bytes(), nil
}
