// Package settings reads a YAML document by a table that describes every setting in it, and reports everything that
// is wrong with it at once, each fault with its line, its path and what to write instead.
//
// A table is made of an [Object], whose rows say how a setting is called, what it takes, where its value goes in a
// struct, what holds without it, and what it is for:
//
//	type Watch struct{ Quiet time.Duration }
//
//	var watch = settings.Object(
//		settings.Field("quiet", settings.Duration(), func(w *Watch) *time.Duration { return &w.Quiet }, 2*time.Second,
//			settings.About{Text: "Commit when nothing has changed for this long.", Since: "v1alpha1"}),
//	)
//
//	document, err := settings.Read(watch, data, nil, nil) // an error is an [Error]
//
// The same table is the source of the JSON schema ([ObjectType.Schema]), of the list of settings ([ObjectType.Fields])
// and of the document that a value is written as ([ObjectType.Write]), so that they cannot contradict one another.
//
// # Promises
//
//   - What [Read] returns without an error was read completely: a setting that does not exist, a value of another type,
//     a key that is there twice and a second document are faults.
//   - A document that it takes is valid by the schema, and what the schema refuses it refuses too.
//   - Rendering a value and reading it again gives an equal value.
//
// # Refused
//
// Anchors, aliases, merge keys and tags: what a setting is has to be read off the place where it stands.
package settings
