package appbur

import (
	"fmt"
	"path"
	"strings"
)

// The tree of a commit on main. Objects live under ClusterDir and NamespacesDir;
// a restore point adds the rest.
const (
	// RepositoryFile describes the repository: format version, cluster id,
	// Kubernetes version, rules version.
	RepositoryFile = "appbur.yaml"
	// ClusterDir holds cluster-scoped objects.
	ClusterDir = "cluster"
	// NamespacesDir holds namespaced objects, one directory per namespace.
	NamespacesDir = "namespaces"
	// IndexDir holds what was taken out of the manifests (restore points only).
	IndexDir = "index"
	// AppsDir holds application payloads (restore points only).
	AppsDir = "apps"
	// CoverageFile says which types were captured completely (restore points only).
	CoverageFile = "coverage.json"
	// RestorePointFile describes the restore point (restore points only).
	RestorePointFile = "restorepoint.json"
)

const (
	manifestSuffix = ".yaml"
	indexSuffix    = ".json"
)

// TypeDir is the directory that holds all objects of one kind in one scope:
// "cluster/<kind>.<group>" or "namespaces/<namespace>/<kind>.<group>". The kind
// is written in lower case, the group is left out for core.
func TypeDir(gk GroupKind, namespace string) string {
	return path.Join(scopeDir(namespace), typeComponent(gk, ""))
}

// RivalTypeDir is the directory of a kind whose [TypeDir] another kind of its group
// has, because the names of both differ only in case: DNSRecord and DnsRecord. Which
// of them has which is decided when the second comes, and stays.
func RivalTypeDir(gk GroupKind, namespace string) string {
	return path.Join(scopeDir(namespace), rivalComponent(gk, ""))
}

// IndexPath is where the index of all objects of one kind in one scope is.
func IndexPath(gk GroupKind, namespace string) string {
	return path.Join(IndexDir, scopeDir(namespace), typeComponent(gk, indexSuffix))
}

// RivalIndexPath is [IndexPath] for a kind whose name differs from that of another
// only in case.
func RivalIndexPath(gk GroupKind, namespace string) string {
	return path.Join(IndexDir, scopeDir(namespace), rivalComponent(gk, indexSuffix))
}

func scopeDir(namespace string) string {
	if namespace == "" {
		return ClusterDir
	}
	return path.Join(NamespacesDir, component(namespace, namespace, ""))
}

func typeComponent(gk GroupKind, suffix string) string {
	return component(shownType(gk), gk.String(), suffix)
}

func rivalComponent(gk GroupKind, suffix string) string {
	return marked(escape(shownType(gk)), gk.String(), suffix)
}

// shownType is a kind as paths show it.
func shownType(gk GroupKind) string {
	return GroupKind{Group: gk.Group, Kind: strings.ToLower(gk.Kind)}.String()
}

// Path is where the manifest of the object is in the tree:
// [TypeDir] followed by "<name>.yaml". Characters that some file system refuses
// are percent-encoded, so that "system:node" checks out everywhere, and a name that
// is too long for a file is shortened: its beginning, "~", and the SHA-256 of the
// complete name. The manifest itself says what the complete name is.
func (id ObjectID) Path() string {
	return TypeDir(id.GroupKind(), id.Namespace) + "/" + component(id.Name, id.Name, manifestSuffix)
}

// RivalPath is where the manifest is when its kind has the [RivalTypeDir].
func (id ObjectID) RivalPath() string {
	return RivalTypeDir(id.GroupKind(), id.Namespace) + "/" + component(id.Name, id.Name, manifestSuffix)
}

// LiesAt reports whether a path is one of the two that the object can have.
func (id ObjectID) LiesAt(path string) bool { return path == id.Path() || path == id.RivalPath() }

// IsManifestPath reports whether the path is where manifests are. The kind in
// a path is in lower case and cannot be turned back into an [ObjectID] without
// reading the file.
func IsManifestPath(p string) bool {
	if !strings.HasSuffix(p, manifestSuffix) {
		return false
	}
	switch parts := strings.Split(p, "/"); parts[0] {
	case ClusterDir:
		return len(parts) == 3
	case NamespacesDir:
		return len(parts) == 4
	default:
		return false
	}
}

// NamespaceOfPath returns the namespace that a manifest path is in, "" for
// cluster-scoped ones, and an error for paths that are no manifest paths.
func NamespaceOfPath(p string) (string, error) {
	if !IsManifestPath(p) {
		return "", fmt.Errorf("%q is not the path of a manifest", p)
	}
	parts := strings.Split(p, "/")
	if parts[0] == ClusterDir {
		return "", nil
	}
	if strings.Contains(parts[1], digestMark) {
		return "", fmt.Errorf("%q: the name of the namespace is shortened in it", p)
	}
	return unescape(parts[1])
}

// windowsDevices are the names that Windows keeps for devices, with or without
// an extension (Microsoft, "Naming Files, Paths, and Namespaces").
var windowsDevices = map[string]bool{
	"con": true, "prn": true, "aux": true, "nul": true,
	"com1": true, "com2": true, "com3": true, "com4": true, "com5": true, "com6": true, "com7": true, "com8": true, "com9": true,
	"lpt1": true, "lpt2": true, "lpt3": true, "lpt4": true, "lpt5": true, "lpt6": true, "lpt7": true, "lpt8": true, "lpt9": true,
}

// escape percent-encodes what some file system, or git itself, refuses or folds:
// upper-case letters (case-insensitive file systems), the characters that Windows
// forbids, control characters and non-ASCII bytes (HFS+ normalises them), a
// leading dot (".git"), a trailing dot or space, and Windows device names.
// Different names have different escapes: only unreserved bytes stay, and "%" is
// itself encoded.
func escape(name string) string {
	base, _, _ := strings.Cut(name, ".")
	device := windowsDevices[strings.ToLower(base)]
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		safe := c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~' || c == '+' || c == '=' ||
			c == '@' || c == ','
		edgeDot := c == '.' && (i == 0 || i == len(name)-1)
		// git refuses "git~1", the 8.3 alias of ".git" (verify_path).
		if !safe || edgeDot || c == '~' || (device && i == 0) {
			fmt.Fprintf(&b, "%%%02x", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		var c byte
		if i+2 >= len(s) {
			return "", fmt.Errorf("%q ends inside an escape", s)
		}
		if _, err := fmt.Sscanf(s[i+1:i+3], "%02x", &c); err != nil {
			return "", fmt.Errorf("%q: bad escape at byte %d", s, i)
		}
		b.WriteByte(c)
		i += 2
	}
	return b.String(), nil
}
