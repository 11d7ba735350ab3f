package managementcluster

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// objects reads the documents of a file in their order.
func (t topic) objects() ([]*unstructured.Unstructured, error) {
	data, err := t.read()
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))

	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", t.file, err)
		}
		obj, err := decode(document)
		if err != nil {
			return nil, fmt.Errorf("read %s, document %d: %w", t.file, len(objects)+1, err)
		}
		objects = append(objects, obj)
	}
}

// decode reads one document. Integers become int64, as they do in a real
// client: a detour over float64 would damage large ones.
func decode(document []byte) (*unstructured.Unstructured, error) {
	text, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return nil, err
	}
	obj := &unstructured.Unstructured{}
	if err := obj.UnmarshalJSON(text); err != nil {
		return nil, err
	}
	if obj.GetName() == "" {
		return nil, errors.New("the object has no name")
	}
	return obj, nil
}
