// Package strictyaml reads files that a person wrote, and refuses what it would have to guess: settings
// that do not exist, keys that are there twice, a number with a fraction where a whole one is
// wanted (the library cuts it off), and a second document.
//
//	var c Config
//	err := strictyaml.Decode(data, &c) // line 3: `1.9` stands where a whole number is wanted
//
// [Entries] reads the entries of a list, and tells all that are wrong. A document whose settings are described by a table
// is read by internal/settings instead, which tells everything at once.
//
// Its errors are in words of YAML and name the line. The library speaks of the types of its
// language, which no user knows.
package strictyaml
