//go:build integration

package builtins

// uncreatable are the resources with the verb create that store nothing.
var uncreatable = map[string]string{
	"Binding": "a command: it puts a Pod on a node",
	"LocalSubjectAccessReview.authorization.k8s.io": "a question, answered at once",
	"SelfSubjectAccessReview.authorization.k8s.io":  "a question, answered at once",
	"SelfSubjectReview.authentication.k8s.io":       "a question, answered at once",
	"SelfSubjectRulesReview.authorization.k8s.io":   "a question, answered at once",
	"SubjectAccessReview.authorization.k8s.io":      "a question, answered at once",
	"TokenReview.authentication.k8s.io":             "a question, answered at once",
}

// readOnly are the kinds that can be read and not created, so that there is nothing to
// save.
var readOnly = map[string]string{
	"ComponentStatus": "computed for each request",
}

// excluded are the kinds of testdata/objects.txtar that are not saved, with the rule
// that says so. All others are saved.
var excluded = map[string]string{
	"CSINode.storage.k8s.io":                          "exclude-nodes",
	"CSIStorageCapacity.storage.k8s.io":               "exclude-storage-observations",
	"CertificateSigningRequest.certificates.k8s.io":   "exclude-certificate-requests",
	"ControllerRevision.apps":                         "exclude-controller-revisions",
	"Event":                                           "exclude-events",
	"Event.events.k8s.io":                             "exclude-events",
	"IPAddress.networking.k8s.io":                     "exclude-ip-addresses",
	"Lease.coordination.k8s.io":                       "exclude-leases",
	"LeaseCandidate.coordination.k8s.io":              "exclude-leases",
	"Node":                                            "exclude-nodes",
	"PodCertificateRequest.certificates.k8s.io":       "exclude-certificate-requests",
	"ResourcePoolStatusRequest.resource.k8s.io":       "exclude-device-observations",
	"ResourceSlice.resource.k8s.io":                   "exclude-device-observations",
	"StorageVersion.internal.apiserver.k8s.io":        "exclude-storage-versions",
	"StorageVersionMigration.storagemigration.k8s.io": "exclude-storage-migrations",
	"VolumeAttachment.storage.k8s.io":                 "exclude-storage-observations",
}

// forced are the kinds that a cluster which has them already accepts with
// --force-conflicts only: the API server adds to a list that has no keys, the rules
// take it out again, and a list without keys belongs to one manager as a whole.
var forced = map[string]string{
	"Pod":              "spec.tolerations: admission adds the two of every Pod",
	"StatefulSet.apps": "spec.volumeClaimTemplates: the server adds a status to each",
}
