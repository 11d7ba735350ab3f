package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/exporter"
	"github.com/appbur/appbur/pkg/manifest"
)

type explainOptions struct {
	repositoryOptions
	clusterOptions
	object    string
	namespace string
	file      string
	json      bool
}

// explanation is what `explain --json` prints (docs/json.md).
type explanation struct {
	Object     string         `json:"object"`
	APIVersion string         `json:"readAs"`
	Saved      bool           `json:"saved"`
	Rule       string         `json:"rule,omitempty"`
	Reason     string         `json:"reason,omitempty"`
	Path       string         `json:"path,omitempty"`
	Encrypted  bool           `json:"encrypted"`
	Fields     []takenField   `json:"fields"`
	Index      manifest.Entry `json:"index"`
	// UIDs are the paths of uids that stay in the manifest.
	UIDs []string `json:"uids,omitempty"`
}

// takenField is a field that is not in the manifest, and why.
type takenField struct {
	Path   string `json:"path"`
	Goes   string `json:"goes"`
	Rule   string `json:"rule"`
	Reason string `json:"reason"`
}

func newExplain(e *env) *cobra.Command {
	o := &explainOptions{}
	command := &cobra.Command{
		Use:   "explain KIND/NAME",
		Short: "Say whether an object is saved, by which rule, and where its parts go",
		Long: `Say whether an object is saved, by which rule, and where its parts go: which file
has the manifest and what is stored in the index. KIND is a kind, a
resource or a short name, with or without its group. The object is read from the
cluster, or from a YAML file with -f. With --repo the rules of its appbur.yaml
count as well.` +
			exitStatus("0  explained, saved or not", "10 no such object", "12 the cluster refused the login"),
		Example: `  appbur explain deployment/web -n team-a
  appbur explain clusters.cluster.x-k8s.io/prod -n fleet --json
  kubectl get pod web-0 -o yaml | appbur explain -f -`,
		Args: func(_ *cobra.Command, args []string) error {
			if (len(args) == 1) == (o.file != "") || len(args) > 1 {
				return errors.New("name one KIND/NAME, or a file with -f")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.object = args[0]
			}
			return explainRun(cmd.Context(), e, o)
		},
	}

	o.repositoryOptions.addFlags(e, command)
	o.clusterOptions.addFlags(command)
	command.Flags().StringVarP(&o.namespace, "namespace", "n", "", "`NAMESPACE` of the object (default: that of the kubeconfig context)")
	command.Flags().StringVarP(&o.file, "filename", "f", "", "YAML or JSON `FILE` with one object, - for standard input")
	jsonFlag(command, &o.json)
	headersFlag(e, command)
	return command
}

func explainRun(ctx context.Context, e *env, o *explainOptions) error {
	rules, err := o.rules(e)
	if err != nil {
		return err
	}
	object, err := o.read(ctx, e, rules)
	if err != nil {
		return err
	}
	result, err := rules.Make(object)
	if err != nil {
		return err
	}

	x := explanation{
		Object: result.Manifest.ID.String(), APIVersion: result.Manifest.APIVersion, Saved: result.Decision.Saved,
		Rule: result.Decision.Rule, Reason: result.Decision.Reason, Encrypted: result.Manifest.Sensitive, Index: result.Entry,
	}
	if x.Saved {
		x.Path = result.Manifest.ID.Path()
		reduced, err := rules.Reduce(object)
		if err != nil {
			return err
		}
		x.UIDs = manifest.UIDsInside(reduced.Content)
	}

	taken, err := rules.Explain(object)
	if err != nil {
		return err
	}

	x.Fields = []takenField{}
	for _, t := range taken {
		field := takenField{Path: t.Path, Goes: "nowhere", Rule: t.Rule.ID, Reason: t.Rule.Reason}
		if t.Rule.Index {
			field.Goes = "index"
		}
		x.Fields = append(x.Fields, field)
	}

	if o.json {
		return e.printJSON(x)
	}
	verdict := e.paint(sgrGreen, "saved")
	if !x.Saved {
		verdict = e.paint(sgrYellow, "not saved")
	}
	out := e.paragraphs(9)
	fmt.Fprintf(out, "%s (%s): %s\n", x.Object, x.APIVersion, verdict)
	if x.Rule != "" {
		fmt.Fprintf(out, "rule     %s\nreason   %s\n", x.Rule, x.Reason)
	}

	if !x.Saved {
		return nil
	}
	fmt.Fprintf(out, "file     %s\n", x.Path)
	if x.Encrypted {
		fmt.Fprintln(out, "         its values are encrypted")
	}
	for _, line := range indexLines(x.Index) {
		fmt.Fprintf(out, "index    %s\n", line)
	}
	for _, path := range x.UIDs {
		fmt.Fprintf(out, "uid      %s stays as it is; a restored object has another uid\n", path)
	}

	if len(x.Fields) > 0 {
		fmt.Fprintln(e.Out)
		t := e.newTable(explainColumns...)
		for _, f := range x.Fields {
			t.add(plain(f.Path), plain(f.Goes), plain(f.Rule), plain(f.Reason))
		}
		t.print(e.Out)
	}

	return nil
}

// indexLines names what is kept beside the manifest.
func indexLines(entry manifest.Entry) []string {
	var lines []string
	if entry.UID != "" {
		lines = append(lines, "uid "+entry.UID)
	}
	for _, owner := range entry.Owners {
		lines = append(lines, fmt.Sprintf("owner %s %s", owner.Kind, owner.Name))
	}
	if len(entry.Finalizers) > 0 {
		lines = append(lines, "finalizers "+strings.Join(entry.Finalizers, ", "))
	}
	for _, m := range entry.Managers {
		lines = append(lines, fmt.Sprintf("field manager %s wrote %s", m.Manager, m.APIVersion))
	}
	if len(entry.Status) > 0 {
		lines = append(lines, "status")
	}
	return lines
}

func (o *explainOptions) read(ctx context.Context, e *env, rules *manifest.Rules) (map[string]any, error) {
	if o.file != "" {
		return readObject(e, o.file)
	}
	kind, name, found := strings.Cut(o.object, "/")
	if !found || kind == "" || name == "" {
		return nil, &usageError{appbur.WithHint(fmt.Errorf("%q is not KIND/NAME", o.object), "for example deployment/web")}
	}

	config, err := o.restConfig()
	if err != nil {
		return nil, err
	}
	source, err := exporter.New(config, rules, exporter.Options{Now: e.now})
	if err != nil {
		return nil, err
	}
	types, _, err := source.Discover(ctx)
	if err != nil {
		return nil, err
	}

	t, err := findType(types, kind)
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	resource := client.Resource(t.GroupVersionResource)
	var getter dynamic.ResourceInterface = resource

	if t.Namespaced {
		getter = resource.Namespace(cmp.Or(o.namespace, o.contextNamespace()))
	}
	object, err := getter.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, appbur.WithHint(&notFoundError{err}, "check the name, and the namespace (-n)")
	}
	if err != nil {
		return nil, clusterHint(fmt.Errorf("reading %s: %w", o.object, exporter.WithoutConversion(err)))
	}
	return object.Object, nil
}

func readObject(e *env, name string) (map[string]any, error) {
	var (
		data []byte
		err  error
	)
	if name == "-" {
		data, err = io.ReadAll(e.In)
	} else {
		data, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, fmt.Errorf("-f: %w", err)
	}
	object, err := manifest.Decode(data)
	if err != nil {
		return nil, appbur.WithHint(fmt.Errorf("%s: %w", name, err), "the file must hold exactly one object, as `kubectl get -o yaml` prints it")
	}
	return object, nil
}

// findType finds a type by what people call it. As with kubectl, a name without a group
// means the core type if there is one of that name.
func findType(types []exporter.Type, name string) (exporter.Type, error) {
	var found []exporter.Type
	var aliases []string
	for _, t := range types {
		resource := t.GroupVersionResource
		aliases = append(aliases, resource.Resource, strings.ToLower(t.Kind))
		for _, alias := range append([]string{t.Kind, resource.Resource}, t.Aliases...) {
			if strings.EqualFold(name, alias) || strings.EqualFold(name, alias+"."+resource.Group) {
				found = append(found, t)
				break
			}
		}
	}

	if core := slices.IndexFunc(found, func(t exporter.Type) bool { return t.GroupVersionResource.Group == "" }); core >= 0 {
		return found[core], nil
	}

	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		hint := "`kubectl api-resources` lists kinds; those that cannot be listed or created are never saved"
		if near := closest(name, aliases); near != "" {
			hint = fmt.Sprintf("did you mean %s? %s", near, hint)
		}
		return exporter.Type{}, &notFoundError{appbur.WithHint(fmt.Errorf("the cluster serves no kind %q that can be saved", name), hint)}
	default:
		names := make([]string, len(found))
		for i, t := range found {
			names[i] = t.GroupVersionResource.Resource + "." + t.GroupVersionResource.Group
		}
		return exporter.Type{}, &usageError{appbur.WithHint(fmt.Errorf("%q is more than one kind", name),
			"say which: "+appbur.Shortlist(names, shownNames))}
	}
}
