package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"
)

// releasePlatforms are those that people type `kubectl appbur` on.
var releasePlatforms = []Platform{
	{"darwin", "amd64"},
	{"darwin", "arm64"},
	{"linux", "amd64"},
	{"linux", "arm64"},
}

// Archive is a file of a release, with the program for one platform.
type Archive struct {
	Platform Platform
	File     string
	SHA256   string
	// Program is its name in the archive.
	Program string
}

// krewVersion is what krew takes as a version.
var krewVersion = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

// release writes an archive for each platform, their sums, and the manifest for krew's index.
func release(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("C", "../..", "the `directory` of appbur's checkout")
	out := flags.String("out", "", "the `directory` to write to (needed)")
	version := flags.String("version", "", "the `version`, such as v1.2.3 (needed)")
	platforms := flags.String("platforms", joinPlatforms(releasePlatforms), "what to build for, a `list`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" {
		return errors.New("-out names no directory")
	}
	if !krewVersion.MatchString(*version) {
		return fmt.Errorf("a release is v1.2.3 or alike, and not %q", *version)
	}
	wanted, err := parsePlatforms(*platforms, releasePlatforms)
	if err != nil {
		return err
	}

	archives, err := makeRelease(ctx, Source{Dir: *dir, Version: *version}, wanted, *out)
	if err != nil {
		return err
	}
	for _, a := range archives {
		fmt.Fprintf(stdout, "%s  %s\n", a.SHA256, a.File)
	}
	return nil
}

func makeRelease(ctx context.Context, source Source, platforms []Platform, out string) ([]Archive, error) {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, err
	}
	license, err := os.ReadFile(filepath.Join(source.Dir, "LICENSE"))
	if err != nil {
		return nil, err
	}

	var archives []Archive
	var sums strings.Builder
	for _, p := range platforms {
		binary, err := compiled(ctx, source, p)
		if err != nil {
			return nil, err
		}
		a := Archive{Platform: p, File: "appbur-" + p.Name() + ".tar.gz", Program: "kubectl-appbur"}
		// krew asks for the license in what it unpacks.
		data, err := pack([]File{{Path: "LICENSE", Mode: 0o644, Data: license}, {Path: a.Program, Mode: 0o755, Data: binary}})
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(out, a.File), data, 0o644); err != nil {
			return nil, err
		}
		a.SHA256 = fmt.Sprintf("%x", sha256.Sum256(data))
		archives = append(archives, a)
		fmt.Fprintf(&sums, "%s  %s\n", a.SHA256, a.File)
	}

	if err := os.WriteFile(filepath.Join(out, "SHA256SUMS"), []byte(sums.String()), 0o644); err != nil {
		return nil, err
	}
	return archives, writeManifest(source, archives, filepath.Join(out, "appbur.yaml"))
}

// writeManifest fills the template with what was made.
func writeManifest(source Source, archives []Archive, file string) error {
	manifest, err := template.New("appbur.yaml.tmpl").Option("missingkey=error").
		ParseFiles(filepath.Join(source.Dir, "deploy", "krew", "appbur.yaml.tmpl"))
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := manifest.Execute(&text, map[string]any{"Version": source.Version, "Archives": archives}); err != nil {
		return err
	}
	return os.WriteFile(file, text.Bytes(), 0o644)
}

// pack compresses files without the time and the system of this machine.
func pack(files []File) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if err := writeTar(w, files); err != nil {
		return nil, err
	}
	err := w.Close()
	return out.Bytes(), err
}

func joinPlatforms(all []Platform) string {
	var words []string
	for _, p := range all {
		words = append(words, p.String())
	}
	return strings.Join(words, ",")
}
