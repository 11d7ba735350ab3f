package appbur

import (
	"strconv"
	"strings"
)

// JoinKey adds the key of a field to the path of the map that has it, as people write paths:
// spec.replicas, metadata.annotations["example.org/team"].
func JoinKey(at, key string) string {
	switch {
	case strings.ContainsAny(key, "./[]"):
		return at + "[" + strconv.Quote(key) + "]"
	case at == "":
		return key
	}
	return at + "." + key
}
