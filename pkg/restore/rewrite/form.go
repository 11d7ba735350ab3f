package rewrite

import "strings"

// form takes the namespace out of a text: what comes before it, its name, and what comes after.
type form func(text string) (before, namespace, after string, ok bool)

const (
	userPrefix  = "system:serviceaccount:"
	groupPrefix = "system:serviceaccounts:"
)

var forms = map[Form]form{
	FormName: func(text string) (string, string, string, bool) { return "", text, "", true },
	FormNamespacedName: func(text string) (string, string, string, bool) {
		namespace, name, ok := strings.Cut(text, "/")
		return "", namespace, "/" + name, ok
	},
	FormUser: func(text string) (string, string, string, bool) {
		rest, ok := strings.CutPrefix(text, userPrefix)
		namespace, name, named := strings.Cut(rest, ":")
		return userPrefix, namespace, ":" + name, ok && named
	},
	FormGroup: func(text string) (string, string, string, bool) {
		namespace, ok := strings.CutPrefix(text, groupPrefix)
		return groupPrefix, namespace, "", ok
	},
}
