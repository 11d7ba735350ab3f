package selection

import (
	"fmt"
	"strings"

	"github.com/appbur/appbur/internal/kindname"
)

// objectName is one object as a person names it.
type objectName struct {
	text            string
	kind            kindname.Name
	namespace, name string
}

// parseObject reads "KIND/NAME" and "KIND/NAMESPACE/NAME", the form in which appbur prints
// objects.
func parseObject(text string) (objectName, error) {
	parts := strings.Split(text, "/")
	if len(parts) != 2 && len(parts) != 3 {
		return objectName{}, malformedObject(text)
	}
	for _, part := range parts {
		if part == "" || strings.ContainsAny(part, " \t\n") {
			return objectName{}, malformedObject(text)
		}
	}

	o := objectName{text: text, kind: kindname.Parse(parts[0]), name: parts[len(parts)-1]}
	if len(parts) == 3 {
		o.namespace = parts[1]
	}
	return o, nil
}

func malformedObject(text string) error {
	return &WordError{Part: PartObject, Word: text, err: fmt.Errorf("%w: want KIND/NAME or KIND/NAMESPACE/NAME", ErrMalformed)}
}
