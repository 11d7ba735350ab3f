package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"io"
	"strings"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// Nonroot is the user that the image runs as. Kubernetes' runAsNonRoot needs the number in the image, and 65532 is what
// other images without a distribution have, so that policies know it.
const Nonroot = 65532

// programPath is where the image has appbur.
const programPath = "usr/local/bin/appbur"

// File is a file or a directory of the image.
type File struct {
	// Path ends with a slash for a directory.
	Path  string
	Mode  int64
	Owner int
	Data  []byte
}

// Root is what the image has beside the binary. It is a layer of its own, because it stays when appbur changes.
func Root() []File {
	return []File{
		{Path: "etc/", Mode: 0o755},
		// What a static binary asks for its own name and home. Programs that log in need a shell, so there is none.
		{Path: "etc/passwd", Mode: 0o644, Data: []byte(
			"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n")},
		{Path: "etc/group", Mode: 0o644, Data: []byte("root:x:0:\nnonroot:x:65532:\n")},
		{Path: "etc/ssl/", Mode: 0o755},
		{Path: "etc/ssl/certs/", Mode: 0o755},
		// A file at the usual place, and not code in the binary, because companies mount their own over it.
		{Path: "etc/ssl/certs/ca-certificates.crt", Mode: 0o644, Data: certificates()},
		{Path: "home/", Mode: 0o755},
		{Path: "home/nonroot/", Mode: 0o700, Owner: Nonroot},
		{Path: "tmp/", Mode: 0o1777},
	}
}

// program is the layer of the binary. It belongs to root, so that a process cannot change what it is started from.
func program(binary []byte) []File {
	return []File{
		{Path: "usr/", Mode: 0o755},
		{Path: "usr/local/", Mode: 0o755},
		{Path: "usr/local/bin/", Mode: 0o755},
		{Path: programPath, Mode: 0o755, Data: binary},
	}
}

// certificates are the roots that Mozilla trusts for servers, as the Go project publishes them in a module: pinned by
// go.sum, had from the Go proxy, and raised like any dependency. Roots that Mozilla trusts for older certificates only
// are left out: a file cannot say that.
func certificates() []byte {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a buffer takes everything
	}
	return out.Bytes()
}

// writeTar writes files in their order, without times and names of this machine.
func writeTar(w io.Writer, files []File) error {
	archive := tar.NewWriter(w)
	for _, f := range files {
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: f.Path, Mode: f.Mode, Uid: f.Owner, Gid: f.Owner, Size: int64(len(f.Data)),
			ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
		}
		if strings.HasSuffix(f.Path, "/") {
			header.Typeflag = tar.TypeDir
		}

		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(f.Data); err != nil {
			return err
		}
	}
	return archive.Close()
}
