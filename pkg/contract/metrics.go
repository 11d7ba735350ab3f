package contract

import (
	"slices"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// Metrics gets what one server does, from many goroutines. The package metrics has
// one for Prometheus. Kinds are "export" and "import".
type Metrics interface {
	// Serving is called once, before any call comes. operations lists what runs and what
	// waits for a resume.
	Serving(operations func() []Operation)
	// CallBegan and CallEnded are called in pairs. The reason is "", one of [Reasons], or
	// "OTHER": applications may invent reasons, and labels may not be endless.
	CallBegan(call string)
	CallEnded(call string, code codes.Code, reason Reason, took time.Duration)
	// Transferred counts payload and rows that an export sent, payload that an
	// import received, and rows that it applied.
	Transferred(kind string, bytes, rows int64)
	// Succeeded is called when an operation succeeded that was no dry run.
	Succeeded(kind string, at time.Time)
}

// The kinds of operations in metrics.
const (
	kindExport = "export"
	kindImport = "import"
)

// uncounted are the metrics of who wants none.
type uncounted struct{}

func (uncounted) Serving(func() []Operation)                          {}
func (uncounted) CallBegan(string)                                    {}
func (uncounted) CallEnded(string, codes.Code, Reason, time.Duration) {}
func (uncounted) Transferred(string, int64, int64)                    {}
func (uncounted) Succeeded(string, time.Time)                         {}

// countImport counts an import that ended well, whether or not anybody listened.
func countImport(m Metrics, result *contractpb.ImportResult, at time.Time) {
	if !result.GetApplied() {
		return
	}
	for _, d := range result.GetDatasets() {
		m.Transferred(kindImport, 0, int64(d.GetRows()))
	}
	m.Succeeded(kindImport, at)
}

// countable is a reason of the closed list.
func countable(reason Reason) Reason {
	if _, known := meanings[reason]; known || reason == "" {
		return reason
	}
	return "OTHER"
}

// current are the operations that run or wait for a resume.
func (s *service) current() []Operation {
	var current []Operation
	for _, op := range slices.Concat(s.exports.list(), s.imports.list()) {
		current = append(current, readOperationMessage(op))
	}
	return current
}
