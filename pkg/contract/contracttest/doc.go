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
// [Check] and [CheckEach] do the same without a *testing.T, for command lines;
// `appbur conformance ADDRESS` is one, for applications in any language.
// docs/conformance.md lists the cases.
//
// # What it needs
//
// An application that holds at least one row; some cases want 16 KiB of them. All
// other states are made from that one through the contract itself: an empty state,
// a state with one row less. The kit never needs to know what the rows mean. What
// the protocol cannot do is a hook of [Instance]: to kill the process, to start it
// again, to have it change its own state.
//
// # What it promises
//
// Every case has an id that never changes its meaning, and a [Level]. A case sends
// requests to the application and judges only what comes back, so it works for
// applications in any language. Cases that need what the configuration does not
// give are not run and counted aloud ([Report.Missing]); so are cases about what the
// application does not offer. Every case is proved able to fail by a broken
// application in the tests of this package.
//
// # What it refuses
//
// To call an application conforming when a case that it must pass was not run:
// [Config.Strict] makes that a failure, and the command line exits with 3. To leave a
// [Instance.Shared] application in another state than it found: that is a failure
// of the case.
package contracttest
