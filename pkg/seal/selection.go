package seal

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/appbur/appbur"
)

// EncryptedRegex selects what is encrypted in a Secret: what is below a key with
// one of these names. It is the rule that Flux documents.
const EncryptedRegex = `^(data|stringData)$`

// secretData are the paths that EncryptedRegex is about.
var secretData = [][]string{{"data"}, {"stringData"}}

// selection says which values of a document are encrypted: those with a key on
// their path, at any depth, that the rule matches. That is how SOPS reads
// encrypted_regex, and a file that disagrees could not be decrypted by it.
type selection struct {
	rule *regexp.Regexp
}

func parseSelection(encryptedRegex string) (selection, error) {
	rule, err := regexp.Compile(encryptedRegex)
	if err != nil {
		return selection{}, fmt.Errorf("%w: encrypted_regex: %w", ErrFormat, err)
	}
	return selection{rule}, nil
}

// has reports whether the value at a path is to be encrypted.
func (s selection) has(path []string) bool { return slices.ContainsFunc(path, s.rule.MatchString) }

// encryptedRegex is the rule as it is in SOPS's metadata.
func (s selection) encryptedRegex() string { return s.rule.String() }

// selectPaths finds the selection that encrypts everything below the paths. SOPS
// knows names of keys and not paths, so each path is stood for by one of its keys:
// by the one that selects the fewest other values, the last one when several do.
// What it selects besides is encrypted as well: more than was requested, never
// less. A key that would hide what the object is cannot be chosen; if a path
// has no other, the manifest cannot be sealed.
//
// The document is read only if there is a choice.
func selectPaths(paths [][]string, document func() (*yaml.Node, error)) (selection, error) {
	if len(paths) == 0 {
		return selection{}, fmt.Errorf("%w: no path is secret", ErrUnsupported)
	}
	var leaves [][]string
	names := make([]string, 0, len(paths))

	for _, path := range paths {
		candidates := slices.DeleteFunc(slices.Clone(path), hidesIdentity)
		if len(candidates) == 0 || isIdentity(path) {
			err := fmt.Errorf("%w: encrypting %q would hide which object it is", ErrUnsupported, strings.Join(path, "."))
			return selection{}, appbur.WithHint(err, "name a path below spec, data or an annotation as sensitive, or exclude the object")
		}
		slices.Reverse(candidates)
		if len(candidates) > 1 && leaves == nil {
			root, err := document()
			if err != nil {
				return selection{}, err
			}
			leaves = [][]string{}
			err = walkLeaves(root, nil, func(_ *yaml.Node, path []string) error {
				leaves = append(leaves, path)
				return nil
			})
			if err != nil {
				return selection{}, err
			}
		}
		names = append(names, fewestOthers(candidates, leaves, paths))
	}

	slices.Sort(names)
	names = slices.Compact(names)
	for i, name := range names {
		names[i] = regexp.QuoteMeta(name)
	}
	return parseSelection("^(" + strings.Join(names, "|") + ")$")
}

// fewestOthers returns the candidate that selects the fewest leaves that are
// below none of the paths.
func fewestOthers(candidates []string, leaves, paths [][]string) string {
	best, fewest := candidates[0], -1
	for _, candidate := range candidates {
		others := 0
		for _, leaf := range leaves {
			if slices.Contains(leaf, candidate) && !below(leaf, paths) {
				others++
			}
		}
		if fewest < 0 || others < fewest {
			best, fewest = candidate, others
		}
	}
	return best
}

// below reports whether a leaf is at or below one of the paths.
func below(leaf []string, paths [][]string) bool {
	return slices.ContainsFunc(paths, func(path []string) bool {
		return len(leaf) >= len(path) && slices.Equal(leaf[:len(path)], path)
	})
}

// identities are the values that identify the object of a manifest. Flux, kustomize
// and people have to read them before anything is decrypted.
var identities = [][]string{{"apiVersion"}, {"kind"}, {"metadata", "name"}, {"metadata", "namespace"}}

// hidesIdentity reports whether a key cannot be selected, wherever it is.
func hidesIdentity(key string) bool {
	return slices.ContainsFunc(identities, func(path []string) bool { return slices.Contains(path, key) })
}

// isIdentity reports whether a path is one of those values, holds some of them or
// is below one.
func isIdentity(path []string) bool {
	return below(path, identities) ||
		slices.ContainsFunc(identities, func(identity []string) bool { return below(identity, [][]string{path}) })
}
