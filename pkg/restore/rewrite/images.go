package rewrite

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Images says which images come from elsewhere. It is made by [ParseImages].
type Images struct{ pairs []imagePair }

type imagePair struct{ from, to string }

// imagePrefix is a registry, a repository below it, or a part of one, perhaps with a tag.
var imagePrefix = regexp.MustCompile(`^[a-zA-Z0-9\[][a-zA-Z0-9._/:@\[\]-]*[a-zA-Z0-9\]]$|^[a-zA-Z0-9]$`)

// ParseImages reads pairs OLD=NEW of beginnings of image names. They match at the borders of
// parts only, and of several that match, the longest counts. An error is a [PairError].
func ParseImages(pairs []string) (Images, error) {
	to := make(map[string]string, len(pairs))
	err := eachPair(pairs, to, func(name string) error {
		switch {
		case strings.Contains(name, "://"):
			return fmt.Errorf("%q has a scheme: the name of an image has none", name)
		case !imagePrefix.MatchString(name):
			return fmt.Errorf("%q is no beginning of the name of an image, such as registry.example.com/team", name)
		}
		return nil
	})

	var i Images
	for from, to := range to {
		i.pairs = append(i.pairs, imagePair{from, to})
	}
	slices.SortFunc(i.pairs, func(a, b imagePair) int {
		return cmp.Or(cmp.Compare(len(b.from), len(a.from)), cmp.Compare(a.from, b.from))
	})
	return i, err
}

// Empty reports whether nothing is mapped.
func (i Images) Empty() bool { return len(i.pairs) == 0 }

// replace returns the new name of an image, and by which pair. What is written counts before
// what it is completed to.
func (i Images) replace(image string) (after, by string, ok bool) {
	for _, name := range []string{image, fullName(image)} {
		for _, pair := range i.pairs {
			if rest, ok := strings.CutPrefix(name, pair.from); ok && atBorder(rest) {
				return pair.to + rest, pair.from, true
			}
		}
	}
	return "", "", false
}

// fullName writes out what container runtimes complete: nginx is docker.io/library/nginx.
func fullName(image string) string {
	first, _, deep := strings.Cut(image, "/")
	switch {
	case !deep:
		return "docker.io/library/" + image
	case !strings.ContainsAny(first, ".:") && first != "localhost":
		return "docker.io/" + image
	}
	return image
}

// atBorder reports whether the rest of a name begins with a part of its own. A colon before a
// slash is the port of a registry, and belongs to what is before it.
func atBorder(rest string) bool {
	switch {
	case rest == "", rest[0] == '/', rest[0] == '@':
		return true
	case rest[0] == ':':
		return !strings.Contains(rest, "/")
	}
	return false
}

// podTemplates says where each built-in kind keeps the spec of its Pods.
var podTemplates = map[string]string{
	"Pod": "spec", "PodTemplate": "template.spec", "ReplicationController": "spec.template.spec",
	"ReplicaSet.*": "spec.template.spec", "Deployment.*": "spec.template.spec", "StatefulSet.apps": "spec.template.spec",
	"DaemonSet.*": "spec.template.spec", "Job.batch": "spec.template.spec", "CronJob.batch": "spec.jobTemplate.spec.template.spec",
}

// imageFields are the fields of a Pod that name images.
var imageFields = []Field{
	{Path: "containers[].image", Reason: "what the container runs"},
	{Path: "initContainers[].image", Reason: "what the container runs"},
	{Path: "ephemeralContainers[].image", Reason: "what the container runs"},
	{Path: "volumes[].image.reference", Reason: "what the volume holds"},
}
