package managementcluster

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// lastAppliedAnnotation is where client-side kubectl apply keeps the complete
// object as it was given to it. For a Secret that is a second copy of its values.
const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration"

// leaveLastApplied adds the annotation as kubectl would: the object as it is in
// the file, with its annotations present even if empty, as one line of JSON.
func leaveLastApplied(obj *unstructured.Unstructured) error {
	annotations := obj.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	record := obj.DeepCopy()
	if err := unstructured.SetNestedStringMap(record.Object, annotations, "metadata", "annotations"); err != nil {
		return fmt.Errorf("record what was applied: %w", err)
	}
	text, err := record.MarshalJSON()
	if err != nil {
		return fmt.Errorf("record what was applied: %w", err)
	}
	annotations[lastAppliedAnnotation] = string(text)
	obj.SetAnnotations(annotations)
	return nil
}
