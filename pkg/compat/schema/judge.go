package schema

import (
	"context"
	"strings"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/appbur/appbur/pkg/compat"
)

// judge treats an object as a server-side apply does: unknown fields,
// defaults, validation. (Other requests lose their nulls before.) Where the
// status is a subresource the object is created without it, and the status follows.
func (c *compiled) judge(object map[string]any, statusApart bool) (compat.Opinion, error) {
	complete, err := clone(object)
	if err != nil {
		return compat.Opinion{}, err
	}
	_, hasStatus := complete["status"]
	unknown := pruning.PruneWithOptions(complete, c.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	if err, _ := objectmeta.CoerceWithOptions(nil, complete, c.structural, false, objectmeta.CoerceOptions{}); err != nil {
		return compat.Opinion{Known: true, Object: refusals(nil, field.ErrorList{err})}, nil
	}
	defaulting.Default(complete, c.structural)

	if !statusApart {
		return compat.Opinion{Known: true, Object: refusals(unknown, c.validate(complete, c.complete, nil, complete))}, nil
	}

	status := complete["status"]
	delete(complete, "status")
	ofObject, ofStatus := split(unknown)
	opinion := compat.Opinion{Known: true, Object: refusals(ofObject, c.validate(complete, c.complete, nil, complete))}
	if hasStatus && len(opinion.Object) == 0 {
		complete["status"] = status
		opinion.Status = refusals(ofStatus, c.validate(complete, c.status, field.NewPath("status"), status))
	}
	return opinion, nil
}

// validate runs the validations of the server on an object of which the OpenAPI schema
// sees the part that is written.
func (c *compiled) validate(object map[string]any, schema validation.SchemaValidator, at *field.Path, part any) field.ErrorList {
	var found field.ErrorList
	if schema != nil {
		found = validation.ValidateCustomResource(at, part, schema)
	}
	ctx := context.Background() // nothing here waits: the cost of rules is counted
	found = append(found, objectmeta.Validate(ctx, nil, object, c.structural, false)...)
	found = append(found, listtype.ValidateListSetsAndMaps(nil, c.structural, object)...)
	if c.rules == nil || hidesRules(found) {
		return found
	}

	broken, _ := c.rules.Validate(ctx, nil, c.structural, object, nil, celconfig.RuntimeCELCostBudget)
	for _, err := range broken {
		// What does not compile here compiles in the target, or the target refuses the
		// definition itself.
		if !strings.HasPrefix(err.Detail, "rule compile") {
			found = append(found, err)
		}
	}
	return found
}

// hidesRules reports whether the server looks at no rule after these errors.
func hidesRules(found field.ErrorList) bool {
	for _, err := range found {
		switch err.Type {
		case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
			return true
		default:
		}
	}
	return false
}

// split parts the paths of unknown fields in those of the object and of its status.
func split(unknown []string) (ofObject, ofStatus []string) {
	for _, path := range unknown {
		if path == "status" || strings.HasPrefix(path, "status.") || strings.HasPrefix(path, "status[") {
			ofStatus = append(ofStatus, path)
		} else {
			ofObject = append(ofObject, path)
		}
	}
	return ofObject, ofStatus
}

// unknown lists the fields of an object that the schema does not know.
func (c *compiled) unknown(object map[string]any) ([]string, error) {
	copied, err := clone(object)
	if err != nil {
		return nil, err
	}
	return pruning.PruneWithOptions(copied, c.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}), nil
}

// clone copies an object as a request would bring it.
func clone(object map[string]any) (map[string]any, error) {
	data, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	var copied map[string]any
	return copied, json.Unmarshal(data, &copied)
}
