// Package protorows turns protobuf messages into rows of the contract and back, in
// the JSON mapping of protobuf.
//
// The usual way in is [New] with an empty message:
//
//	codec := protorows.New(new(inventorypb.Item))
//	dataset := contract.Dataset{
//		Name: "items", Schema: "1.0", Key: []string{"sku"}, Fields: codec.Fields(), Clear: !codec.Sensitive(),
//	}
//
// # Promises
//
//   - Fields come from the descriptor, under their JSON names. All of them are
//     written except unset ones that have presence, so that a key field may be zero.
//   - Sensitive reports whether a field, however deep, has the option
//     appbur.contract.v1.sensitive.
//   - Reading is strict: an unknown field is an error and not a loss. So is writing
//     a message that holds unknown fields of a later release.
//   - Errors never quote a value.
//
// The mapping writes 64-bit integers as text. A key of such a type orders rows as
// text does, "10" before "9"; use a 32-bit integer or a string.
package protorows
