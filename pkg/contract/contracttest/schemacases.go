package contracttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// older imports every golden payload and calls check with what came of it.
func (s *session) older(ctx context.Context, check func(p Payload, result contract.ImportResult, after state) error) error {
	for _, p := range s.config.Older {
		a := state{}
		for _, d := range p.Datasets {
			a = a.add(d.Name, held{d.Schema, d.Data, s.opaque(d.Name)})
		}
		result, err := s.apply(ctx, a)
		if err != nil {
			return fmt.Errorf("payload of release %s: %w", p.Release, err)
		}
		after, err := s.export(ctx)
		if err != nil {
			return err
		}
		if err := check(p, result, after); err != nil {
			return fmt.Errorf("payload of release %s: %w", p.Release, err)
		}
	}
	return nil
}

// noOlder says what it means that there are no golden payloads.
func (s *session) noOlder() error {
	for _, d := range s.info.Datasets {
		if len(d.Upcasts) > 0 || d.Reads != "" && !onlyReads(d.Reads, d.Schema) {
			return s.needs(": golden payloads of the releases whose schemas can still be imported", "Older")
		}
	}
	return notApplicable("the application reads no schema but the one that it writes")
}

// onlyReads reports whether a range is one schema, as far as its text shows.
func onlyReads(reads, schema string) bool {
	for _, part := range strings.Split(reads, ",") {
		if strings.TrimLeft(part, " =<>") != schema || strings.HasPrefix(strings.TrimSpace(part), "<") && !strings.Contains(reads, ">") {
			return false
		}
	}
	return true
}

func importOlder(ctx context.Context, s *session) error {
	if len(s.config.Older) == 0 {
		return s.noOlder()
	}
	return s.older(ctx, func(p Payload, result contract.ImportResult, after state) error {
		for _, d := range result.Datasets {
			if got := appbur.DigestOf(after.payload(d.Name)); got != d.Digest {
				return fmt.Errorf("dataset %s: the result says %s, the state is %s", d.Name, d.Digest.Short(), got.Short())
			}
		}
		for _, d := range p.Datasets {
			if d.Want != nil && !bytes.Equal(d.Want, after.payload(d.Name)) {
				return fmt.Errorf("dataset %s: the re-export is %s, want %s", d.Name, appbur.DigestOf(after.payload(d.Name)).Short(),
					appbur.DigestOf(d.Want).Short())
			}
		}
		return nil
	})
}

func importDropped(ctx context.Context, s *session) error {
	if len(s.config.Older) == 0 {
		return s.noOlder()
	}
	checked := false
	err := s.older(ctx, func(p Payload, result contract.ImportResult, _ state) error {
		for _, d := range p.Datasets {
			drops := d.Drops || s.declaresDrop(d)
			checked = checked || drops
			if err := reports(result, d.Name, drops); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && !checked {
		return notApplicable("no golden payload has data that cannot be kept")
	}
	return err
}

// declaresDrop reports whether a step that starts at the payload's schema drops a
// field that a row of it has.
func (s *session) declaresDrop(d PayloadDataset) bool {
	for _, info := range s.info.Datasets {
		if info.Name != d.Name {
			continue
		}
		for _, u := range info.Upcasts {
			if u.From != d.Schema {
				continue
			}
			for _, c := range u.Changes {
				field, nested := strings.CutPrefix(c.Path, "/")
				if c.Op == contract.OpDrop && nested && !strings.Contains(field, "/") && bytes.Contains(d.Data, []byte(strconv.Quote(field)+":")) {
					return true
				}
			}
		}
	}
	return false
}

// reports makes sure that the result says what the dataset lost, and that all of
// it was declared.
func reports(result contract.ImportResult, dataset string, must bool) error {
	for _, d := range result.Datasets {
		if d.Name != dataset {
			continue
		}
		for _, l := range d.Dropped {
			if !l.Declared {
				return fmt.Errorf("dataset %s: %d rows lost %s without a declaration", dataset, l.Rows, l.Path)
			}
		}
		if len(d.Dropped) > 0 {
			return nil
		}
	}
	if must {
		return fmt.Errorf("dataset %s: dropped data was not reported", dataset)
	}
	return nil
}

// strangeField is a field that no schema has.
const strangeField = "~of-a-later-release"

func importUnknownField(ctx context.Context, s *session) error {
	before, err := s.export(ctx)
	if err != nil {
		return err
	}
	checked := false

	for _, d := range s.info.Datasets {
		payload := before.payload(d.Name)
		if d.Opaque() || len(payload) == 0 {
			continue
		}
		checked = true
		strange, err := withField(payload)
		if err != nil {
			return fmt.Errorf("dataset %s: %w", d.Name, err)
		}
		if err := s.unknownField(ctx, d, before, before.with(d.Name, strange)); err != nil {
			return fmt.Errorf("dataset %s: a row with an unknown field: %w", d.Name, err)
		}
		major, minor, _ := strings.Cut(d.Schema, ".")
		n, err := strconv.ParseInt(minor, 10, 32)
		if err != nil {
			return err
		}
		later := before.only(d.Name).reschemed(fmt.Sprintf("%s.%d", major, n+1))
		if err := refused(s.send(ctx, s.raw(later)), contract.ReasonSchemaTooNew); err != nil {
			return fmt.Errorf("dataset %s: a payload of the next minor version: %w", d.Name, err)
		}
		if _, err := s.apply(ctx, before); err != nil {
			return err
		}
	}

	if !checked {
		return notApplicable("the application has no dataset of rows")
	}
	return nil
}

// withField adds a field to the first row.
func withField(payload []byte) ([]byte, error) {
	first, rest, _ := bytes.Cut(payload, []byte("\n"))
	var row map[string]json.RawMessage
	if err := json.Unmarshal(first, &row); err != nil {
		return nil, err
	}
	row[strangeField] = json.RawMessage(`"x"`)
	encoded, err := json.Marshal(row)
	if err != nil {
		return nil, err
	}
	if encoded, err = contract.Canonical(encoded); err != nil {
		return nil, err
	}
	return slices.Concat(encoded, []byte("\n"), rest), nil
}

// unknownField imports a state with an unknown field and compares what became of
// it with what the application declares.
func (s *session) unknownField(ctx context.Context, d contract.DatasetInfo, before, strange state) error {
	result, err := s.apply(ctx, strange)
	if err != nil {
		if refused := refused(err, contract.ReasonPayloadInvalid); refused != nil {
			return refused
		}
		if d.UnknownFields == contract.ReportUnknown {
			return fmt.Errorf("it is declared to be reported, and was refused: %w", err)
		}
		return s.unchanged(ctx, before)
	}

	if d.UnknownFields == contract.RefuseUnknown {
		return errors.New("it is declared to be refused, and was accepted")
	}
	after, err := s.export(ctx)
	if err != nil {
		return err
	}
	kept := bytes.Equal(after.payload(d.Name), strange.payload(d.Name))

	for _, i := range result.Datasets {
		if i.Name != d.Name {
			continue
		}
		for _, l := range i.Dropped {
			if l.Path == "/"+strings.ReplaceAll(strangeField, "~", "~0") && l.Rows == 1 && l.Declared {
				return before.differs(after)
			}
		}
	}

	if !kept {
		return errors.New("it was lost without a word")
	}
	if d.UnknownFields == contract.ReportUnknown {
		return errors.New("it is declared to be reported, and was stored")
	}
	return nil
}

func importDangling(ctx context.Context, s *session) error {
	before, err := s.export(ctx)
	if err != nil {
		return err
	}
	checked := false

	for _, d := range s.info.Datasets {
		for _, on := range d.DependsOn {
			if s.opaque(on) || d.Opaque() || len(before.payload(on)) == 0 || len(before.payload(d.Name)) == 0 {
				continue
			}
			checked = true
			err := s.send(ctx, s.raw(before.with(on, nil)))
			if err := refused(err, contract.ReasonConstraintViolation); err != nil {
				return fmt.Errorf("rows of %s without those of %s that they refer to: %w", d.Name, on, err)
			}
			if err := s.unchanged(ctx, before); err != nil {
				return err
			}
		}
	}

	if !checked {
		return notApplicable("no dataset with rows refers to another")
	}
	return nil
}

func importTooLarge(ctx context.Context, s *session) error {
	before, err := s.export(ctx)
	if err != nil {
		return err
	}

	if limit := s.info.Limits.MaxPayloadBytes; limit < math.MaxInt64 {
		r := s.raw(before)
		r.open.Datasets[0].Bytes = uint64(limit) + 1
		r.open.Datasets[0].Rows = 0
		// Nothing is sent: the announcement is enough.
		r.chunks, r.commit = nil, nil
		if err := refused(s.send(ctx, r), contract.ReasonTooLarge); err != nil {
			return fmt.Errorf("a payload of %d bytes, one more than the limit: %w", limit+1, err)
		}
	}

	const message = 4<<20 - 4096 // what fits into a message
	if long := s.info.Limits.MaxChunkBytes + 1; long <= message && int64(long) <= s.info.Limits.MaxPayloadBytes {
		r := s.rawIn(before.with(before.order[0], make([]byte, long)), long)
		r.open.Datasets[0].Rows = 0
		if err := refused(s.send(ctx, r), contract.ReasonTooLarge); err != nil {
			return fmt.Errorf("a chunk of %d bytes, one more than the limit: %w", long, err)
		}
	}

	return s.unchanged(ctx, before)
}

func importCanary(ctx context.Context, s *session) error {
	before, err := s.export(ctx)
	if err != nil {
		return err
	}

	canary := "canary-" + s.prefix
	quoted := func(what string, err error) error {
		if err == nil {
			return nil
		}
		a := read(err)
		if strings.Contains(a.message, canary) || strings.Contains(fmt.Sprint(a.metadata), canary) || strings.Contains(err.Error(), canary) {
			return fmt.Errorf("the error for %s quotes a value", what)
		}
		return nil
	}

	checked := false
	for _, d := range s.info.Datasets {
		if !d.Sensitive || d.Opaque() {
			continue
		}
		checked = true
		for what, row := range canaries(d, before.payload(d.Name), canary) {
			err := s.send(ctx, s.raw(before.with(d.Name, append(bytes.Clone(before.payload(d.Name)), row+"\n"...))))
			if err := quoted(what, err); err != nil {
				return fmt.Errorf("dataset %s: %w", d.Name, err)
			}
			// What the application took nevertheless is taken out again.
			if _, err := s.apply(ctx, before); err != nil {
				return err
			}
		}
	}

	if !checked {
		return notApplicable("no dataset of rows is sensitive")
	}
	if s.instance.Logs == nil {
		s.note("logs were not looked at, for want of %s", s.named("Logs"))
		return nil
	}

	logs, err := s.instance.Logs()
	if err != nil {
		return fmt.Errorf("reading the logs: %w", err)
	}
	if strings.Contains(logs, canary) {
		return errors.New("a value of a sensitive dataset is in the logs")
	}
	return nil
}

// canaries are rows that hold the canary and that something is wrong with.
func canaries(d contract.DatasetInfo, payload []byte, canary string) map[string]string {
	rows := map[string]string{
		"a row that is no JSON":         `{"` + canary + `":`,
		"a row without a key":           `{"` + strangeField + `":"` + canary + `"}`,
		"a row with the canary for key": "",
	}
	key := map[string]string{strangeField: canary}
	for _, field := range d.Key {
		key[field] = canary
	}
	if encoded, err := json.Marshal(key); err == nil {
		rows["a row with the canary for key"] = string(encoded)
	}

	// A row that is there already, with the canary in every text: a duplicate key,
	// which stores like to quote.
	lines := bytes.Split(bytes.TrimSuffix(payload, []byte("\n")), []byte("\n"))

	var last map[string]any
	if err := json.Unmarshal(lines[len(lines)-1], &last); err == nil {
		for field, value := range last {
			if _, text := value.(string); text && !slices.Contains(d.Key, field) {
				last[field] = canary
			}
		}
		if encoded, err := json.Marshal(last); err == nil {
			rows["a row whose key is taken"] = string(encoded)
		}
	}

	return rows
}
