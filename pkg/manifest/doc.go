// Package manifest turns live Kubernetes objects into portable manifests.
//
// A live object mixes what a user requested with what one cluster made of it.
// This package separates the two, as a function of one object:
//
//   - the [Manifest] is canonical YAML that applies as it is to another cluster;
//   - the [Entry] keeps what belongs to this cluster and may be wanted back: uid,
//     owners, Service addresses, volume bindings, status of custom resources;
//   - identity and noise (resourceVersion, heartbeats, last-applied) are dropped;
//   - objects that a cluster derives by itself are left out, and the [Decision]
//     names the rule and the reason.
//
// The usual way in is [Default] and [Rules.Make]. [Encode] and [Decode] are the
// canonical YAML alone; [EncodeIndex] and [DecodeIndex] are the files of the index.
//
// # Rules are data
//
// Every rule is an [ObjectRule], a [FieldRule] or a [SecretRule]: an id, the kinds it
// looks at, a [Condition], a reason, and a source where the fact behind it can be
// looked up. [Rules.Render] prints them, [Rules.List] gives them to programs, and
// [Deliberate] says what has no rule on purpose. [Rules.Version] is computed from all
// of them, so that a changed rule cannot keep an old version. Rules deny: what no rule
// names is kept, unknown fields, defaults, empty maps and empty lists included,
// because an empty map means something in a NetworkPolicy, an emptyDir or an issuer.
//
// Users add rules by a [Policy], the section "rules" of appbur.yaml: [ParsePolicy] and
// [Rules.With].
//
// # Promises
//
//   - [Rules.Make] never modifies the object it is given, and making a manifest from
//     a manifest changes nothing.
//   - Manifest and entry together lose nothing but what rules call noise, and
//     [Rules.Explain] names all of that. [Reassemble] puts the two together again.
//   - Equal objects have equal bytes and different objects have different ones.
//     Numbers are JSON numbers: 1 and 1.0 are equal.
//   - What [Encode] writes is read alike by YAML 1.1 and YAML 1.2 readers. Where a
//     known reader errs (white space at the end of a block, "<<" inside a text), the
//     text is quoted.
//   - What kubectl last applied survives nowhere, not even in templates, and a secret
//     that a rule knows is never in an [Entry]. No policy can undo either.
//
// # Refusals
//
// The package connects to no cluster, reads no clock and writes no file. It does not
// encrypt; it says where a manifest is secret ([Manifest.SecretPaths]), and that must
// be sealed before it reaches Git. It guesses no secrets in custom resources.
package manifest
