package accessrules

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// YAML writes the objects as documents that `kubectl apply` takes, with the reasons of the rules as
// comments.
func YAML(objects []Object) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	for _, object := range objects {
		var document yaml.Node
		if err := document.Encode(object); err != nil {
			return nil, fmt.Errorf("%s %s: %w", object.Kind, object.Metadata.Name, err)
		}
		object.comment(&document)
		if err := encoder.Encode(&document); err != nil {
			return nil, fmt.Errorf("%s %s: %w", object.Kind, object.Metadata.Name, err)
		}
	}

	if err := encoder.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// comment writes each reason before the first rule that has it.
func (o Object) comment(document *yaml.Node) {
	for i := 0; i+1 < len(document.Content); i += 2 {
		if document.Content[i].Value != "rules" {
			continue
		}
		for j, rule := range document.Content[i+1].Content {
			if j == 0 || o.reasons[j] != o.reasons[j-1] {
				rule.HeadComment = "# " + o.reasons[j]
			}
		}
	}
}
