package apps

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// Checker compares running applications with what is saved of them.
type Checker struct {
	Dialer   Dialer
	Payloads Payloads
	Random   io.Reader
	// Progress is called with the progress; it may be nil. In addition to the phases of the contract
	// there is [Comparing].
	Progress func(appbur.AppKey, contract.Progress)
}

// Phases of [contract.Progress] that are not the application's.
const (
	// Waiting is for an application that is not ready.
	Waiting = "waiting"
	// Comparing reads what was saved; its bytes count.
	Comparing = "comparing"
)

// Check compares one application, and returns one sentence per difference. Saved rows
// are changed as the application declares before they are compared.
func (c Checker) Check(ctx context.Context, t Target, saved appbur.AppState) ([]string, error) {
	client, err := c.Dialer.dial(ctx, t, 0)
	if err != nil {
		return nil, err
	}
	defer hangUp(client)
	return c.compare(ctx, client, saved, nil)
}

func (c Checker) reporter(app appbur.AppKey) func(contract.Progress) {
	return func(p contract.Progress) {
		if c.Progress != nil {
			c.Progress(app, p)
		}
	}
}

// compare exports and compares. claimed holds what an import that just ended said
// of its result, by dataset: it is used where a step is not declared.
func (c Checker) compare(
	ctx context.Context, client *contract.Client, saved appbur.AppState, claimed map[string]appbur.Digest,
) ([]string, error) {
	info, err := client.Info(ctx)
	if err != nil {
		return nil, err
	}
	if info.App != saved.App {
		return []string{fmt.Sprintf("it is %q, the saved state is of %q", info.App, saved.App)}, nil
	}
	without, err := leftOut(c.Payloads, saved, info)
	if err != nil {
		return nil, fmt.Errorf("application %s: %w", saved.AppKey, err)
	}

	digests := map[string]*liveDigest{}
	result, err := export(ctx, client, c.Random, nil, c.reporter(saved.AppKey), func(h contract.DatasetHeader) (io.WriteCloser, error) {
		digests[h.Name] = newLiveDigest(without[h.Name])
		return nopCloser{digests[h.Name]}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("application %s: %w", saved.AppKey, err)
	}

	var differences []string
	for _, dataset := range saved.Datasets {
		i := slices.IndexFunc(info.Datasets, func(d contract.DatasetInfo) bool { return d.Name == dataset.Name })
		n := slices.IndexFunc(result.Datasets, func(d contract.ExportedDataset) bool { return d.Name == dataset.Name })
		if i < 0 || n < 0 {
			differences = append(differences, fmt.Sprintf("dataset %s: the application has it no more", dataset.Name))
			continue
		}
		if len(without[dataset.Name]) > 0 {
			result.Datasets[n].Digest = digests[dataset.Name].digest()
		}
		difference, err := c.compareDataset(saved.AppKey, dataset, info.Datasets[i], result.Datasets[n], claimed[dataset.Name])
		if err != nil {
			return nil, fmt.Errorf("application %s: %w", saved.AppKey, err)
		}
		if difference != "" {
			differences = append(differences, difference)
		}
	}
	return differences, nil
}

// leftOut returns the fields of each dataset that a comparison leaves out: the saved rows
// do not have them, and what the application put there instead cannot be predicted.
func leftOut(payloads Payloads, saved appbur.AppState, info contract.Info) (map[string][]string, error) {
	without := map[string][]string{}
	for _, dataset := range saved.Datasets {
		i := slices.IndexFunc(info.Datasets, func(d contract.DatasetInfo) bool { return d.Name == dataset.Name })
		if i < 0 || dataset.Opaque() ||
			!slices.ContainsFunc(info.Datasets[i].Defaults, func(d contract.FieldDefault) bool { return d.Value == nil }) {
			continue
		}
		rows, err := payloads.Payload(saved.AppKey, dataset)
		if err != nil {
			return nil, err
		}
		fields, err := unforeseen(dataset, info.Datasets[i], rows)
		_ = rows.Close() // it is read again, to its end, by the comparison
		if err != nil {
			return nil, err
		}
		without[dataset.Name] = fields
	}

	return without, nil
}

// compareOpaque compares bytes that only the application reads: by digest, and only
// while their schema is the same. imported says that the application has just taken
// them over; then what became of an older schema is its word alone.
func compareOpaque(saved appbur.Dataset, live contract.ExportedDataset, imported bool) string {
	switch {
	case saved.MediaType != live.MediaType:
		return fmt.Sprintf("dataset %s: it is %s now, saved was %s", saved.Name, live.MediaType, saved.MediaType)
	case saved.Schema != live.Schema && imported:
		return ""
	case saved.Schema != live.Schema:
		return fmt.Sprintf("dataset %s: it is opaque and was saved with schema %s, so it cannot be compared with schema %s", saved.Name,
			saved.Schema, live.Schema)
	case saved.Digest.IsZero():
		return fmt.Sprintf("dataset %s: its saved digest is sealed, so it cannot be compared", saved.Name)
	case saved.Digest != live.Digest && (saved.Sensitive || live.Sensitive):
		return fmt.Sprintf("dataset %s: its %d bytes differ from the %d saved ones", saved.Name, live.Size, saved.Size)
	case saved.Digest != live.Digest:
		return fmt.Sprintf("dataset %s: its %d bytes differ from the %d saved ones (digest %s, want %s)", saved.Name, live.Size, saved.Size,
			live.Digest.Short(), saved.Digest.Short())
	}
	return ""
}

func (c Checker) compareDataset(
	key appbur.AppKey, saved appbur.Dataset, info contract.DatasetInfo, live contract.ExportedDataset, claimed appbur.Digest,
) (string, error) {
	if saved.Opaque() || (appbur.Dataset{MediaType: live.MediaType}).Opaque() {
		return compareOpaque(saved, live, !claimed.IsZero()), nil
	}
	rows, err := c.Payloads.Payload(key, saved)
	if err != nil {
		return "", err
	}
	defer func() { _ = rows.Close() }()

	want, err := expect(saved, info, &reportingReader{in: rows, dataset: saved.Name, report: c.reporter(key)})
	switch {
	case err != nil:
		return "", err
	case !want.declared && claimed == live.Digest:
		return "", nil
	case !want.declared && !claimed.IsZero():
		return fmt.Sprintf("dataset %s: the application exports other rows than it said it imported", saved.Name), nil
	case !want.declared:
		return fmt.Sprintf("dataset %s: the application does not declare how schema %s becomes %s, so its rows cannot be compared", saved.Name,
			saved.Schema, info.Schema), nil
	case live.Rows != want.rows:
		return fmt.Sprintf("dataset %s: %d rows, saved were %d", saved.Name, live.Rows, want.rows), nil
	case live.Digest != want.digest && (saved.Sensitive || live.Sensitive):
		return fmt.Sprintf("dataset %s: its %d rows differ from the saved ones", saved.Name, live.Rows), nil
	case live.Digest != want.digest:
		return fmt.Sprintf("dataset %s: its %d rows differ from the saved ones (digest %s, want %s)", saved.Name, live.Rows, live.Digest.Short(),
			want.digest.Short()), nil
	}
	return "", nil
}

// reportingReader reports how much of a saved dataset was compared.
type reportingReader struct {
	in      io.Reader
	dataset string
	bytes   int64
	report  func(contract.Progress)
}

// Read implements [io.Reader].
func (r *reportingReader) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	r.bytes += int64(n)
	r.report(contract.Progress{Phase: Comparing, Dataset: r.dataset, Bytes: r.bytes})
	return n, err
}
