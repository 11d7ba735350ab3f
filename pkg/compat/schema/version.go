package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	kubeversion "k8s.io/apimachinery/pkg/util/version"
	celconfig "k8s.io/apiserver/pkg/apis/cel"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

// rulesSince is the release from which servers obey x-kubernetes-validations by
// default; older ones drop them.
var rulesSince = appbur.KubeVersion{Major: 1, Minor: 25}

// version is one version of a custom kind.
type version struct {
	name string
	// statusApart is true when the status is a subresource.
	statusApart bool
	// storage is true when objects are stored at it.
	storage bool
	// written is the schema as the definition has it.
	written map[string]any

	// ready and fault are what compiling it gave, once an object needed it.
	ready *compiled
	fault error
}

func readVersion(content any) (*version, bool) {
	v, _ := content.(map[string]any)
	name, _ := v["name"].(string)
	schema, _ := v["schema"].(map[string]any)
	written, _ := schema["openAPIV3Schema"].(map[string]any)
	subresources, _ := v["subresources"].(map[string]any)
	return &version{name: name, statusApart: subresources["status"] != nil, storage: v["storage"] == true, written: written}, name != "" &&
		written != nil
}

// compiled is a schema in the forms in which the server works with it.
type compiled struct {
	size       measure
	structural *structuralschema.Structural
	complete   validation.SchemaValidator
	status     validation.SchemaValidator
	rules      *cel.Validator
}

// errNotStructural is the fault of a schema that a server would not have taken.
var errNotStructural = errors.New("its schema is not structural")

// check judges an object that is of this version.
func (v *version) check(object map[string]any, target appbur.KubeVersion) (compat.Opinion, error) {
	if err := v.prepare(target); err != nil {
		return compat.Opinion{}, err
	}
	size, err := measureObject(object)
	if err == nil {
		err = affordable(size, v.ready.size)
	}
	if err != nil {
		return compat.Opinion{}, err
	}
	return v.ready.judge(object, v.statusApart)
}

// prepare compiles the schema, once.
func (v *version) prepare(target appbur.KubeVersion) error {
	if v.ready == nil && v.fault == nil {
		v.fault = appbur.Guard(func() (err error) {
			v.ready, err = compile(v.written, target)
			return err
		})
	}
	if v.fault != nil {
		return fmt.Errorf("the schema of %s cannot be used: %w", v.name, v.fault)
	}
	return nil
}

// drops lists what is lost of an object of another version when it is stored at this
// one, besides what that other version does not know either.
func (v *version) drops(object map[string]any, at *version, target appbur.KubeVersion) ([]string, error) {
	if err := v.prepare(target); err != nil {
		return nil, err
	}
	unknown, err := at.ready.unknown(object)
	if err != nil {
		return nil, err
	}
	lost, err := v.ready.unknown(object)
	return slices.DeleteFunc(lost, func(path string) bool { return slices.Contains(unknown, path) }), err
}

// compile does what a server does with the schema of a version when the first request
// for it comes.
func compile(written map[string]any, target appbur.KubeVersion) (*compiled, error) {
	size, err := measureSchema(written)
	if err != nil {
		return nil, err
	}
	props, err := decode(written)
	if err != nil {
		return nil, err
	}

	c := &compiled{size: size}
	if c.structural, err = structuralschema.NewStructural(props); err != nil {
		return nil, fmt.Errorf("%w: %w", errNotStructural, err)
	}
	c.structural = c.structural.DeepCopy() // defaults are shared with props otherwise
	if err := defaulting.PruneDefaults(c.structural); err != nil {
		return nil, err
	}

	release := kubeversion.MajorMinor(uint(target.Major), uint(target.Minor)) //nolint:gosec // a release is never negative
	if c.complete, _, err = validation.NewSchemaValidatorForVersion(props, release); err != nil {
		return nil, err
	}
	if status, ok := props.Properties["status"]; ok {
		if c.status, _, err = validation.NewSchemaValidatorForVersion(&status, release); err != nil {
			return nil, err
		}
	}

	if target.AtLeast(rulesSince.Major, rulesSince.Minor) && size.rules > 0 {
		if size.rules > maxRules {
			return nil, fmt.Errorf("it has %d rules, more than can be checked", size.rules)
		}
		c.rules = cel.NewValidator(c.structural, true, celconfig.PerCallLimit)
	}
	return c, nil
}

// decode reads a schema as the server does, by its JSON form.
func decode(written map[string]any) (*apiextensions.JSONSchemaProps, error) {
	data, err := json.Marshal(written)
	if err != nil {
		return nil, err
	}
	var v1 apiextensionsv1.JSONSchemaProps
	if err := json.Unmarshal(data, &v1); err != nil {
		return nil, err
	}

	props := &apiextensions.JSONSchemaProps{}
	return props, apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&v1, props, nil)
}
