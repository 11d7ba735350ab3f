// Package contracttest checks that an application keeps the appbur contract.
//
// The usual way in is one call from a test of the application:
//
//	func TestContract(t *testing.T) {
//		contracttest.Run(t, contracttest.Config{
//			Start: contracttest.InProcess(func() (contract.App, contract.Options, error) {
//				return newSeededApp(), options, nil
//			}),
//		})
//	}
//
// [Check] does the same without a *testing.T, for command lines.
//
// # What it needs
//
// An application that holds at least one row. All other states are made from
// that one through the contract itself: an empty state, a state with one row
// less. The kit never needs to know what the rows mean.
//
// # What it promises
//
// Every case has an id that never changes its meaning. A case talks to the
// application over the wire and judges only what comes back, so it works for
// applications in any language. Cases that need what the configuration does not
// give are reported as skipped and counted. Every required case is proved able
// to fail, or belongs to a family that is, by the broken applications in the
// tests of this package.
package contracttest
