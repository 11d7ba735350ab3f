// Package kvstate is the state of an application that keeps it in maps in memory:
// a [Store] of maps from text to values, which is a contract.App already.
//
// The usual way in is a Store and one [Add] per map:
//
//	var store kvstate.Store
//	notes := kvstate.Add[string](&store, kvstate.Dataset{Name: "notes", Schema: "1.0"})
//	notes.Put("hello", "world")
//	err := contract.ListenAndServe(ctx, "unix:///run/notes.sock", &store, contract.Options{
//		ID: "notes", Version: "1.0.0", Datasets: store.Datasets(),
//	})
//
// A row is {"key": …, "value": …}; the value is whatever encoding/json makes of the
// type. When that changes, raise the schema and add an upcast.
//
// # Promises
//
//   - An export shows all maps at one moment, and an import replaces them at one.
//   - What was imported is read back and compared before it becomes visible, so a
//     type that cannot hold the payload refuses it.
//
// # Refusals
//
// Keys that are not UTF-8, and values that JSON cannot write, fail the export.
// Values are shared with exports that run: never change one that was Put, Put a
// new one.
package kvstate
