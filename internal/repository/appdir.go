package repository

import (
	"fmt"
	"path"
	"strings"

	"github.com/appbur/appbur"
)

// AppDir is the directory of one application's payloads in a restore point.
func AppDir(key appbur.AppKey) string {
	return path.Join(appbur.AppsDir, key.Namespace, key.Name)
}

func datasetDir(key appbur.AppKey, dataset string) string { return path.Join(AppDir(key), dataset) }

// validAppPart refuses names that would leave the directory of the payloads.
// Applications choose dataset names, so they are input, not words of ours.
func validAppPart(what, name string) error {
	if name == "" || len(name) > 253 || name == "." || name == ".." || strings.ContainsAny(name, "/\\\x00%") || strings.HasPrefix(name, ".") {
		return appbur.WithHint(fmt.Errorf("%s %q cannot name a directory", what, name),
			"use lower-case letters, digits and dashes")
	}
	return nil
}
