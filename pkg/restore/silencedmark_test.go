package restore

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
)

const twoHooks = `{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration,
	metadata: {name: guard, annotations: {owner: platform}}, webhooks: [
	{name: strict.example.org, failurePolicy: Fail, timeoutSeconds: 3}, {name: unsaid.example.org}, {name: quiet.example.org, failurePolicy: Ignore}]}`

// What is silenced is as it was before, afterwards; what was silent by choice is in no mark.
func TestASilenceIsUndone(t *testing.T) {
	before := decode(t, twoHooks)
	silent, names, err := silence(before, []string{"strict.example.org", "quiet.example.org", "missing.example.org"})
	if err != nil || !cmp.Equal(names, []string{"strict.example.org"}) {
		t.Fatalf("%v: %v", err, names)
	}
	if policy := text(list(silent, "webhooks")[0], "failurePolicy"); policy != "Ignore" {
		t.Errorf("it is %s", policy)
	}
	if diff := cmp.Diff(before, unsilenced(silent)); diff != "" {
		t.Error(diff)
	}

	// Another restore silences more, and knows of what the first one did.
	both, names, err := silence(silent, []string{"unsaid.example.org", "strict.example.org"})
	if err != nil || !cmp.Equal(names, []string{"strict.example.org", "unsaid.example.org"}) {
		t.Fatalf("%v: %v", err, names)
	}
	want := decode(t, twoHooks)
	dict(list(want, "webhooks")[1])["failurePolicy"] = "Fail" // as a server fills it in
	if diff := cmp.Diff(want, unsilenced(both)); diff != "" {
		t.Error(diff)
	}
}

// What was saved while it was silent is in the point as it was before.
func TestAPointHasNoSilence(t *testing.T) {
	silent, _, err := silence(decode(t, twoHooks), []string{"strict.example.org"})
	if err != nil {
		t.Fatal(err)
	}
	id := appbur.ObjectID{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration", Name: "guard"}
	point := Unsilenced(Point{Objects: ObjectsOf(Object{ID: id, APIVersion: "admissionregistration.k8s.io/v1", Content: silent})})
	if diff := cmp.Diff(decode(t, twoHooks), point.Objects.At(0).Content); diff != "" {
		t.Error(diff)
	}
}

// Whatever somebody writes as a mark, to undo it changes nothing but webhooks that let pass what nobody
// answers for: they become strict.
func TestAForgedSilenceOnlyMakesStricter(t *testing.T) {
	for _, mark := range []string{
		`["strict.example.org", "quiet.example.org", "missing.example.org"]`, `["quiet.example.org"]`, `[]`, `{}`, ``, `null`, `"quiet.example.org"`,
		`[{"name": "strict.example.org", "failurePolicy": "Ignore"}]`, `[["strict.example.org"]]`, `["strict.example.org=Ignore"]`, `[""]`, `[1]`,
	} {
		onlyStricter(t, mark)
	}
}

func FuzzSilencedMark(f *testing.F) {
	f.Add(`["strict.example.org"]`)
	f.Add(`["quiet.example.org","quiet.example.org"]`)
	f.Fuzz(func(t *testing.T, mark string) { onlyStricter(t, mark) })
}

func onlyStricter(t *testing.T, mark string) {
	t.Helper()
	forged := with(decode(t, twoHooks), mark, "metadata", "annotations", SilencedKey)
	after := unsilenced(forged)
	for i, was := range list(forged, "webhooks") {
		is := list(after, "webhooks")[i]
		if cmp.Equal(was, is) {
			continue
		}
		if text(was, "failurePolicy") != "Ignore" || text(is, "failurePolicy") != "Fail" {
			t.Errorf("%s: %v becomes %v", mark, was, is)
		}
		if diff := cmp.Diff(without(dict(was), "failurePolicy"), without(dict(is), "failurePolicy")); diff != "" {
			t.Errorf("%s: %s", mark, diff)
		}
	}

	_, err := silencedIn(forged)
	if _, left := dict(after, "metadata", "annotations")[SilencedKey]; left != (err != nil) {
		t.Errorf("%s: the mark is left: %t, %v", mark, left, err)
	}
	rest := without(without(after, "webhooks"), "metadata", "annotations", SilencedKey)
	if diff := cmp.Diff(without(decode(t, twoHooks), "webhooks"), rest); diff != "" {
		t.Errorf("%s: %s", mark, diff)
	}
}

// An entry of managedFields that is left of an interrupted silence has nothing but that in it.
func TestOnlyASilenceIsTakenFromTheManagers(t *testing.T) {
	entry := func(manager, fields string) any {
		return decode(t, `{manager: `+manager+`, operation: Update, fieldsV1: `+fields+`}`)
	}
	silence := `{"f:metadata": {"f:annotations": {"f:restore.appbur.io/silenced": {}}}, "f:webhooks": {'k:{"name":"a"}': {"f:failurePolicy": {}}}}`
	created := `{"f:webhooks": {".": {}, 'k:{"name":"a"}': {".": {}, "f:failurePolicy": {}, "f:name": {}}}}`
	managers := []any{entry("appbur", silence), entry("appbur", created), entry("helm", silence)}
	if got := withoutSilence(managers); !cmp.Equal(got, managers[1:]) {
		t.Errorf("%v", got)
	}
}
