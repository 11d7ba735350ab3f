package compat

// runtimeClass lifts the fields of spec to the top, where v1beta1 has them.
func runtimeClass(e *edit) {
	spec, ok := take(e.object, "spec")
	m, isMap := spec.(map[string]any)
	if !ok || !isMap {
		return
	}
	for from, to := range map[string]string{"runtimeHandler": "handler", "overhead": "overhead", "scheduling": "scheduling"} {
		if value, ok := take(m, from); ok {
			e.object[to] = value
		}
	}
	e.changed("spec", "fields moved to handler, overhead and scheduling")
}

// nominalShares renames the shares of a limited priority level.
func nominalShares(e *edit) {
	if limited := mapAt(e.object, "spec", "limited"); limited != nil {
		e.move(limited, "spec.limited", "assuredConcurrencyShares", "nominalConcurrencyShares")
	}
}

const (
	preserveZeroShares = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares"
	defaultShares      = int64(30)
)

// zeroShares keeps the meaning of zero shares: the default in v1beta3, unless an
// annotation says that zero is meant; zero in v1.
func zeroShares(e *edit) {
	annotations := mapAt(e.object, "metadata", "annotations")
	_, zeroMeant := annotations[preserveZeroShares]
	if zeroMeant {
		deleteAnnotation(e.object, preserveZeroShares)
		e.changed(annotationPath("", preserveZeroShares), "removed: v1 takes zero literally")
	}
	limited := mapAt(e.object, "spec", "limited")
	if limited == nil {
		return
	}

	shares, ok := intAt(limited, "nominalConcurrencyShares")
	switch {
	case zeroMeant && !ok:
		limited["nominalConcurrencyShares"] = int64(0)
		e.changed("spec.limited.nominalConcurrencyShares", "zero made explicit")
	case !zeroMeant && (!ok || shares == 0):
		limited["nominalConcurrencyShares"] = defaultShares
		e.changed("spec.limited.nominalConcurrencyShares", "old default made explicit")
	}
}

// storageVersionMigration drops what ties a migration to a version and to a list
// that was under way.
func storageVersionMigration(e *edit) {
	spec := mapAt(e.object, "spec")
	if resource := mapAt(spec, "resource"); resource != nil {
		if _, ok := take(resource, "version"); ok {
			e.changed("spec.resource.version", "removed: a migration covers every version of the resource")
		}
	}
	e.drop(spec, "spec", "continueToken", "a migration starts from the beginning")
}
