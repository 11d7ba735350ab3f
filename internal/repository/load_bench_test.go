package repository

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/seal"
)

// sealedSecret is a Secret with so many values of 32 bytes as a file of a repository, and who opens it.
func sealedSecret(tb testing.TB, values int) (appbur.File, *seal.Opener) {
	tb.Helper()
	f := newFixture(tb)
	data := map[string]any{}
	for i := range values {
		data[fmt.Sprintf("value-%d", i)] = base64.StdEncoding.EncodeToString(newBytes(32, uint64(i)))
	}
	result, err := f.rules().Make(map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "data": data,
		"metadata": map[string]any{"name": "db", "namespace": "team", "labels": map[string]any{"app": "shop"}},
	})
	if err != nil {
		tb.Fatal(err)
	}

	sealer, err := seal.NewSealer(f.opener().Recipients(), f.keys.FingerprintKey(), rand.Reader, f.now)
	if err != nil {
		tb.Fatal(err)
	}
	sealed, err := sealer.SealManifest(result.Manifest.Data, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return appbur.File{Path: result.Manifest.ID.Path(), Data: sealed}, f.opener()
}

// BenchmarkDecodeSecret is what it costs a restore to read a Secret.
func BenchmarkDecodeSecret(b *testing.B) {
	for _, values := range []int{2, 30} {
		file, opener := sealedSecret(b, values)
		for name, loaded := range map[string]*Loaded{"opened": {opener: opener}, "sealed": {}} {
			b.Run(fmt.Sprintf("%d values, %s", values, name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := loaded.decode(file); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
