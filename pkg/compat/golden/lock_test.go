package golden

import (
	"errors"
	"strings"
	"testing"

	"github.com/appbur/appbur"
)

func digests(release string, files ...string) map[string]appbur.Digest {
	all := map[string]appbur.Digest{}
	for _, file := range files {
		all[release+"/"+file] = appbur.DigestOf([]byte(release + file))
	}
	return all
}

// locked is a lock file of three releases.
func locked(t *testing.T) string {
	t.Helper()
	var file []byte
	for _, release := range []string{"1.0.0", "2.0.0", "3.0.0"} {
		lock, err := ParseLock(file)
		if err != nil {
			t.Fatal(err)
		}
		entry := Entry{Release: release, App: "shop", Recorded: day("2026-01-01"), Files: digests(release, "about.json", "a@1.0.ndjson")}
		if file, err = lock.Append(file, entry); err != nil {
			t.Fatal(err)
		}
	}
	return string(file)
}

// A lock file only grows: no line can be edited, moved or taken out, except at the end, where the
// files that it named are left without a line.
func TestALockOnlyGrows(t *testing.T) {
	whole := locked(t)
	lines := strings.SplitAfter(strings.TrimSuffix(whole, "\n"), "\n")
	for name, text := range map[string]string{
		"the first taken out": lines[1] + lines[2],
		"one taken out":       lines[0] + lines[2],
		"two moved":           lines[1] + lines[0] + lines[2],
		"a digest edited":     strings.Replace(whole, "sha256:", "sha256:0", 1),
		"a date edited":       strings.Replace(whole, "2026-01-01", "2026-01-02", 1),
		"a line twice":        whole + lines[2],
		"another format":      strings.Replace(whole, `"format":1`, `"format":2`, 1),
		"another field":       strings.Replace(whole, `{"format"`, `{"later":1,"format"`, 1),
		"a file outside":      strings.Replace(whole, "1.0.0/about.json", "1.0.0/../../x", 1),
		"an empty line":       whole + "\n",
	} {
		if _, err := ParseLock([]byte(text)); !errors.Is(err, ErrLock) {
			t.Errorf("%s: %v", name, err)
		}
	}

	lock, err := ParseLock([]byte(whole))
	if err != nil || len(lock.Entries) != 3 {
		t.Fatalf("%d entries, %v", len(lock.Entries), err)
	}
	same, err := lock.Append([]byte(whole), Entry{Release: "2.0.0", App: "shop", Files: digests("2.0.0", "about.json", "a@1.0.ndjson")})
	if err != nil || string(same) != whole {
		t.Errorf("the same release again: %v", err)
	}
	_, err = lock.Append([]byte(whole), Entry{Release: "2.0.0", App: "shop", Files: digests("2.0.0", "about.json", "b@1.0.ndjson")})
	if !errors.Is(err, ErrRecorded) || !strings.Contains(err.Error(), "2.0.0/a@1.0.ndjson, 2.0.0/b@1.0.ndjson") {
		t.Errorf("other files: %v", err)
	}
}

func TestReleasesThatAreNoDirectory(t *testing.T) {
	for _, version := range []string{"", ".", "..", ".hidden", "a/b", "a b", "a\nb", "1.0\x00", strings.Repeat("1", 200)} {
		if IsRelease(version) {
			t.Errorf("%q", version)
		}
	}
	for _, version := range []string{"1.4.0", "v2", "2026-11-30", "1.0.0-rc.1+build5", "main_abc"} {
		if !IsRelease(version) {
			t.Errorf("%q", version)
		}
	}
}

// What parses can be appended to, and parses again.
func FuzzParseLock(f *testing.F) {
	f.Add([]byte(nil))
	f.Add([]byte(`{"format":1,"release":"1.0.0","app":"shop","recorded":"2026-01-01T00:00:00Z","files":{"1.0.0/a":"sha256:` + strings.Repeat("ab", 32) + `"}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		lock, err := ParseLock(text)
		if err != nil {
			return
		}
		longer, err := lock.Append(text, Entry{Release: "z.new", App: "shop", Files: digests("z.new", "about.json")})
		if err != nil {
			return // it has that release, with other files
		}
		if _, err := ParseLock(longer); err != nil {
			t.Errorf("%q: %v", longer, err)
		}
	})
}
