package transport

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/appbur/appbur"
)

const someHash = "0123456789012345678901234567890123456789"

func packets(lines ...string) string {
	var b strings.Builder
	for _, line := range lines {
		if line == "" {
			_ = writeFlush(&b)
			continue
		}
		_ = writePacket(&b, "%s", line)
	}
	return b.String()
}

func TestReadAdvertisement(t *testing.T) {
	in := packets("# service=git-receive-pack\n", "", someHash+" refs/heads/main\x00report-status atomic object-format=sha1 agent=x\n",
		someHash+" refs/tags/a\n", someHash+" refs/tags/a^{}\n", someHash+" .have\n", "")
	a, err := readAdvertisement(iotest.OneByteReader(strings.NewReader(in)), ReceivePack, true, Namespace{})
	if err != nil || len(a.Refs) != 2 || !a.Supports("atomic") || a.Value("agent") != "x" {
		t.Fatalf("%+v, %v", a, err)
	}
	empty := packets(strings.Repeat("0", 40)+" capabilities^{}\x00report-status\n", "")
	if a, err := readAdvertisement(strings.NewReader(empty), ReceivePack, false, Namespace{}); err != nil || len(a.Refs) != 0 ||
		!a.Supports("report-status") {
		t.Errorf("%+v, %v", a, err)
	}

	for name, in := range map[string]string{
		"cut off":      in[:len(in)-10],
		"another":      packets("# service=git-upload-pack\n", ""),
		"a web page":   "<!DOCTYPE html>",
		"no hash":      packets("# service=git-receive-pack\n", "", "x refs/heads/main\x00\n", ""),
		"error":        packets("ERR access denied or repository not found\n"),
		"sha256":       packets("# service=git-receive-pack\n", "", someHash+" refs/heads/main\x00object-format=sha256\n", ""),
		"empty packet": "0003",
	} {
		if _, err := readAdvertisement(strings.NewReader(in), ReceivePack, true, Namespace{}); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Each report of a server has the state that its words mean.
func TestVerdicts(t *testing.T) {
	updates := []command{{ref: ServerRef{"refs/heads/main"}}, {ref: ServerRef{"refs/tags/a"}}}
	tests := []struct {
		name   string
		report string
		said   string
		want   State
	}{
		{"all well", packets("unpack ok\n", "ok refs/heads/main\n", "ok refs/tags/a\n", ""), "", ""},
		{
			"hook", packets("unpack ok\n", "ng refs/heads/main pre-receive hook declined\n", "ng refs/tags/a pre-receive hook declined\n", ""),
			"no ticket", Hook,
		},
		{
			"GitHub", packets("unpack ok\n", "ng refs/heads/main protected branch hook declined\n", "ok refs/tags/a\n", ""),
			"GH006: Protected branch update failed", Protected,
		},
		{
			"moved", packets("unpack ok\n", "ng refs/heads/main failed to update ref\n", "ng refs/tags/a atomic transaction failed\n", ""), "",
			Moved,
		},
		{"not forced", packets("unpack ok\n", "ng refs/heads/main non-fast-forward\n", "ok refs/tags/a\n", ""), "", Diverged},
		{
			"full", packets("unpack index-pack abnormal exit\n", "ng refs/heads/main unpacker error\n", "ng refs/tags/a unpacker error\n", ""),
			"fatal: write error: No space left on device", Full,
		},
		{"limit", packets("unpack index-pack abnormal exit\n", ""), "fatal: pack exceeds maximum allowed size", TooLarge},
		{"unexplained", packets("unpack eof before pack header was fully read\n", ""), "", Broken},
		{"untold", packets("unpack ok\n", "ok refs/heads/main\n", ""), "", Refused},
		{"no deletions", packets("unpack ok\n", "ok refs/heads/main\n", "ng refs/tags/a deletion prohibited\n", ""), "", Refused},
	}

	for _, tt := range tests {
		report, err := readReport(strings.NewReader(tt.report))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		err = report.verdict(updates, tt.said)
		if got := StateOf(err); got != tt.want || (err != nil && appbur.HintOf(err) == "") {
			t.Errorf("%s: %q, want %q (%v)", tt.name, got, tt.want, err)
		}
	}
}

// Every state that can be an error has a next step, and every rule a source.
func TestStatesHaveHints(t *testing.T) {
	for _, rule := range saidRules {
		if stateHints[rule.state] == "" || rule.from == "" {
			t.Errorf("%+v", rule)
		}
		for _, word := range rule.words {
			if word != strings.ToLower(word) {
				t.Errorf("%q never matches: it is compared in lower case", word)
			}
		}
	}
}

func TestWordsOfServersAreTamed(t *testing.T) {
	got := cleanSaid("\x1b[31mred\x1b[0m\r\n\n  next\x07 line \n")
	if got != "[31mred[0m; next line" {
		t.Errorf("%q", got)
	}
	if long := cleanSaid(strings.Repeat("ä", 5000)); len(long) > maxSaid+3 {
		t.Errorf("%d bytes", len(long))
	}
}

func FuzzServerAnswers(f *testing.F) {
	f.Add([]byte(packets("# service=git-receive-pack\n", "", someHash+" refs/heads/main\x00report-status\n", "")))
	f.Add([]byte(packets("unpack ok\n", "ok refs/heads/main\n", "")))
	f.Add([]byte(packets("\x01"+packets("unpack ok\n", ""), "\x02words", "\x03fatal", "")))
	f.Add([]byte("0000"))

	f.Fuzz(func(t *testing.T, data []byte) {
		for _, http := range []bool{true, false} {
			if a, err := readAdvertisement(bytes.NewReader(data), ReceivePack, http, Namespace{}); err == nil {
				for name := range a.Refs {
					if name == "" {
						t.Error("a ref without a name")
					}
				}
			}
		}
		if report, err := readReport(bytes.NewReader(data)); err == nil && report.unpack == "" {
			t.Error("a report without a verdict")
		}
		words := &tail{}
		_, _ = io.Copy(io.Discard, &sideband{in: bytes.NewReader(data), words: words})
		if len(words.String()) > 2*maxSaid {
			t.Error("words without end are kept")
		}
	})
}
