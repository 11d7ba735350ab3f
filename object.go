package appbur

import (
	"cmp"
	"fmt"
	"strings"
)

// GroupKind names a kind of object without a version. The core group is "".
type GroupKind struct {
	Group string
	Kind  string
}

// String returns "Kind.group", or "Kind" for the core group.
func (gk GroupKind) String() string {
	if gk.Group == "" {
		return gk.Kind
	}
	return gk.Kind + "." + gk.Group
}

// ParseGroupKind reads the form that [GroupKind.String] writes.
func ParseGroupKind(s string) (GroupKind, error) {
	kind, group, dotted := strings.Cut(s, ".")
	if kind == "" || (dotted && group == "") {
		return GroupKind{}, fmt.Errorf("%q is not a kind: want Kind or Kind.group", s)
	}
	if strings.ContainsAny(s, "/ \t\n") {
		return GroupKind{}, fmt.Errorf("%q is not a kind: it contains a slash or white space", s)
	}
	return GroupKind{Group: group, Kind: kind}, nil
}

// Compare orders by group, then kind.
func (gk GroupKind) Compare(other GroupKind) int {
	return cmp.Or(strings.Compare(gk.Group, other.Group), strings.Compare(gk.Kind, other.Kind))
}

// MarshalText implements [encoding.TextMarshaler].
func (gk GroupKind) MarshalText() ([]byte, error) { return []byte(gk.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler] by [ParseGroupKind].
func (gk *GroupKind) UnmarshalText(text []byte) error {
	parsed, err := ParseGroupKind(string(text))
	if err != nil {
		return err
	}
	*gk = parsed
	return nil
}

// ObjectID names one object for its lifetime. It has no version: the same
// object read through another API version has the same id. Namespace is empty
// for cluster-scoped objects. ObjectID is comparable.
type ObjectID struct {
	Group     string
	Kind      string
	Namespace string
	Name      string
}

// GroupKind returns the kind of the object.
func (id ObjectID) GroupKind() GroupKind { return GroupKind{Group: id.Group, Kind: id.Kind} }

// String returns "Kind.group/namespace/name", or "Kind.group/name" for
// cluster-scoped objects. The group is left out for core.
func (id ObjectID) String() string {
	if id.Namespace == "" {
		return id.GroupKind().String() + "/" + id.Name
	}
	return id.GroupKind().String() + "/" + id.Namespace + "/" + id.Name
}

// ParseObjectID reads the form that [ObjectID.String] writes.
func ParseObjectID(s string) (ObjectID, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 2 && len(parts) != 3 {
		return ObjectID{}, fmt.Errorf("%q is not an object id: want Kind.group/name or Kind.group/namespace/name", s)
	}
	gk, err := ParseGroupKind(parts[0])
	if err != nil {
		return ObjectID{}, fmt.Errorf("object id %q: %w", s, err)
	}
	for _, part := range parts[1:] {
		if part == "" {
			return ObjectID{}, fmt.Errorf("object id %q has an empty part", s)
		}
	}
	id := ObjectID{Group: gk.Group, Kind: gk.Kind, Name: parts[len(parts)-1]}
	if len(parts) == 3 {
		id.Namespace = parts[1]
	}
	return id, nil
}

// Compare orders by namespace (cluster-scoped first), group, kind and name.
func (id ObjectID) Compare(other ObjectID) int {
	return cmp.Or(
		strings.Compare(id.Namespace, other.Namespace),
		id.GroupKind().Compare(other.GroupKind()),
		strings.Compare(id.Name, other.Name),
	)
}

// MarshalText implements [encoding.TextMarshaler].
func (id ObjectID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler] by [ParseObjectID].
func (id *ObjectID) UnmarshalText(text []byte) error {
	parsed, err := ParseObjectID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}
