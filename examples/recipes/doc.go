// Package recipes holds ready declarations of programs that have no contract: commands which run in their pods and save
// and restore them. docs/recipes.md is about using them; the tests beside them are how they are known to work.
//
// [exec.ParseProgram] reads every one of them in the unit tests, sh and shellcheck read their texts, and the
// integration tests run the commands of those whose program can be had against the real program: filled, exported,
// imported where other data was, into a newer version where there is one. Some run in real pods as well.
package recipes
