// Package broken is release 3 of the fleet service with one fault on purpose, of each kind that
// `appbur compat payload` must find. It shows what a gate is for, and that it works.
package broken

import (
	"context"
	"encoding/json"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode"

	"github.com/appbur/appbur/examples/fleet/program"
	"github.com/appbur/appbur/pkg/contract"
)

// Kind is one fault.
type Kind struct {
	// Name is what the command calls it, What is what somebody did.
	Name, What string
	// ExitCode is what `appbur compat payload` ends with.
	ExitCode int
	// Generate is how many generated rows it takes, 0 if goldens alone show it.
	Generate int
	// Says is part of what it tells.
	Says string

	datasets func(d *contract.Dataset)
	row      func(dataset string, row map[string]any) error
	commit   error
}

// Kinds are all faults.
var Kinds = []Kind{
	{
		Name: "wrong-zone", What: "the code of an upcast puts the region where its declaration moves the zone", ExitCode: 20,
		Says: "/location/zone is",
		datasets: func(d *contract.Dataset) {
			if d.Name == "clusters" {
				d.Upcasts = slices.Clone(d.Upcasts)
				d.Upcasts[0].Row = wrongZone
			}
		},
	},
	{
		Name: "cuts-names", What: "a column became shorter, and names are cut", ExitCode: 20, Says: "/name is",
		row: func(dataset string, row map[string]any) error {
			if name, ok := row["name"].(string); ok && dataset == "customers" {
				row["name"] = name[:min(len(name), 5)]
			}
			return nil
		},
	},
	{
		Name: "stamps-anew", What: "who approved a window is filled in by every import, not only where it is missing", ExitCode: 20,
		Says: "the second round is another one than the first",
		datasets: func(d *contract.Dataset) {
			if d.Name == "maintenance-windows" {
				d.Defaults = []contract.FieldDefault{{Field: "approvedBy"}}
			}
		},
		row: func() func(string, map[string]any) error {
			var imports atomic.Int64
			return func(dataset string, row map[string]any) error {
				if dataset == "maintenance-windows" {
					row["approvedBy"] = "import " + strconv.FormatInt(imports.Add(1), 10)
				}
				return nil
			}
		}(),
	},
	{
		Name: "refuses-old", What: "a rule for new customers is applied to old state", ExitCode: 20, Says: "CONSTRAINT_VIOLATION",
		row: func(dataset string, row map[string]any) error {
			if dataset == "clusters" && row["customerId"] != nil {
				return contract.NewError(contract.ReasonConstraintViolation, "clusters need a cost centre")
			}
			return nil
		},
	},
	{
		Name: "dry-run-lies", What: "the store refuses at the commit, which a dry run does not come to", ExitCode: 20,
		Says:   "the dry run was done, and the import was not",
		commit: contract.NewError(contract.ReasonConstraintViolation, "the store refuses the rows at the commit"),
	},
	{
		Name: "edits-step", What: "an upcast that was released is changed, instead of adding a step", ExitCode: 26,
		Says: "the upcast from 1.0 to 2.0 was released, and is another one now",
		datasets: func(d *contract.Dataset) {
			if d.Name == "clusters" {
				d.Upcasts = slices.Clone(d.Upcasts)
				d.Upcasts[0].Changes = slices.Clone(d.Upcasts[0].Changes)
				d.Upcasts[0].Changes[3].Value = json.RawMessage(`"retired"`)
			}
		},
	},
	{
		Name: "loses-umlauts", What: "names are brought to ASCII, which those of the goldens are; only generated rows show it", ExitCode: 20,
		Generate: 100, Says: "generated row",
		row: func(dataset string, row map[string]any) error {
			if name, ok := row["name"].(string); ok && dataset == "customers" {
				row["name"] = strings.Map(func(r rune) rune {
					if r > unicode.MaxASCII {
						return '?'
					}
					return r
				}, name)
			}
			return nil
		},
	},
	{
		Name: "reads-unproven", What: "it says that it reads a schema that nobody has kept state of", ExitCode: 22, Says: "schema 0.9",
		datasets: func(d *contract.Dataset) {
			if d.Name == "customers" {
				d.Upcasts = append([]contract.Upcast{{From: "0.9", To: "1.0", Changes: []contract.Change{
					{Op: contract.OpRename, Path: "/mail", To: "/contactEmail"},
				}}}, d.Upcasts...)
			}
		},
	},
	{
		Name: "unused-step", What: "an upcast renames a field that no release ever wrote", ExitCode: 24, Says: "rename /nick",
		datasets: func(d *contract.Dataset) {
			if d.Name == "customers" {
				d.Upcasts = slices.Clone(d.Upcasts)
				d.Upcasts[0].Changes = append(slices.Clone(d.Upcasts[0].Changes), contract.Change{
					Op: contract.OpRename, Path: "/nick", To: "/nickname",
				})
			}
		},
	},
	{
		Name: "forgets-release-1", What: "the upcast from release 1 was tidied away, and release 1 is supported", ExitCode: 25,
		Says: "no longer read",
		datasets: func(d *contract.Dataset) {
			if d.Name == "clusters" {
				d.Upcasts = d.Upcasts[1:]
			}
		},
	},
}

// wrongZone is clustersFrom1 of release 2 with a slip of the pen.
func wrongZone(row map[string]any) (map[string]any, error) {
	row["kubernetesVersion"], row["lifecycle"] = row["k8s"], "active"
	row["location"] = map[string]any{"region": row["region"], "zone": row["region"]}
	for _, old := range []string{"k8s", "region", "zone", "legacyNotes"} {
		delete(row, old)
	}
	return row, nil
}

// Fleet is a fleet with the fault.
func (k Kind) Fleet(whole program.Fleet) program.Fleet { return &fleet{whole, k} }

type fleet struct {
	program.Fleet

	kind Kind
}

// Datasets implements [program.Fleet].
func (f *fleet) Datasets() []contract.Dataset {
	datasets := f.Fleet.Datasets()
	for i := range datasets {
		if f.kind.datasets != nil {
			f.kind.datasets(&datasets[i])
		}
	}
	return datasets
}

// Begin implements [contract.App].
func (f *fleet) Begin(ctx context.Context) (contract.Transaction, error) {
	if f.kind.row == nil && f.kind.commit == nil {
		return f.Fleet.Begin(ctx)
	}
	whole, err := f.Fleet.Begin(ctx)
	return &transaction{whole, f.kind}, err
}

// transaction does not read back what it wrote, as the whole one does: that would find the fault
// before the caller can.
type transaction struct {
	contract.Transaction

	kind Kind
}

// Replace implements [contract.Transaction].
func (x *transaction) Replace(ctx context.Context, dataset string, rows iter.Seq2[contract.Row, error]) error {
	if x.kind.row == nil {
		return x.Transaction.Replace(ctx, dataset, rows)
	}
	return x.Transaction.Replace(ctx, dataset, func(yield func(contract.Row, error) bool) {
		for row, err := range rows {
			if err == nil {
				row, err = x.changed(dataset, row)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	})
}

func (x *transaction) changed(dataset string, row contract.Row) (contract.Row, error) {
	var fields map[string]any
	if err := json.Unmarshal(row, &fields); err != nil {
		return nil, err
	}
	if err := x.kind.row(dataset, fields); err != nil {
		return nil, err
	}
	return json.Marshal(fields)
}

// Commit implements [contract.Transaction].
func (x *transaction) Commit(ctx context.Context) error {
	if x.kind.commit != nil {
		return x.kind.commit
	}
	return x.Transaction.Commit(ctx)
}
