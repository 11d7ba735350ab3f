package cli

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/pkg/contract"
)

// appDescription is what `apps describe --json` prints (docs/json.md).
type appDescription struct {
	Application appbur.AppKey        `json:"application"`
	Address     string               `json:"address"`
	Service     string               `json:"service,omitempty"`
	App         string               `json:"app"`
	Version     string               `json:"version"`
	Instance    string               `json:"instance,omitempty"`
	Ready       bool                 `json:"ready"`
	Unready     string               `json:"unready,omitempty"`
	Offers      []string             `json:"offers"`
	Datasets    []datasetDescription `json:"datasets"`
}

type datasetDescription struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Schema      string   `json:"schema"`
	Reads       string   `json:"reads"`
	MediaType   string   `json:"mediaType"`
	Key         []string `json:"key,omitempty"`
	Sensitive   bool     `json:"sensitive,omitempty"`
	Required    bool     `json:"required,omitempty"`
	DependsOn   []string `json:"dependsOn,omitempty"`
	Upcasts     []upcast `json:"upcasts,omitempty"`
	// Rows and Size are the application's guesses, absent where it makes none.
	Rows int64 `json:"rows,omitempty"`
	Size int64 `json:"size,omitempty"`
}

type upcast struct {
	From string `json:"from"`
	To   string `json:"to"`
}

func newAppsDescribe(e *env) *cobra.Command {
	o := &calledOptions{}
	var asJSON bool
	command := &cobra.Command{
		Use:   "describe APPLICATION",
		Short: "Ask a running application what it is, and which state it has",
		Long: `Ask an application that implements the contract what it is: its version, whether it is
ready, and its datasets, each with the schemas that it reads. No state is read.

The application is [NAMESPACE/]NAME=ADDRESS, or [NAMESPACE/]NAME if a Service of the cluster is
labelled for it (docs/apps.md).` +
			exitStatus("0  described, and it is ready", "1  it cannot be reached", "3  described, and it is not ready",
				"12 a certificate or a login was refused"),
		Example: `  appbur apps describe shop/orders=orders.example:7443 --app-ca ca.pem
  appbur apps describe shop/orders --kubeconfig mgmt.yaml
  appbur apps describe shop/orders --json | jq -r '.datasets[].schema'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return appsDescribeRun(cmd.Context(), e, o, args[0], asJSON)
		},
	}
	o.addFlags(command)
	jsonFlag(command, &asJSON)
	headersFlag(e, command)
	return command
}

func appsDescribeRun(ctx context.Context, e *env, o *calledOptions, name string, asJSON bool) error {
	target, dialer, err := o.target(ctx, e, name)
	if err != nil {
		return err
	}
	says, err := apps.Describe(ctx, dialer, target)
	if err != nil {
		return err
	}

	d := descriptionOf(target, says)
	if asJSON {
		err = e.printJSON(d)
	} else {
		e.printDescription(d)
	}
	if err == nil && !d.Ready {
		return &outcome{ExitPartly, "it is not ready"}
	}
	return err
}

func descriptionOf(target apps.Target, says apps.Description) appDescription {
	d := appDescription{
		Application: target.AppKey, Address: target.Address, Service: target.Service, App: says.App, Version: says.Version,
		Instance: says.Instance, Ready: says.Unready == "", Unready: says.Unready, Offers: append([]string{}, says.Capabilities...),
		Datasets: []datasetDescription{},
	}
	for _, info := range says.Datasets {
		one := datasetDescription{
			Name: info.Name, Description: info.Description, Schema: info.Schema, Reads: info.Reads, MediaType: info.MediaType, Key: info.Key,
			Sensitive: info.Sensitive, Required: info.Required, DependsOn: info.DependsOn, Rows: info.EstimatedRows, Size: info.EstimatedSize,
		}
		for _, step := range info.Upcasts {
			one.Upcasts = append(one.Upcasts, upcast{step.From, step.To})
		}
		d.Datasets = append(d.Datasets, one)
	}
	return d
}

func (e *env) printDescription(d appDescription) {
	out := e.paragraphs(fieldIndent)
	field := func(name, value string) { fmt.Fprintf(out, "%-*s%s\n", fieldIndent, name, oneLine(value)) }
	field("application", d.Application.String())
	field("is", d.App+" "+d.Version)
	at := d.Address
	if d.Service != "" {
		at += " (Service " + d.Service + ")"
	}
	field("address", at)
	ready := e.paint(sgrGreen, "yes")
	if !d.Ready {
		ready = e.paint(sgrYellow, "no: ") + oneLine(d.Unready)
	}
	fmt.Fprintf(out, "%-*s%s\n", fieldIndent, "ready", ready)
	field("offers", cmp.Or(strings.Join(d.Offers, ", "), "nothing beyond the contract"))
	fmt.Fprintln(e.Out)

	t := e.newTable(datasetColumns...)
	for _, one := range d.Datasets {
		t.add(coloured(sgrCyan, one.Name), plain(one.Schema), plain(one.Reads), plain(guessOf(one)), plain(strings.Join(one.Key, ",")),
			plain(oneLine(notesOf(one))))
	}
	t.print(e.Out)
}

// guessOf is how much there is of a dataset, as far as the application says.
func guessOf(d datasetDescription) string {
	var parts []string
	if d.MediaType != contract.MediaType {
		parts = append(parts, d.MediaType)
	}
	if d.Rows > 0 {
		parts = append(parts, fmt.Sprintf("about %d rows", d.Rows))
	}
	if d.Size > 0 {
		parts = append(parts, "about "+sizeText(d.Size))
	}
	return cmp.Or(strings.Join(parts, ", "), "rows")
}

func notesOf(d datasetDescription) string {
	var notes []string
	if d.Sensitive {
		notes = append(notes, "sensitive")
	}
	if d.Required {
		notes = append(notes, "required")
	}
	if len(d.DependsOn) > 0 {
		notes = append(notes, "after "+strings.Join(d.DependsOn, " and "))
	}
	if d.Description != "" {
		notes = append(notes, d.Description)
	}
	return strings.Join(notes, "; ")
}
