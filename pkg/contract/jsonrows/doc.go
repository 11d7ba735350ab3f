// Package jsonrows turns Go structs into rows of the contract and back.
//
// The usual way in is [New] with the type of a record:
//
//	codec, err := jsonrows.New[Note]()
//	dataset := contract.Dataset{Name: "notes", Schema: "1.0", Key: []string{"id"}, Fields: codec.Fields()}
//
// Then [Codec.Row] and [Codec.Rows] go into Snapshot.Rows, and [Codec.Value] and
// [Codec.Values] come out of the rows that Transaction.Replace gets.
//
// # Promises
//
//   - Fields are those that encoding/json writes, so a description cannot drift
//     from its type.
//   - Reading is strict: a field that the type does not have is an error and not a
//     loss, and names differ by case.
//   - Errors name fields and types and never quote a value, so they may be reported for
//     sensitive datasets.
//
// Types that are not structs are refused, and structs in which two fields have one
// name in JSON.
package jsonrows
