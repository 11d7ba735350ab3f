package managementcluster

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func allObjects(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	for _, topic := range topics {
		objects, err := topic.objects()
		if err != nil {
			t.Fatal(err)
		}
		if len(objects) == 0 {
			t.Errorf("%s holds no object", topic.file)
		}
		all = append(all, objects...)
	}
	return append(all, inventory())
}

func TestEveryFileIsATopicInItsOrder(t *testing.T) {
	entries, err := fs.ReadDir(manifests, "manifests")
	if err != nil {
		t.Fatal(err)
	}
	var files, named []string
	for _, entry := range entries {
		files = append(files, entry.Name())
	}
	for _, topic := range topics {
		named = append(named, topic.file)
	}
	if !slices.Equal(files, named) {
		t.Errorf("topics are\n%q\nfiles, in the order of their numbers, are\n%q", named, files)
	}
}

func TestEveryFileSaysWhatItStandsFor(t *testing.T) {
	for _, topic := range topics {
		data, err := topic.read()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(data, []byte("# ")) {
			t.Errorf("%s does not begin with a comment", topic.file)
		}
	}
}

func TestObjectsAreDistinctAndOwnersComeFirst(t *testing.T) {
	owners := registry{}
	objects := allObjects(t)
	for _, obj := range objects {
		id := identify(obj)
		if _, ok := owners[id]; ok {
			t.Errorf("%s occurs twice", id)
		}
		if err := owners.link(obj); err != nil {
			t.Error(err)
		}
		owners[id] = "uid"
	}
	if n := len(objects); n < 150 || n > 250 {
		t.Errorf("%d objects, want 150 to 250", n)
	}
}

func TestCanariesAreExactlyThoseInTheFiles(t *testing.T) {
	pattern := regexp.MustCompile(`canary-[0-9a-f]{8}-[a-z0-9-]+`)
	inFiles := map[string]bool{rotatedPassword: true}
	for _, topic := range topics {
		data, err := topic.read()
		if err != nil {
			t.Fatal(err)
		}
		for _, canary := range pattern.FindAllString(string(data), -1) {
			inFiles[canary] = true
		}
	}
	if got, want := slices.Sorted(slices.Values(Canaries())), slices.Sorted(maps.Keys(inFiles)); !slices.Equal(got, want) {
		t.Errorf("canaries are\n%q\nfiles hold\n%q", got, want)
	}
}

func TestCanariesLieInSecretsOnly(t *testing.T) {
	found := map[string]bool{rotatedPassword: true}
	for _, obj := range allObjects(t) {
		text, err := obj.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		leaks := Leaks(text)
		for _, canary := range leaks {
			found[canary] = true
		}
		if len(leaks) > 0 && obj.GetKind() != "Secret" {
			t.Errorf("%s holds %q", identify(obj), leaks)
		}
	}

	for _, canary := range Canaries() {
		if !found[canary] {
			t.Errorf("%s is in no object", canary)
		}
	}
}

func TestLeaksFindsEveryForm(t *testing.T) {
	for _, canary := range Canaries() {
		for _, text := range []string{canary, "<" + canary + ">", "ab" + canary + "c", "abc" + canary, "abcd" + canary + "xyz"} {
			for _, data := range []string{text, base64.StdEncoding.EncodeToString([]byte(text))} {
				if got := Leaks([]byte(data)); !slices.Equal(got, []string{canary}) {
					t.Errorf("Leaks(%q) = %q", data, got)
				}
			}
		}
	}
	if got := Leaks([]byte("canary-0000 Y2FuYXJ5")); got != nil {
		t.Errorf("Leaks of a text without any = %q", got)
	}
}

func TestInventoryIsLargeAndFits(t *testing.T) {
	data, _, err := unstructured.NestedString(inventory().Object, "data", "servers.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if len(data) < 900_000 || len(data) > 1<<20 {
		t.Errorf("the inventory has %d bytes", len(data))
	}
	for line := range bytes.Lines([]byte(data)) {
		if !json.Valid(line) {
			t.Fatalf("%q is not JSON", line)
		}
	}
	again, _, _ := unstructured.NestedString(inventory().Object, "data", "servers.jsonl")
	if again != data {
		t.Error("two inventories differ")
	}
}

func TestLastAppliedIsWhatKubectlLeaves(t *testing.T) {
	obj, err := decode([]byte("apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: team}\nstringData: {a: b}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := leaveLastApplied(obj); err != nil {
		t.Fatal(err)
	}
	want := `{"apiVersion":"v1","kind":"Secret","metadata":{"annotations":{},"name":"s","namespace":"team"},"stringData":{"a":"b"}}` + "\n"
	if got := obj.GetAnnotations()[lastAppliedAnnotation]; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTickMovesOnFromWhereItIs(t *testing.T) {
	if got := tick("2026-06-01T08:00:59Z", "2006-01-02T15:04:05Z07:00"); got != "2026-06-01T08:01:01Z" {
		t.Error(got)
	}
	if got := tick("", "2006-01-02T15:04:05Z07:00"); got != "2026-06-01T08:00:02Z" {
		t.Error(got)
	}
}
