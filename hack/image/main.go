package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr, os.Getenv)
	stop()

	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	default:
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer, getenv func(string) string) error {
	if len(args) > 0 && args[0] == "release" {
		return release(ctx, args[1:], stdout, stderr)
	}

	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	flags.SetOutput(stderr)
	dir := flags.String("C", "../..", "the `directory` of appbur's checkout")
	out := flags.String("out", "", "the `directory` to write to (needed)")
	version := flags.String("version", "unknown", "the `version` that the binary and the image tell")
	name := flags.String("name", "ghcr.io/appbur/appbur", "the image's `name`, without a tag")
	platforms := flags.String("platforms", joinPlatforms(imagePlatforms), "what to build for, a `list`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *out == "" {
		return errors.New("-out names no directory")
	}
	wanted, err := parsePlatforms(*platforms, imagePlatforms)
	if err != nil {
		return err
	}

	about, err := readAbout(ctx, *dir, getenv)
	if err != nil {
		return err
	}
	about.Name, about.Version = *name, *version
	digest, err := makeImages(ctx, Source{Dir: *dir, Version: *version}, about, wanted, *out)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s:%s@%s\n", about.Name, about.Version, digest)
	return nil
}

// readAbout has the commit's time as that of the image, or what SOURCE_DATE_EPOCH says
// (https://reproducible-builds.org/specs/source-date-epoch).
func readAbout(ctx context.Context, dir string, getenv func(string) string) (About, error) {
	line, err := exec.CommandContext(ctx, "git", "-C", dir, "log", "-1", "--format=%H %ct").Output()
	if err != nil {
		return About{}, fmt.Errorf("read which commit this is: %w", err)
	}
	revision, seconds, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
	if given := getenv("SOURCE_DATE_EPOCH"); given != "" {
		seconds = given
	}

	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return About{}, fmt.Errorf("SOURCE_DATE_EPOCH is %q, and not a number of seconds", seconds)
	}
	return About{Revision: revision, Created: time.Unix(at, 0)}, nil
}

// makeImages compiles, packs and writes what was asked for.
func makeImages(ctx context.Context, source Source, about About, platforms []Platform, out string) (v1.Hash, error) {
	certificates, err := linkedModule(certificatesModule)
	if err != nil {
		return v1.Hash{}, err
	}
	var all []Built
	for _, p := range platforms {
		binary, err := compiled(ctx, source, p)
		if err != nil {
			return v1.Hash{}, err
		}

		image, err := newImage(about, p, binary)
		if err != nil {
			return v1.Hash{}, err
		}
		bom, err := sbom(about, binary, certificates)
		if err != nil {
			return v1.Hash{}, err
		}
		all = append(all, Built{Platform: p, Image: image, SBOM: bom})
	}

	return write(out, about, all)
}
