package restore

import (
	"github.com/appbur/appbur"
)

// kindCertificate is that of cert-manager. It issues a certificate anew for every Certificate whose
// Secret it does not find.
var kindCertificate = appbur.GroupKind{Group: "cert-manager.io", Kind: "Certificate"}

// certificateReferences returns the Secret that a Certificate is issued into, and what it names
// besides.
func certificateReferences(o Object, s *scope) []appbur.ObjectID {
	refs := idList(typedReferences(o, s))
	refs.add(kindSecret, o.ID.Namespace, text(o.Content, "spec", "secretName"))
	for _, store := range []string{"jks", "pkcs12"} {
		refs.add(kindSecret, o.ID.Namespace, text(o.Content, "spec", "keystores", store, "passwordSecretRef", "name"))
	}
	return refs
}

// strengthOf is how strong a reference is. A Secret comes before its Certificate also where the
// Certificate owns it: the owner is linked afterwards.
func strengthOf(from, to appbur.ObjectID) strength {
	if from.GroupKind() == kindCertificate && to.GroupKind() == kindSecret {
		return firm
	}
	return soft
}
