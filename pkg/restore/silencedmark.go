package restore

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	admission "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/appbur/appbur"
)

// A webhook is silenced by its failurePolicy: Ignore. The configuration itself remembers which of its
// webhooks that was done to, in an annotation that is written with it. What it was before needs no
// mention, because only Fail is ever changed. So a mark, whoever wrote it, can say nothing but that a
// webhook is to be as strict as it can be.

// SilencedKey is the annotation of configurations of webhooks that a restore has silenced: a list of
// the names of those webhooks.
const SilencedKey = "restore.appbur.io/silenced"

// mostSilenced is how long a mark can be; the server takes annotations of 256 KiB.
const mostSilenced = 128 << 10

// isWebhooks reports whether objects of a kind are configurations of webhooks.
func isWebhooks(kind appbur.GroupKind) bool {
	return kind == kindMutatingConfiguration || kind == kindValidatingConfiguration
}

// silencedIn returns the names of the webhooks that a restore has silenced, nil where there is no mark.
func silencedIn(configuration map[string]any) ([]string, error) {
	written, marked := field(configuration, "metadata", "annotations", SilencedKey).(string)
	if !marked {
		return nil, nil
	}
	var names []string
	if len(written) > mostSilenced || json.Unmarshal([]byte(written), &names) != nil || len(names) == 0 {
		return nil, errSilencedMark
	}
	for _, name := range names {
		if len(validation.IsDNS1123Subdomain(name)) > 0 {
			return nil, errSilencedMark
		}
	}
	return names, nil
}

var errSilencedMark = errors.New("its annotation " + SilencedKey + " is not in the form that a restore writes")

// silence returns a configuration in which those of the named webhooks that fail when nobody answers
// are silenced, with the mark that says so, and the names of all that are by now. Those that are silent by
// choice stay as they are, and are in no mark.
func silence(configuration map[string]any, names []string) (map[string]any, []string, error) {
	marked, err := silencedIn(configuration)
	if err != nil {
		return nil, nil, err
	}
	after, silenced := withPolicy(configuration, names, admission.Fail, admission.Ignore)
	if len(silenced) == 0 {
		return configuration, marked, nil
	}
	silenced = slices.Compact(slices.Sorted(slices.Values(slices.Concat(marked, silenced))))
	written, err := json.Marshal(silenced)
	if err != nil {
		return nil, nil, fmt.Errorf("writing the mark: %w", err)
	}
	return with(after, string(written), "metadata", "annotations", SilencedKey), silenced, nil
}

// unsilenced returns a configuration as it was before it was silenced, without the mark. A webhook
// that somebody has changed since stays as it is, and so does a configuration whose mark says nothing.
func unsilenced(configuration map[string]any) map[string]any {
	names, err := silencedIn(configuration)
	if names == nil || err != nil {
		return configuration
	}
	before, _ := withPolicy(configuration, names, admission.Ignore, admission.Fail)
	before = without(before, "metadata", "annotations", SilencedKey)
	if len(dict(before, "metadata", "annotations")) == 0 {
		before = without(before, "metadata", "annotations")
	}
	return before
}

// withPolicy changes the failurePolicy of the named webhooks from one to another, and returns the names
// of those that it changed. One that is not given is Fail.
func withPolicy(configuration map[string]any, names []string, from, to admission.FailurePolicyType) (map[string]any, []string) {
	var changed []string
	hooks := slices.Clone(list(configuration, "webhooks"))
	for i, hook := range hooks {
		name, policy := text(hook, "name"), text(hook, "failurePolicy")
		if policy == "" {
			policy = string(admission.Fail)
		}
		if content, ok := hook.(map[string]any); ok && policy == string(from) && slices.Contains(names, name) {
			content = maps.Clone(content)
			content["failurePolicy"] = string(to)
			hooks[i], changed = content, append(changed, name)
		}
	}
	if len(changed) == 0 {
		return configuration, nil
	}
	return with(configuration, hooks, "webhooks"), changed
}

// Unsilenced returns a point without the marks of restores: what was silenced while it was saved is
// as it was before.
func Unsilenced(point Point) Point {
	after := make(map[int]Object)
	for i, id := range point.Objects.IDs() {
		if !isWebhooks(id.GroupKind()) {
			continue
		}
		o := point.Objects.At(i)
		if marked := field(o.Content, "metadata", "annotations", SilencedKey); marked != nil {
			o.Content = unsilenced(o.Content)
			after[i] = o
		}
	}
	if len(after) > 0 {
		point.Objects = point.Objects.With(after)
	}
	return point
}
