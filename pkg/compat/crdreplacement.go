package compat

import (
	"fmt"
	"slices"
	"strings"

	"github.com/appbur/appbur"
)

// The rules of [ReplaceCRD].
const (
	ruleStoredVersion = "crd-stored-version"
	ruleServedVersion = "crd-served-version"
	ruleStorageFields = "crd-storage-fields"
	ruleConversion    = "crd-conversion-webhook"
	ruleFixedNames    = "crd-fixed-names"
)

// Replacement is what happens when one definition of a custom kind takes the place of another.
type Replacement struct {
	// Refused is what makes a server refuse the new definition while the old one is there.
	Refused []Change
	// Breaks is what a server takes, and what objects or clients do not survive.
	Breaks []Change
	// Needs is what has to be there for objects to be readable at all.
	Needs []Change
}

// ReplaceCRD compares a definition that is in a cluster, with its status, with one that shall replace it, such as that
// of an operator's next release. Both are CustomResourceDefinitions of apiextensions.k8s.io/v1.
func ReplaceCRD(old, replacing map[string]any) Replacement {
	var r Replacement
	before, after := crdVersionsOf(old), crdVersionsOf(replacing)
	r.fixedNames(old, replacing)

	for _, version := range storedVersions(old, before) {
		if _, ok := after[version]; !ok {
			r.Refused = append(r.Refused, Change{
				Rule: ruleStoredVersion, Path: "status.storedVersions", Lost: true,
				What: fmt.Sprintf("objects may be stored at %s, which the new definition does not have: write every object again "+
					"while %s is still there, take it out of status.storedVersions, and replace the definition then", version, version),
			})
		}
	}
	for _, version := range sortedKeys(before) {
		now, ok := after[version]
		if before[version]["served"] != true || ok && now["served"] == true {
			continue
		}
		r.Breaks = append(r.Breaks, Change{
			Rule: ruleServedVersion, Path: "spec.versions", Lost: true,
			What: fmt.Sprintf("%s is no longer served: manifests and clients that name it get no matches for kind; served are %s",
				version, strings.Join(servedIn(after), ", ")),
		})
	}

	r.storageFields(before, after)
	r.conversion(replacing, after)
	return r
}

// fixedNames are fields that no update may change.
func (r *Replacement) fixedNames(old, replacing map[string]any) {
	for _, path := range [][]string{{"spec", "group"}, {"spec", "scope"}, {"spec", "names", "plural"}, {"spec", "names", "kind"}} {
		was, is := stringAt(old, path...), stringAt(replacing, path...)
		if was == is {
			continue
		}
		change := Change{
			Rule: ruleFixedNames, Path: strings.Join(path, "."), Lost: true,
			What: fmt.Sprintf("%q becomes %q: only deleting the definition, and every object with it, makes that possible", was, is),
		}
		r.Refused = append(r.Refused, change)
	}
}

// storageFields compares what is kept of stored objects.
func (r *Replacement) storageFields(before, after map[string]map[string]any) {
	was, is := storageOf(before), storageOf(after)
	if was == "" || is == "" {
		return
	}
	if !Keeps(crdSchema(after[is]), crdSchema(before[was])) {
		r.Breaks = append(r.Breaks, Change{
			Rule: ruleStorageFields, Path: "spec.versions[" + is + "].schema", Lost: true,
			What: fmt.Sprintf("the schema of %s keeps less than that of %s, in which objects are stored now: what it does not name is "+
				"dropped without a word when an object is written again", is, was),
		})
	}
}

// conversion tells who has to answer before objects can be read.
func (r *Replacement) conversion(replacing map[string]any, after map[string]map[string]any) {
	if stringAt(replacing, "spec", "conversion", "strategy") != "Webhook" || len(after) < 2 {
		return
	}
	client := mapAt(replacing, "spec", "conversion", "webhook", "clientConfig")
	who := stringAt(client, "url")
	if service := mapAt(client, "service"); service != nil {
		who = fmt.Sprintf("the service %s/%s", stringAt(service, "namespace"), stringAt(service, "name"))
	}
	r.Needs = append(r.Needs, Change{
		Rule: ruleConversion, Path: "spec.conversion",
		What: fmt.Sprintf("objects that are stored at another version than they are read at are converted by %s: "+
			"until it answers, they can be neither listed nor written", who),
	})
}

// DefinedKind is the kind that a CustomResourceDefinition defines, and false for other objects.
func DefinedKind(object map[string]any) (appbur.GroupKind, bool) {
	gk, _, ok := readCRD(object)
	return gk, ok
}

func crdVersionsOf(crd map[string]any) map[string]map[string]any {
	versions := map[string]map[string]any{}
	eachMap(listAt(crd, "spec", "versions"), "", func(version map[string]any, _ string) {
		if name := stringAt(version, "name"); name != "" {
			versions[name] = version
		}
	})
	return versions
}

// storedVersions are those at which objects may be stored. A definition without a status, such as a manifest, says it of
// its storage version alone.
func storedVersions(crd map[string]any, versions map[string]map[string]any) []string {
	if stored := stringList(listAt(crd, "status", "storedVersions")); len(stored) > 0 {
		return stored
	}
	if storage := storageOf(versions); storage != "" {
		return []string{storage}
	}
	return nil
}

func storageOf(versions map[string]map[string]any) string {
	for _, name := range sortedKeys(versions) {
		if versions[name]["storage"] == true {
			return name
		}
	}
	return ""
}

func servedIn(versions map[string]map[string]any) []string {
	names := slices.DeleteFunc(sortedKeys(versions), func(name string) bool { return versions[name]["served"] != true })
	if len(names) == 0 {
		return []string{"none"}
	}
	return sortedVersions(names)
}

func crdSchema(version map[string]any) map[string]any {
	return mapAt(version, "schema", "openAPIV3Schema")
}
