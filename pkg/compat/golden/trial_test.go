package golden

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat/payload"
)

// shop is an application that writes schema 2.0 of its orders and reads 1.0.
func shop() About {
	return About{App: "shop", Version: "2.0.0", Datasets: []Dataset{{
		Name: "orders", Schema: "2.0", Reads: ">= 1.0, <= 2.0", MediaType: rowsType, Key: []string{"id"},
		Upcasts:  []payload.Upcast{{From: "1.0", To: "2.0", Changes: []payload.Change{{Op: payload.Rename, Path: "/note", To: "/text"}}}},
		Defaults: []Default{{Field: "paid", Value: json.RawMessage("false")}, {Field: "seen"}},
	}}}
}

func goldenOf(release, schema string, rows ...Row) Golden {
	return Golden{Release: release, Rows: map[string][]Row{"orders": rows}, About: About{App: "shop", Version: release, Datasets: []Dataset{{
		Name: "orders", Schema: schema, Reads: ">= 1.0", MediaType: rowsType, Key: []string{"id"}, File: "orders@" + schema + ".ndjson",
	}}}}
}

// whole is a trial in which everything is as it must be.
func whole() Trial {
	out := []Row{{"id": int64(1), "text": "a", "paid": false, "seen": "now"}}
	first := map[string]Exported{"orders": {Schema: "2.0", Digest: appbur.DigestOf([]byte("x")), Rows: out}}
	answer := Attempt{Datasets: []Answer{{Name: "orders", Rows: 1, SchemaFrom: "1.0", SchemaTo: "2.0", Filled: []string{"paid", "seen"}}}}
	return Trial{
		Golden: goldenOf("1.0.0", "1.0", Row{"id": int64(1), "note": "a"}), Now: shop(), DryRun: answer, Import: answer,
		Again: Attempt{Datasets: []Answer{{Name: "orders", Rows: 1}}}, First: first, Second: first,
	}
}

func refused(reason string) Attempt { return Attempt{Refusal: &Refusal{Reason: reason, Message: "no"}} }

func TestATrialIsJudged(t *testing.T) {
	if j := whole().Judge(); j.Verdict != Imported || len(j.Findings) > 0 || len(j.Notes) > 0 || !j.Ran["orders"][0].Changed[0] {
		t.Fatalf("%+v", j)
	}

	newer := goldenOf("3.0.0", "3.0", Row{"id": int64(1)})
	older := goldenOf("0.9.0", "0.9", Row{"id": int64(1)})
	for name, test := range map[string]struct {
		change func(*Trial)
		want   string // of a finding; none if the verdict says it
		is     Verdict
	}{
		"newer, refused": {func(t *Trial) { t.Golden, t.DryRun, t.Import = newer, refused(tooNew), refused(tooNew) }, "", RefusedNewer},
		"newer, taken":   {func(t *Trial) { t.Golden = newer }, "took a schema that the application does not read", Failed},
		"newer, refused for another reason": {
			func(t *Trial) { t.Golden, t.DryRun, t.Import = newer, refused(tooNew), refused("PAYLOAD_INVALID") },
			"the import was refused with another reason than SCHEMA_TOO_NEW", Failed,
		},
		"older, refused":  {func(t *Trial) { t.Golden, t.DryRun, t.Import = older, refused(tooOld), refused(tooOld) }, "", RefusedOlder},
		"refused":         {func(t *Trial) { t.DryRun, t.Import = refused("PANIC"), refused("PANIC") }, "the import was refused: PANIC", Failed},
		"dry run refused": {func(t *Trial) { t.DryRun = refused("PANIC") }, "the dry run was refused, and the import was not", Failed},
		"dry run says otherwise": {
			func(t *Trial) { t.DryRun = Attempt{Datasets: []Answer{{Name: "orders", Rows: 2}}} }, "another result than the import", Failed,
		},
		"a row too few": {func(t *Trial) { t.First = map[string]Exported{"orders": {}} }, `row {"id":1} is missing`, Failed},
		"a value lost": {func(t *Trial) {
			t.First = map[string]Exported{"orders": {Rows: []Row{{"id": int64(1), "paid": false}}}}
		}, `row {"id":1} has no /text`, Failed},
		"a dataset gone": {func(t *Trial) { t.First = nil }, "does not have the dataset any more", Failed},
		"an undeclared loss": {
			func(t *Trial) { t.Import.Datasets[0].UndeclaredLosses = []string{"/note"} }, "an upcast loses /note, which it does not declare", Failed,
		},
		"no fixed point": {func(t *Trial) {
			t.Second = map[string]Exported{"orders": {Rows: []Row{{"id": int64(1), "text": "b", "paid": false, "seen": "now"}}}}
		}, `the second round is another one than the first: row {"id":1}: /text is "b", expected was "a"`, Failed},
		"the second round refused": {func(t *Trial) { t.Again = refused("PANIC") }, "does not import what it exported itself", Failed},
		"the second round drops":   {func(t *Trial) { t.Again.Datasets[0].Dropped = []Loss{{Path: "/x"}} }, "drops or fills fields", Failed},
	} {
		t.Run(name, func(t *testing.T) {
			trial := whole()
			test.change(&trial)
			j := trial.Judge()
			if j.Verdict != test.is || (test.want == "") != (len(j.Findings) == 0) {
				t.Fatalf("%+v", j)
			}
			var said []string
			for _, f := range j.Findings {
				said = append(said, f.What)
			}
			if !strings.Contains(strings.Join(said, "\n"), test.want) {
				t.Errorf("%q, want %q", said, test.want)
			}
		})
	}
}

// No value of a sensitive dataset is quoted, nor the key of its rows.
func TestFindingsQuoteNothingSensitive(t *testing.T) {
	trial := whole()
	trial.Now.Datasets[0].Sensitive = true
	trial.Golden.Rows["orders"] = []Row{{"id": "secret-id", "note": "hunter2"}, {"id": "secret-2", "note": "x", "text": "twice"}}
	trial.First = map[string]Exported{"orders": {Rows: []Row{{"id": "secret-id", "text": "hunter3", "paid": false}, {"id": "secret-9"}}}}
	trial.Second = map[string]Exported{"orders": {Digest: appbur.DigestOf(nil), Rows: []Row{{"id": "secret-id", "text": "hunter4"}}}}

	for range 2 {
		j := trial.Judge()
		text, err := json.Marshal(j)
		if err != nil {
			t.Fatal(err)
		}
		if len(j.Findings) == 0 || strings.Contains(string(text), "hunter") || strings.Contains(string(text), "secret-") {
			t.Errorf("%s", text)
		}
		trial.Golden.Rows["orders"] = trial.Golden.Rows["orders"][:1] // the second row cannot be upcast; without it rows are compared
	}
}
