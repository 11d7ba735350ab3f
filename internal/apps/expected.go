package apps

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat/payload"
	"github.com/appbur/appbur/pkg/contract"
)

// expectation is what an application must export after it took over a dataset.
type expectation struct {
	schema string
	rows   int64
	digest appbur.Digest
	// declared is false when some step on the way is code alone, so that only the
	// application knows the expected result.
	declared bool
}

// errWithheld replaces an error that may quote a sensitive row.
var errWithheld = errors.New("it cannot be brought to the schema of the application; what is wrong is not shown, because the dataset is sensitive")

// expect applies the declared steps from the schema of a payload to the one that
// an application writes.
func expect(saved appbur.Dataset, info contract.DatasetInfo, rows io.Reader) (expectation, error) {
	fill, err := decodeDefaults(info.Defaults)
	if err != nil {
		return expectation{}, err
	}
	steps, declared, err := declaredSteps(saved.Schema, info)
	if err != nil || !declared {
		return expectation{schema: info.Schema}, err
	}
	want := expectation{schema: info.Schema, declared: true}
	hash := sha256.New()
	reader := bufio.NewReaderSize(rows, 1<<16)

	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return expectation{}, err
		}
		want.rows++
		row, err := upcast(line, steps, fill)
		if err != nil && (saved.Sensitive || info.Sensitive) {
			err = errWithheld // what is wrong with a row is said with its words
		}
		if err != nil {
			return expectation{}, fmt.Errorf("dataset %s, row %d: %w", saved.Name, want.rows, err)
		}
		hash.Write(row)
		hash.Write([]byte{'\n'})
	}

	want.digest = appbur.Digest(hash.Sum(nil))
	return want, nil
}

// decodeDefaults returns the fields that the application gives a known value.
func decodeDefaults(defaults []contract.FieldDefault) (map[string]any, error) {
	fill := map[string]any{}
	for _, d := range defaults {
		if d.Value == nil {
			continue
		}
		row, err := payload.DecodeRow(slices.Concat([]byte(`{"v":`), d.Value, []byte(`}`)))
		if err != nil {
			return nil, fmt.Errorf("the default of field %q: %w", d.Field, err)
		}
		fill[d.Field] = row["v"]
	}
	return fill, nil
}

// unforeseen returns the fields that are missing from the rows of a payload and for which it
// cannot be predicted what the application fills in.
func unforeseen(saved appbur.Dataset, info contract.DatasetInfo, rows io.Reader) ([]string, error) {
	steps, declared, err := declaredSteps(saved.Schema, info)
	if err != nil || !declared {
		return nil, err
	}
	line, err := bufio.NewReader(rows).ReadBytes('\n')
	if len(line) == 0 && errors.Is(err, io.EOF) {
		return nil, nil
	}

	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	first, err := upcast(line, steps, nil)
	if err != nil {
		return nil, nil //nolint:nilerr // the comparison says what is wrong with the row, and knows what may be shown
	}
	row, err := payload.DecodeRow(first)
	if err != nil {
		return nil, err
	}

	var fields []string
	for _, d := range info.Defaults {
		if _, ok := row[d.Field]; !ok && d.Value == nil {
			fields = append(fields, d.Field)
		}
	}

	return fields, nil
}

func upcast(line []byte, steps [][]payload.Change, fill map[string]any) ([]byte, error) {
	row, err := payload.DecodeRow(line)
	if err != nil {
		return nil, err
	}

	for _, changes := range steps {
		if row, _, err = payload.Apply(changes, row); err != nil {
			return nil, err
		}
	}

	for field, value := range fill {
		if _, ok := row[field]; !ok {
			row[field] = value
		}
	}

	encoded, err := payload.EncodeRow(row)
	if err != nil {
		return nil, err
	}
	return contract.Canonical(encoded)
}

// declaredSteps returns the changes of each step between two schemas, and false if
// some step is not declared.
func declaredSteps(from string, info contract.DatasetInfo) (steps [][]payload.Change, declared bool, err error) {
	route, leads, err := payload.Route(from, info.Schema, Upcasts(info))
	if err != nil || !leads {
		return nil, false, err
	}
	for _, step := range route {
		if len(step.Changes) == 0 {
			return nil, false, nil
		}
		steps = append(steps, step.Changes)
	}
	return steps, true, nil
}

// Upcasts are the steps that an application declares, in the words of the rules that
// check them.
func Upcasts(info contract.DatasetInfo) []payload.Upcast {
	var upcasts []payload.Upcast
	for _, u := range info.Upcasts {
		step := payload.Upcast{From: u.From, To: u.To}
		for _, c := range u.Changes {
			step.Changes = append(step.Changes, payload.Change{
				Op: payload.Op(c.Op), Path: c.Path, To: c.To, Value: c.Value, Reason: c.Reason,
			})
		}
		upcasts = append(upcasts, step)
	}
	return upcasts
}
