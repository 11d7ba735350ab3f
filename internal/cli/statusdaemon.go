package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/diagnosis"
)

// daemonPatience is how long a daemon may take for one answer: /readyz probes a disk for five seconds.
const daemonPatience = 10 * time.Second

// mostSaid bounds an answer of a daemon.
const mostSaid = 16 << 20

// daemonAddress is where the daemon is asked, "" for nowhere. A daemon that serves to everybody is in a pod or behind a
// name that the configuration does not know; one on loopback is on this machine.
func (o *statusCommand) daemonAddress(c configuration.Configuration) (string, error) {
	if o.daemon != "" {
		return parseListen(strings.TrimSuffix(strings.TrimPrefix(o.daemon, "http://"), "/"))
	}
	address, err := parseListen(c.Metrics.Listen)
	if err != nil || address == "" {
		return "", err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		return "", nil
	}
	return address, nil
}

// askDaemon reads what a daemon says of itself.
func askDaemon(ctx context.Context, address string, now time.Time) *diagnosis.Daemon {
	d := &diagnosis.Daemon{Address: address}
	client := &http.Client{Timeout: daemonPatience}
	var err error
	for _, probe := range []struct {
		path string
		into *[]string
	}{{"/livez", &d.Stuck}, {"/readyz", &d.NotReady}} {
		var code int
		var text []byte
		if code, text, err = get(ctx, client, address, probe.path+"?verbose"); err != nil {
			d.Err = whyNot(err)
			return d
		}
		if code != http.StatusOK {
			*probe.into = failedChecks(code, text)
		}
	}

	code, text, err := get(ctx, client, address, "/metrics")
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("/metrics answers with %d", code)
	}
	var families map[string]*dto.MetricFamily
	if err == nil {
		parser := expfmt.NewTextParser(model.UTF8Validation)
		if families, err = parser.TextToMetricFamilies(bytes.NewReader(text)); err != nil {
			err = errors.New("what /metrics says cannot be read") // where in a text that nobody sees helps nobody
		}
	}
	if err == nil && families["appbur_build_info"] == nil {
		err = errors.New("this is another program")
	}
	if err != nil {
		d.Err = whyNot(err)
		return d
	}
	readSamples(d, families, now)
	return d
}

// whyNot leaves out the address, which is told beside it.
func whyNot(err error) string {
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err
	}
	return oneLine(err.Error())
}

func get(ctx context.Context, client *http.Client, address, path string) (code int, text []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	text, err = io.ReadAll(io.LimitReader(answer.Body, mostSaid))
	return answer.StatusCode, text, err
}

// failedChecks are the lines "[-]list failed: …" of an answer.
func failedChecks(code int, text []byte) []string {
	var failed []string
	for line := range strings.Lines(string(text)) {
		if check, ok := strings.CutPrefix(strings.TrimSpace(line), "[-]"); ok {
			failed = append(failed, check)
		}
	}
	if len(failed) == 0 {
		failed = append(failed, fmt.Sprintf("it answers with %d", code))
	}
	return failed
}

// readSamples takes what metrics say that no check does.
func readSamples(d *diagnosis.Daemon, families map[string]*dto.MetricFamily, now time.Time) {
	value := func(name string) (float64, bool) {
		family := families[name]
		if family == nil || len(family.GetMetric()) == 0 {
			return 0, false
		}
		if first := family.GetMetric()[0]; first.Counter != nil {
			return first.GetCounter().GetValue(), true
		}
		return family.GetMetric()[0].GetGauge().GetValue(), true
	}

	leader, known := value("appbur_leader")
	d.Leader = !known || leader == 1
	if up, known := value("appbur_api_server_up"); known {
		d.APIServerAway = up == 0
	}
	if at, known := value("appbur_last_good_point_confirmed_timestamp_seconds"); known && at > 0 {
		// A daemon whose clock is ahead must not make a point younger than it can be.
		d.Confirmed = time.UnixMilli(int64(at * 1000))
		if d.Confirmed.After(now) {
			d.Confirmed = now
		}
	}
	if n, known := value("appbur_changes_waiting"); known {
		d.Waiting = int(n)
	}
	if seconds, known := value("appbur_changes_waiting_seconds"); known {
		d.WaitingFor = time.Duration(seconds * float64(time.Second))
	}

	d.Audit = auditOf(value)
	for _, m := range families["appbur_kind_unreadable"].GetMetric() {
		var kind, group string
		for _, label := range m.GetLabel() {
			switch label.GetName() {
			case "kind":
				kind = label.GetValue()
			case "group":
				group = label.GetValue()
			}
		}
		if m.GetGauge().GetValue() > 0 {
			d.Unreadable = append(d.Unreadable, strings.TrimSuffix(kind+"."+group, "."))
		}
	}
	slices.Sort(d.Unreadable)
}

// auditOf is what metrics say of audit events, nil if they say nothing.
func auditOf(value func(name string) (float64, bool)) *diagnosis.Audit {
	configured, known := value("appbur_audit_source_configured")
	if !known {
		return nil
	}
	silent, _ := value("appbur_audit_source_silent")
	changes, _ := value("appbur_audit_changes_total")
	a := &diagnosis.Audit{Configured: configured == 1, Silent: silent == 1, Changes: int(changes)}
	if last, _ := value("appbur_audit_last_event_timestamp_seconds"); last > 0 {
		a.Last = time.UnixMilli(int64(last * 1000))
	}
	return a
}
