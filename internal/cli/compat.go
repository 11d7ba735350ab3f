package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/repository"
	"github.com/appbur/appbur/pkg/compat"
	"github.com/appbur/appbur/pkg/compat/schema"
	"github.com/appbur/appbur/pkg/manifest"
	"github.com/appbur/appbur/pkg/selection"
)

func newCompat(e *env) *cobra.Command {
	command := &cobra.Command{
		Use:   "compat",
		Short: "Say whether what is saved can be restored, before it has to be",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(newCompatCluster(e), newCompatRecord(e), newCompatPayload(e), newCompatSchema(e))
	return command
}

type compatOptions struct {
	repositoryOptions
	selectionOptions
	point string
	to    string
	all   bool
	json  bool
}

func newCompatCluster(e *env) *cobra.Command {
	o := &compatOptions{}
	command := &cobra.Command{
		Use:   "cluster POINT [KIND/NAME...] --to VERSION",
		Short: "Judge every object of a restore point for a Kubernetes version",
		Long: `Judge every object of a restore point for a Kubernetes version, without a cluster
of that version: served as it is, convertible (which fields change), lossy (what
is lost), refused (by the schema that the restore point has of its kind) or
blocked (why, and what to do). ` + "`appbur plan`" + ` asks a real target
instead, which also knows which APIs are switched on. The table that this is
judged by ends with Kubernetes ` + compat.TableEnd().MinorString() + `; a later version is judged by the removals that
were announced until then, and a warning says so.` +
			exitStatus("0  everything can be restored", "10 no repository, no such point, or nothing that is meant",
				"20 some objects are blocked or refused"),
		Example: `  appbur compat cluster latest --to 1.37 --repo ./mgmt.git
  appbur compat cluster latest -n team-a --to 1.37 --repo ./mgmt.git
  appbur compat cluster latest --to 1.37 --repo ./mgmt.git --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.point, o.words.Objects = args[0], args[1:]
			return compatClusterRun(cmd.Context(), e, o)
		},
	}

	o.repositoryOptions.addFlags(e, command)
	o.addTrustFlag(command)
	o.selectionOptions.addFlags(command)
	o.addHistoryFlags(e, command)
	command.Flags().StringVar(&o.to, "to", "", "Kubernetes `VERSION` to judge for, such as 1.37 (required)")
	command.Flags().BoolVar(&o.all, "all", false, "list objects that need no change as well")
	jsonFlag(command, &o.json)
	headersFlag(e, command)
	return command
}

// judged is one object of `compat cluster --json` (docs/json.md).
type judged struct {
	Object     string `json:"object"`
	APIVersion string `json:"savedVersion"`
	compat.Verdict
}

func compatClusterRun(ctx context.Context, e *env, o *compatOptions) error {
	if o.to == "" {
		return &usageError{appbur.WithHint(fmt.Errorf("no version to judge for"), "pass --to VERSION, for example --to 1.37")}
	}
	version, err := appbur.ParseKubeVersion(o.to)
	if err != nil {
		return &usageError{appbur.WithHint(fmt.Errorf("--to: %w", err), "name the release of the cluster to restore into, as in --to 1.37")}
	}
	selector, err := o.parse()
	if err != nil {
		return err // before anything is read
	}
	c, err := o.repositoryOptions.point(e, o.point)
	if err != nil {
		return err
	}

	loaded, err := e.loadPoint(ctx, c, nil)
	if err != nil {
		return err
	}
	if end := compat.TableEnd(); beyond(version, end) {
		e.warn("what this release knows of Kubernetes ends with %s: of %s it knows only the removals that were announced until then, so served means not known to be gone; ask a real target with `appbur plan`",
			end.MinorString(), version.MinorString())
	}
	selected, err := resolve(e, selector, pointOf(loaded))
	if err != nil {
		return err
	}
	results, counts := judge(loaded, version, selected)
	var places manifest.UIDPlaces
	for _, object := range loaded.Objects {
		if selected.Holds(selectable(object.ID, object.Content)) {
			places.Add(object.ID, object.Content)
		}
	}
	use := oldUses(loaded.Evidence, loaded.Index, version)

	if o.json {
		if !o.all {
			results = slices.DeleteFunc(results, func(j judged) bool { return j.Kind == compat.Served })
		}
		if results == nil {
			results = []judged{}
		}
		err := e.printJSON(struct {
			Point   appbur.RestorePointID      `json:"restorePoint"`
			From    appbur.KubeVersion         `json:"fromVersion"`
			To      appbur.KubeVersion         `json:"toVersion"`
			Counts  map[compat.VerdictKind]int `json:"counts"`
			Objects []judged                   `json:"objects"`
			Use     []oldUse                   `json:"use"`
			UIDs    []manifest.UIDPlace        `json:"uids"`
			End     string                     `json:"tableEnds"`
			Beyond  bool                       `json:"beyondTable"`
		}{
			c.ref.ID, loaded.Meta.Cluster.Version, version, counts, results, use, places.List(),
			compat.TableEnd().MinorString(), beyond(version, compat.TableEnd()),
		})
		if err != nil {
			return err
		}
	} else {
		printJudged(e, results, o.all)
		e.printUse(use, loaded.Evidence)
		for _, place := range places.List() {
			e.warn("%s", place)
		}
		fmt.Fprintf(e.paragraphs(4), "%s from Kubernetes %s to %s: %d served, %d convertible, %d lossy, %d refused, %d blocked, %d unknown\n",
			c.ref.ID, loaded.Meta.Cluster.Version, version.MinorString(),
			counts[compat.Served], counts[compat.Convertible], counts[compat.Lossy], counts[compat.Refused], counts[compat.Blocked],
			counts[compat.Unknown])
	}

	switch {
	case counts[compat.Blocked] > 0:
		return &outcome{ExitIncompatible, "some objects are blocked"}
	case counts[compat.Refused] > 0:
		return &outcome{ExitIncompatible, "the schema of their kind refuses some objects"}
	}

	return nil
}

// beyond reports whether a release, whatever its patch, is later than another.
func beyond(version, end appbur.KubeVersion) bool {
	version.Patch, end.Patch = 0, 0
	return version.Compare(end) > 0
}

func judge(loaded *repository.Loaded, version appbur.KubeVersion, selected selection.Selection) ([]judged, map[compat.VerdictKind]int) {
	target := definedTarget(loaded, version)
	counts := map[compat.VerdictKind]int{}
	results := make([]judged, 0, len(loaded.Objects))
	for _, object := range loaded.Objects {
		if !selected.Holds(selectable(object.ID, object.Content)) {
			continue
		}
		verdict := compat.Judge(withStatus(object, loaded.Index[object.ID]), target)
		counts[verdict.Kind]++
		results = append(results, judged{object.ID.String(), object.APIVersion, verdict})
	}
	slices.SortStableFunc(results, func(a, b judged) int { return verdictRank(b.Kind) - verdictRank(a.Kind) })
	return results, counts
}

// definedTarget is a cluster of the version once the definitions of the point are in
// it, in the form that it takes.
func definedTarget(loaded *repository.Loaded, version appbur.KubeVersion) compat.Target {
	target := compat.WithSource(compat.TableTarget(version), loaded.Meta.Cluster.Version)
	var crds []map[string]any
	for _, object := range loaded.Objects {
		if object.ID.Kind != "CustomResourceDefinition" || object.ID.Group != "apiextensions.k8s.io" {
			continue
		}
		if converted, err := compat.Convert(object.Content, compat.Judge(object.Content, target), target); err == nil {
			crds = append(crds, converted)
		}
	}
	return compat.WithSchemas(compat.WithCRDs(target, crds), schema.New(crds, version))
}

// withStatus returns a custom resource as its schema sees it: with the status that the
// index keeps. One that cannot be read is left to the plan.
func withStatus(object repository.Object, entry manifest.Entry) map[string]any {
	if entry.Status == nil {
		return object.Content
	}
	decoded, err := manifest.Decode(slices.Concat([]byte(`{"status":`), entry.Status, []byte(`}`)))
	if err != nil {
		return object.Content
	}
	whole := maps.Clone(object.Content)
	whole["status"] = decoded["status"]
	return whole
}

func verdictRank(kind compat.VerdictKind) int {
	return slices.Index([]compat.VerdictKind{compat.Served, compat.Convertible, compat.Unknown, compat.Lossy, compat.Refused, compat.Blocked},
		kind)
}

func verdictColour(kind compat.VerdictKind) string {
	switch kind {
	case compat.Blocked, compat.Refused:
		return sgrRed
	case compat.Lossy, compat.Unknown:
		return sgrYellow
	default:
		return sgrGreen
	}
}

// printJudged lists what is not simply served: in a paragraph each for a person,
// because the reasons are longer than a terminal is wide, in a row each for a pipe.
func printJudged(e *env, results []judged, all bool) {
	if e.OutTerminal {
		for _, j := range results {
			if j.Kind != compat.Served || len(j.Notices) > 0 || all {
				e.printVerdict(j)
			}
		}
		return
	}
	t := e.newTable(compatColumns...)
	for _, j := range results {
		if j.Kind == compat.Served && len(j.Notices) == 0 && !all {
			continue
		}
		t.add(coloured(verdictColour(j.Kind), string(j.Kind)), plain(j.Object), plain(j.APIVersion), plain(j.Verdict.APIVersion),
			plain(oneLine(explainVerdict(j.Verdict))))
	}
	t.print(e.Out)
}

func (e *env) printVerdict(j judged) {
	out := e.paragraphs(4)
	becomes := ""
	if j.Verdict.APIVersion != "" && j.Verdict.APIVersion != j.APIVersion {
		becomes = fmt.Sprintf(" (%s becomes %s)", j.APIVersion, j.Verdict.APIVersion)
	}
	fmt.Fprintf(out, "%s %s%s\n", e.paint(verdictColour(j.Kind), fmt.Sprintf("%-11s", j.Kind)), j.Object, becomes)
	if !j.Creatable() {
		fmt.Fprintf(out, "    %s\n", oneLine(j.Reason))
	}
	for _, r := range j.Refusals {
		fmt.Fprintf(out, "    %s\n", oneLine(r.String()))
	}

	for _, list := range [][]compat.Change{j.Changes, j.Notices} {
		for _, c := range list {
			if c.Path != "apiVersion" {
				fmt.Fprintf(out, "    %s: %s\n", c.Path, oneLine(c.What))
			}
		}
	}

	if j.Hint != "" {
		fmt.Fprintf(out, "    %s %s\n", e.paint(sgrCyan, "hint:"), oneLine(j.Hint))
	}
}

func explainVerdict(v compat.Verdict) string {
	text := v.Reason
	for _, list := range [][]compat.Change{v.Changes, v.Notices} {
		for _, c := range list {
			text += "; " + strings.TrimPrefix(c.Path+": ", ": ") + c.What
		}
	}
	if v.Hint != "" {
		text += " (" + v.Hint + ")"
	}
	return strings.TrimPrefix(text, "; ")
}
