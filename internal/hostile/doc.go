// Package hostile spoils Kubernetes objects for tests: the same object, with values
// of another type, without fields, with null, and with far more than anybody would
// write. Whatever reads the content of objects must take all of it without a panic.
//
// It is for tests only; nothing that ships imports it.
package hostile
