package cli

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/pkg/contract"
)

// Each phase of an import says how far it has come of what was saved, how fast it goes and how
// long it will still take, over all datasets of the application, and which application it is of
// how many.
func TestAnImportShowsItsRateAndWhatIsLeft(t *testing.T) {
	key := func(name string) appbur.AppKey { return appbur.AppKey{Namespace: "shop", Name: name} }
	saved := []appbur.AppState{
		{AppKey: key("db"), Datasets: []appbur.Dataset{
			{Name: "users", Rows: 1000, Size: 100 << 10}, {Name: "orders", Rows: 3000, Size: 300 << 10},
		}},
		{AppKey: key("web")},
	}

	for _, test := range []struct {
		phase string
		line  string
	}{
		{"receiving", `importing shop/db \(1 of 2\)  50% \[=+> +\]  200\.0 KiB of 400\.0 KiB, 50(\.\d)? KiB/s, 4 s left`},
		{"applying", `applying the state of shop/db \(1 of 2\)  ~50% \[=+> +\]  2000 of ~4000 rows, 500/s, ~4 s left`},
		{"verifying", `verifying the state of shop/db \(1 of 2\)  ~50% \[=+> +\]  2000 of ~4000 rows, 500/s, ~4 s left`},
		{"exporting", `exporting again shop/db \(1 of 2\)  ~50% \[=+> +\]  200\.0 KiB of ~400\.0 KiB, 50(\.\d)? KiB/s, ~4 s left`},
		{apps.Comparing, `comparing the state of shop/db \(1 of 2\)  50% \[=+> +\]  200\.0 KiB of 400\.0 KiB, 50(\.\d)? KiB/s, 4 s left`},
		{apps.Waiting, `waiting for shop/db \(1 of 2\)  4 s so far`},
		{"committing", `committing the state of shop/db \(1 of 2\)  4 s so far`},
	} {
		t.Run(test.phase, func(t *testing.T) {
			e, screen, clock, _ := onTerminal(160)
			bar := e.appBar(saved)
			defer bar.finish()
			bar.report(key("db"), contract.Progress{Phase: test.phase})
			for step := range int64(40) { // the first dataset in two seconds, a third of the next in two more
				clock.pass(100 * time.Millisecond)
				p := contract.Progress{Phase: test.phase, Dataset: "users", Rows: (step + 1) * 50, Bytes: (step + 1) * 5 << 10}
				if step >= 20 {
					p.Dataset, p.Rows, p.Bytes = "orders", p.Rows-1000, p.Bytes-100<<10
				}
				bar.report(key("db"), p)
			}

			drawn := strings.Join(screen.seen(), "\n")
			if !regexp.MustCompile(`(?m)^` + test.line + `$`).MatchString(drawn) {
				t.Errorf("nothing is like %s:\n%s", test.line, drawn)
			}
		})
	}
}

// One application alone needs no number.
func TestOneApplicationIsNotNumbered(t *testing.T) {
	app := appbur.AppState{AppKey: appbur.AppKey{Namespace: "shop", Name: "db"}}
	e, screen, clock, _ := onTerminal(160)
	bar := e.appBar([]appbur.AppState{app})
	for range 10 {
		bar.report(app.AppKey, contract.Progress{Phase: apps.Waiting})
		clock.pass(100 * time.Millisecond)
	}
	if drawn := strings.Join(screen.seen(), "\n"); !strings.Contains(drawn, "waiting for shop/db  ") {
		t.Errorf("%s", drawn)
	}
	bar.finish()
}
