package main

import (
	"fmt"
	"strings"

	"github.com/appbur/appbur/deploy"
)

// component is a component of the base, and the condition on which the chart adds it.
type component struct{ directory, when string }

var components = []component{
	{"components/ha", "gt (int .Values.replicas) 1"},
	{"components/git-credentials", ".Values.git.credentials"},
	{"components/audit", ".Values.audit.webhook"},
	{"components/metrics", ".Values.metrics.service"},
	{"components/network-policy", ".Values.networkPolicy.enabled"},
	{"components/keys/external-secret", ".Values.keys.externalSecret.enabled"},
	{"components/keys/sealed-secret", ".Values.keys.sealedSecret.enabled"},
	{"metrics", ".Values.metrics.rules"},
}

const header = "{{- /* Made by hack/chart of the manifests in deploy; changes are lost. */ -}}\n"

// generate returns the generated files of the chart, by their names in it.
func generate() (map[string][]byte, error) {
	all, err := readAll()
	if err != nil {
		return nil, err
	}
	files := make(map[string][]byte)
	for _, o := range all {
		e := emitter{kind: o.kind}
		if err := e.document(o); err != nil {
			return nil, fmt.Errorf("%s: %w", o.file(), err)
		}
		files["templates/"+o.file()] = []byte(header + e.text.String())
	}

	files["values.schema.json"], err = schema()
	return files, err
}

// object is one object of the installation in all its forms.
type object struct {
	kind, name string
	// base is what it is without any component, nil where only a component has it.
	base map[string]any
	// variants are what components make of it.
	variants []variant
}

// variant is a value as it is on a condition.
type variant struct {
	when  string
	value any
}

func (o *object) file() string {
	if o.name == "appbur" || o.name == "appbur-system" {
		return strings.ToLower(o.kind) + ".yaml"
	}
	return strings.ToLower(o.kind) + "-" + strings.TrimPrefix(o.name, "appbur-") + ".yaml"
}

// readAll builds the base, and the base with each component.
func readAll() ([]*object, error) {
	var all []*object
	known := make(map[string]*object)
	find := func(content map[string]any) *object {
		metadata, _ := content["metadata"].(map[string]any)
		kind, _ := content["kind"].(string)
		name, _ := metadata["name"].(string)
		if known[kind+name] == nil {
			known[kind+name] = &object{kind: kind, name: name}
			all = append(all, known[kind+name])
		}
		return known[kind+name]
	}

	base, err := build()
	if err != nil {
		return nil, err
	}
	for _, content := range base {
		find(content).base = content
	}
	for _, c := range components {
		objects, err := build(c.directory)
		if err != nil {
			return nil, err
		}
		for _, content := range objects {
			o := find(content)
			o.variants = append(o.variants, variant{c.when, content})
		}
	}
	return all, nil
}

// build renders the base with components, everything in one namespace.
func build(components ...string) ([]map[string]any, error) {
	text := "resources: [../deploy/base]\nnamespace: appbur-system\n"
	for _, component := range components {
		text += "components: [../deploy/" + component + "]\n"
	}
	return deploy.Overlay(text, nil)
}
