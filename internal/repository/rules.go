package repository

import (
	"github.com/appbur/appbur/pkg/manifest"
)

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
