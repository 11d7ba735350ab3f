// Package restorereport writes what a restore did as a page for people: Markdown, or one HTML file
// that needs nothing else. It is pure, and escapes whatever names and messages hold.
package restorereport
