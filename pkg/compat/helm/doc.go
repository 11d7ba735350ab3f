// Package helm reads the records that Helm keeps of its releases in a cluster, to
// say which API versions the charts wrote.
//
// Helm stores every revision of a release as a Secret of type helm.sh/release.v1,
// or as a ConfigMap where it is configured to. The record holds the rendered manifest. The
// next upgrade builds the objects of that manifest before it compares: when the
// cluster no longer serves one of their API versions, it fails with "no matches for
// kind", although every live object is fine. The served objects do not show this;
// the records do.
//
// # Usual way in
//
// Call [Read] with every Secret and ConfigMap. Keep, with [Latest], the revision
// that Helm's next upgrade starts from. [Release.Summary] is the entry for
// evidence.json, and [Judge] says what a target makes of each embedded object.
//
// # Promises
//
// The package is pure: no client, no files, no clock, and no Helm. Of a record only
// identities come out: chart, versions, status, and the apiVersion, kind, namespace
// and name of objects. Values, configuration and manifest text stay inside
// [Release], where neither fmt nor encoding/json reach them, and errors quote none
// of it. What a record can cost is bounded: its size when decompressed, the size of
// a document, what aliases expand to, and the number of objects. A verdict says as
// much as it does of any object: its changes may quote addresses and names, never
// the data of a Secret.
//
// Manifests are read as Helm reads them: YAML 1.1, repeated keys allowed, lists
// unpacked, nothing filled in.
//
// # Refusals
//
// Helm 2 stored protobuf under the label OWNER=TILLER; those are no records here.
// The sql driver stores nothing in the cluster. A record that cannot be read,
// wholly or in part, is never passed over: [Read] says that it is one, returns what
// could be read, and why not the rest. Records are not rewritten.
package helm
