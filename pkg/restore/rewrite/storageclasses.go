package rewrite

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation"
)

// StorageClasses says which storage classes get the volumes of which. It is made by
// [ParseStorageClasses].
type StorageClasses struct{ to map[string]string }

// ParseStorageClasses reads pairs OLD=NEW. An error is a [PairError].
func ParseStorageClasses(pairs []string) (StorageClasses, error) {
	s := StorageClasses{to: make(map[string]string, len(pairs))}
	err := eachPair(pairs, s.to, func(name string) error {
		if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
			return fmt.Errorf("%q is no name of a storage class: %s", name, problems[0])
		}
		return nil
	})
	return s, err
}

// Empty reports whether nothing is mapped.
func (s StorageClasses) Empty() bool { return len(s.to) == 0 }

// replace returns the new class, and by which pair.
func (s StorageClasses) replace(class string) (after, by string, ok bool) {
	to, ok := s.to[class]
	return to, class, ok
}

const betaClass = `metadata.annotations."volume.beta.kubernetes.io/storage-class"`

// classFields are the fields that name storage classes. A class itself stays what it is.
var classFields = []Field{
	{Kind: "PersistentVolumeClaim", Path: "spec.storageClassName", Reason: "where the claim gets its volume from"},
	{Kind: "PersistentVolumeClaim", Path: betaClass, Reason: "where the claim gets its volume from"},
	{Kind: "PersistentVolume", Path: "spec.storageClassName", Reason: "claims of the class alone are bound to the volume"},
	{Kind: "PersistentVolume", Path: betaClass, Reason: "claims of the class alone are bound to the volume"},
	{Kind: "StatefulSet.apps", Path: "spec.volumeClaimTemplates[].spec.storageClassName", Reason: "where its claims get their volumes from"},
	{Kind: "StatefulSet.apps", Path: "spec.volumeClaimTemplates[]." + betaClass, Reason: "where its claims get their volumes from"},
}

// podClassFields are those in a Pod.
var podClassFields = []Field{
	{Path: "volumes[].ephemeral.volumeClaimTemplate.spec.storageClassName", Reason: "where the volume of the Pod comes from"},
	{Path: "volumes[].ephemeral.volumeClaimTemplate." + betaClass, Reason: "where the volume of the Pod comes from"},
}
