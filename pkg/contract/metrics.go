package contract

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/appbur/appbur/pkg/contract/contractpb"
)

// Metrics counts what one server does. Put one into [Options], and serve it where
// Prometheus finds it: it is an [http.Handler] that answers in the text format. The
// zero value is ready, and a nil one counts nothing.
//
//	appbur_contract_calls_total{call,code,reason}            ended calls
//	appbur_contract_calls_in_flight{call}                    calls under way
//	appbur_contract_call_seconds_sum{call}, …_count{call}    how long ended calls took
//	appbur_contract_payload_bytes_total{kind}                payload sent ("export") and received ("import")
//	appbur_contract_rows_total{kind}                         rows sent, and rows applied
//	appbur_contract_operations{kind,state}                   operations that run or wait for a resume
//	appbur_contract_last_success_timestamp_seconds{kind}     when the last one succeeded, dry runs not counted
type Metrics struct {
	mu      sync.Mutex
	service *service
	ended   map[endedCall]int64
	flying  map[string]int64
	seconds map[string]float64
	bytes   map[string]int64
	rows    map[string]int64
	last    map[string]time.Time
}

type endedCall struct{ call, code, reason string }

// kindNames are the kinds of operations as labels.
var kindNames = map[contractpb.OperationKind]string{
	contractpb.OperationKind_OPERATION_KIND_EXPORT: "export",
	contractpb.OperationKind_OPERATION_KIND_IMPORT: "import",
}

func (m *Metrics) watch(s *service) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.service = s
	if m.ended == nil {
		m.ended, m.flying, m.seconds = map[endedCall]int64{}, map[string]int64{}, map[string]float64{}
		m.bytes, m.rows, m.last = map[string]int64{}, map[string]int64{}, map[string]time.Time{}
	}
}

func (m *Metrics) begin(call string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flying[call]++
}

func (m *Metrics) end(call string, code codes.Code, reason Reason, took time.Duration) {
	if m == nil {
		return
	}
	if _, known := meanings[reason]; !known && reason != "" {
		reason = "OTHER" // applications may invent reasons; labels may not be endless
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flying[call]--
	m.seconds[call] += took.Seconds()
	m.ended[endedCall{call, code.String(), string(reason)}]++
}

func (m *Metrics) moved(kind contractpb.OperationKind, size, rows int64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bytes[kindNames[kind]] += size
	m.rows[kindNames[kind]] += rows
}

func (m *Metrics) succeeded(kind contractpb.OperationKind, at time.Time) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last[kindNames[kind]] = at
}

// imported counts an import that ended well, whether or not anybody listened.
func (m *Metrics) imported(result *contractpb.ImportResult, at time.Time) {
	if !result.GetApplied() {
		return
	}
	for _, d := range result.GetDatasets() {
		m.moved(contractpb.OperationKind_OPERATION_KIND_IMPORT, 0, int64(d.GetRows()))
	}
	m.succeeded(contractpb.OperationKind_OPERATION_KIND_IMPORT, at)
}

// ServeHTTP implements [http.Handler].
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	// The reader hung up, there is nobody to tell.
	_, _ = m.WriteTo(w)
}

// WriteTo implements [io.WriterTo]. Equal counts give equal text.
func (m *Metrics) WriteTo(w io.Writer) (int64, error) {
	if m == nil {
		return 0, nil
	}
	operations := m.operations()
	var b bytes.Buffer
	m.mu.Lock()
	header(&b, "calls_total", "counter", "Calls that ended.")

	for _, c := range slices.SortedFunc(maps.Keys(m.ended), func(a, b endedCall) int {
		return cmp.Or(cmp.Compare(a.call, b.call), cmp.Compare(a.code, b.code), cmp.Compare(a.reason, b.reason))
	}) {
		fmt.Fprintf(&b, "appbur_contract_calls_total{call=%q,code=%q,reason=%q} %d\n", c.call, c.code, c.reason, m.ended[c])
	}

	series(&b, "calls_in_flight", "gauge", "Calls under way.", "call", m.flying)
	header(&b, "call_seconds", "summary", "How long ended calls took.")
	count := map[string]int64{}
	for c, n := range m.ended {
		count[c.call] += n
	}

	for _, call := range slices.Sorted(maps.Keys(m.seconds)) {
		fmt.Fprintf(&b, "appbur_contract_call_seconds_sum{call=%q} %s\n", call, number(m.seconds[call]))
		fmt.Fprintf(&b, "appbur_contract_call_seconds_count{call=%q} %d\n", call, count[call])
	}

	series(&b, "payload_bytes_total", "counter", "Payload sent by exports and received by imports.", "kind", m.bytes)
	series(&b, "rows_total", "counter", "Rows sent by exports and applied by imports.", "kind", m.rows)
	header(&b, "operations", "gauge", "Operations that run or wait for a resume.")
	b.WriteString(operations)
	header(&b, "last_success_timestamp_seconds", "gauge", "When the last operation succeeded.")
	for _, kind := range slices.Sorted(maps.Keys(m.last)) {
		fmt.Fprintf(&b, "appbur_contract_last_success_timestamp_seconds{kind=%q} %s\n", kind, number(float64(m.last[kind].UnixMilli())/1000))
	}
	m.mu.Unlock()
	return b.WriteTo(w)
}

// operations are the samples of what runs. It is asked for before the lock is taken:
// operations that end hold their own lock and count.
func (m *Metrics) operations() string {
	m.mu.Lock()
	s := m.service
	m.mu.Unlock()
	if s == nil {
		return ""
	}

	counts := map[contractpb.OperationKind]map[string]int64{}
	for _, kind := range []contractpb.OperationKind{
		contractpb.OperationKind_OPERATION_KIND_EXPORT,
		contractpb.OperationKind_OPERATION_KIND_IMPORT,
	} {
		counts[kind] = map[string]int64{"running": 0, "suspended": 0}
	}

	for _, op := range slices.Concat(s.exports.list(), s.imports.list()) {
		state := strings.ToLower(strings.TrimPrefix(op.GetState().String(), "OPERATION_STATE_"))
		if _, shown := counts[op.GetKind()][state]; shown {
			counts[op.GetKind()][state]++
		}
	}

	var b strings.Builder
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		for _, state := range slices.Sorted(maps.Keys(counts[kind])) {
			fmt.Fprintf(&b, "appbur_contract_operations{kind=%q,state=%q} %d\n", kindNames[kind], state, counts[kind][state])
		}
	}

	return b.String()
}

func header(b *bytes.Buffer, name, kind, help string) {
	fmt.Fprintf(b, "# HELP appbur_contract_%s %s\n# TYPE appbur_contract_%s %s\n", name, help, name, kind)
}

func series(b *bytes.Buffer, name, kind, help, label string, values map[string]int64) {
	header(b, name, kind, help)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(b, "appbur_contract_%s{%s=%q} %d\n", name, label, key, values[key])
	}
}

func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
