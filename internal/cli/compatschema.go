package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat/schemadiff"
)

type compatSchemaOptions struct {
	json bool
}

// comparedSchemas is what `compat schema --json` prints (docs/json.md).
type comparedSchemas struct {
	Old         string             `json:"old"`
	New         string             `json:"new"`
	Breaking    int                `json:"breaking"`
	Differences []schemaDifference `json:"differences"`
}

type schemaDifference struct {
	schemadiff.Difference

	Title  string `json:"title"`
	Reason string `json:"reason"`
	Source string `json:"source"`
}

func newCompatSchema(e *env) *cobra.Command {
	o := &compatSchemaOptions{}
	command := &cobra.Command{
		Use:   "schema OLD NEW",
		Short: "Compare two descriptions of rows for changes that break what was saved",
		Long: `Compare two descriptions of the same rows, and say which changes break rows that were written by
the older one: they could not be read, or would lose something. A description is a file of JSON Schema, or
of descriptors of protobuf (a FileDescriptorSet, as ` + "`buf build -o FILE`" + ` and ` + "`protoc --include_imports -o FILE`" + `
write it), with the message of the rows behind a colon; without it all messages are compared.

The rules are those of ` + "`buf breaking`" + ` and of schema registries where they fit, and stricter where state would
be lost: a deleted field is breaking (docs/ci.md has all of them).` +
			exitStatus("0  nothing breaks", "26 a change breaks what was saved", "64 wrong command line, or a file is no description of rows"),
		Example: `  appbur compat schema v1/order.schema.json v2/order.schema.json
  appbur compat schema v1.binpb:shop.v1.Order v2.binpb:shop.v1.Order --json`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error { return compatSchemaRun(e, o, args[0], args[1]) },
	}
	jsonFlag(command, &o.json)
	headersFlag(e, command)
	return command
}

func compatSchemaRun(e *env, o *compatSchemaOptions, before, after string) error {
	const hint = "name a file of JSON Schema, or a FileDescriptorSet with its message, as in orders.binpb:shop.v1.Order"
	older, err := readSchemaFile(before)
	if err != nil {
		return &usageError{appbur.WithHint(err, hint)}
	}
	newer, err := readSchemaFile(after)
	if err != nil {
		return &usageError{appbur.WithHint(err, hint)}
	}
	differences, err := schemadiff.Compare(older.Schema, newer.Schema)
	if err != nil {
		return &usageError{appbur.WithHint(err, hint)}
	}

	answer := comparedSchemas{Old: before, New: after, Breaking: len(schemadiff.Breaking(differences)), Differences: []schemaDifference{}}
	for _, d := range differences {
		rule := schemadiff.RuleOf(d.Rule)
		answer.Differences = append(answer.Differences, schemaDifference{d, rule.Title, rule.Reason, rule.Source})
	}
	if o.json {
		err = e.printJSON(answer)
	} else {
		e.printSchemas(answer)
	}
	if err == nil && answer.Breaking > 0 {
		return &outcome{ExitSchemaBroken, "a change breaks what was saved"}
	}
	return err
}

func (e *env) printSchemas(a comparedSchemas) {
	if len(a.Differences) > 0 {
		t := e.newTable(schemaColumns...)
		for _, d := range a.Differences {
			effect, why := coloured(sgrGreen, "safe"), d.What
			if d.Breaking {
				effect, why = coloured(sgrRed, "breaking"), d.What+": "+d.Reason
			}
			t.add(plain(d.Path), effect, plain(d.Rule), plain(why))
		}
		t.print(e.Out)
	}
	fmt.Fprintf(e.paragraphs(4), "%d differences, %d of them break what was saved\n", len(a.Differences), a.Breaking)
}

// splitMessage takes FILE:MESSAGE apart. A file whose name has a colon is not given a message.
func splitMessage(place string) (path, message string) {
	at := strings.LastIndexByte(place, ':')
	if at < 0 || strings.ContainsAny(place[at:], `/\`) {
		return place, ""
	}
	return place[:at], place[at+1:]
}
