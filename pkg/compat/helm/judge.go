package helm

import (
	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

// ObjectVerdict is the judgement on one object in a release record.
type ObjectVerdict struct {
	Object appbur.HelmObject
	// Hook is true for objects of hooks. Upgrades do not build those of the old
	// revision; rollbacks, tests and uninstalls run them.
	Hook bool
	// AsWritten says whether the target serves the API version in the record. Where
	// it says no, Helm's next upgrade fails until the record is rewritten, even when
	// the live object converts.
	AsWritten compat.Answer
	// Verdict is that of [compat.Judge].
	Verdict compat.Verdict
}

// Judge says for each object in the release what the target makes of it, in the
// order of the manifest, then of the hooks. Documents that could not be read, which
// [Read] reported, have no verdict.
func Judge(release Release, t compat.Target) []ObjectVerdict {
	if release.documents == nil {
		return nil
	}
	var verdicts []ObjectVerdict
	for _, doc := range release.documents() {
		// Read kept only documents that decode.
		decoded, _ := decode(doc.text)
		for _, object := range objectsIn(decoded).objects {
			gvk, _ := compat.GVKOf(object)
			verdicts = append(verdicts, ObjectVerdict{
				Object: identity(object), Hook: doc.hook,
				AsWritten: t.Serves(gvk.Group, gvk.Version, gvk.Kind),
				Verdict:   compat.Judge(object, t),
			})
		}
	}
	return verdicts
}
