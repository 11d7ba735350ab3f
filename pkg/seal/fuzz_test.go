package seal_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/appbur/appbur/pkg/seal"
)

// FuzzOpenManifest holds that damaged files are errors of the promised kinds, and
// that only what was sealed is opened.
func FuzzOpenManifest(f *testing.F) {
	k := keys(f)
	o := opener(f, k)
	plain := []byte("data:\n  a: one\n  b: two\nkind: Secret\nstringData:\n  n: 1\n  t: true\n")
	sealed := sealManifest(f, sealer(f, k.FingerprintKey, k.Recipient), plain, nil)
	want, err := o.OpenManifest(sealed)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add(plain)
	f.Add([]byte("data:\n  a: ENC[AES256_GCM,data:,iv:,tag:,type:str]\nsops:\n  mac: x\n"))
	f.Add([]byte("sops: &a [*a]\n"))

	f.Fuzz(func(t *testing.T, data []byte) {
		seal.IsSealed(data)
		got, err := o.OpenManifest(data)
		if _, readErr := o.ReadManifest(data); err != nil && readErr == nil && !errors.Is(err, seal.ErrUnsupported) {
			t.Fatalf("read what does not open: %v", err)
		}
		if err != nil {
			if !errors.Is(err, seal.ErrFormat) && !errors.Is(err, seal.ErrTampered) && !errors.Is(err, seal.ErrUnsupported) &&
				!errors.Is(err, seal.ErrNoIdentityMatch) {
				t.Fatalf("unexpected kind of error: %v", err)
			}
			return
		}
		// A null has no value that could be authenticated, so it may come and go.
		if !bytes.Equal(got, want) && !bytes.Contains(got, []byte("null")) && !bytes.Contains(got, []byte("~")) && len(parse(t, got)) <= 3 {
			t.Fatalf("opened as\n%s\nwant\n%s", got, want)
		}
	})
}

func FuzzOpenPiece(f *testing.F) {
	k := keys(f)
	o := opener(f, k)
	s := sealer(f, k.FingerprintKey, k.Recipient)
	sealed, err := s.SealPiece([]byte("plain"), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte("appbur-sealed-piece/1 hmac-sha256:\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, err := o.OpenPiece(data); err == nil && string(got) != "plain" {
			t.Fatalf("opened as %q", got)
		}
		if again, err := s.SealPiece([]byte("other"), data); err != nil || bytes.Equal(again, data) {
			t.Fatalf("kept what it did not seal: %v", err)
		}
	})
}

func FuzzSealManifest(f *testing.F) {
	k := keys(f)
	s, o := sealer(f, k.FingerprintKey, k.Recipient), opener(f, k)
	f.Add([]byte("data:\n  a: one\nkind: Secret\n"))
	f.Add([]byte("data: {a: |2+\n  x\n\n}\n"))
	f.Add([]byte("metadata:\n  a: '<<'\n  b: 1e400\n  c: .nan\n  d: 0x1f\n  e: 2026-01-01\n"))
	f.Fuzz(func(t *testing.T, plain []byte) {
		sealed, err := s.SealManifest(plain, nil)
		if err != nil {
			return
		}
		if _, err := o.OpenManifest(sealed); err != nil {
			t.Fatalf("%v\nplain\n%s\nsealed\n%s", err, plain, sealed)
		}
		if again, err := s.SealManifest(plain, sealed); err != nil || !bytes.Equal(again, sealed) {
			t.Fatalf("not stable: %v", err)
		}
	})
}

func FuzzVerifySSH(f *testing.F) {
	k := keys(f)
	s, err := seal.NewSigner(k.SigningKey)
	if err != nil {
		f.Fatal(err)
	}
	allowed := []byte(seal.AllowedSigner("a", k.AuthorizedKey))
	f.Add([]byte("message"), sign(f, s, "message"))
	f.Add([]byte("message"), []byte("-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"))
	f.Fuzz(func(t *testing.T, message, signature []byte) {
		if _, err := seal.VerifySSH(allowed, message, signature); err == nil && string(message) != "message" {
			t.Fatalf("verified %q", message)
		}
	})
}

func FuzzAllowedSigners(f *testing.F) {
	k := keys(f)
	f.Add([]byte(seal.AllowedSigner("a", k.AuthorizedKey)))
	f.Add([]byte("\"a b\" namespaces=\"git,*\",valid-after=\"20260101Z\" " + k.AuthorizedKey))
	f.Add([]byte("a cert-authority"))
	f.Fuzz(func(t *testing.T, data []byte) {
		signers, err := seal.ParseAllowedSigners(data)
		if err != nil {
			if !errors.Is(err, seal.ErrFormat) {
				t.Fatalf("unexpected kind of error: %v", err)
			}
			return
		}
		if _, err := signers.Verify([]byte("m"), []byte("no signature"), time.Time{}); !errors.Is(err, seal.ErrFormat) {
			t.Fatalf("verified: %v", err)
		}
	})
}
