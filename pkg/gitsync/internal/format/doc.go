// Package format decides whether a directory holds a repository that is read correctly.
//
// The usual way in is Read, which looks at the configuration: format version, extensions,
// the owner's wish to keep all objects, and the limits that the owner set. What is not
// known is refused with ErrUnsupported, as git refuses it, because a repository that is
// misread loses data.
//
// The rules are those of git: gitrepository-layout, "extensions" in git-config.
package format
