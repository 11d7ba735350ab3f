package services

import (
	"fmt"
	"strings"

	"github.com/appbur/appbur"
)

// AnnotationAfter names the applications that have to have their state first: a list of NAME, or
// NAMESPACE/NAME for those of another namespace.
const AnnotationAfter = "appbur.io/after"

// After reads from a Service, as it is or as it was saved, which application it leads to and which
// others that one waits for. ok is false for a Service of no application.
func After(namespace string, labels, annotations map[string]string) (app appbur.AppKey, after []appbur.AppKey, ok bool, err error) {
	name, ok := labels[LabelApp]
	if !ok {
		return appbur.AppKey{}, nil, false, nil
	}
	app = appbur.AppKey{Namespace: namespace, Name: name}
	text, ok := annotations[AnnotationAfter]
	if !ok {
		return app, nil, true, nil
	}
	for word := range strings.SplitSeq(text, ",") {
		word = strings.TrimSpace(word)
		other := appbur.AppKey{Namespace: namespace, Name: word}
		if in, name, qualified := strings.Cut(word, "/"); qualified {
			other = appbur.AppKey{Namespace: in, Name: name}
		}
		if other.Namespace == "" || other.Name == "" || strings.ContainsAny(other.Name, "/ ") {
			return app, nil, true, fmt.Errorf("the annotation %s is %q, and not a list of NAME or NAMESPACE/NAME", AnnotationAfter, text)
		}
		after = append(after, other)
	}
	return app, after, true, nil
}
