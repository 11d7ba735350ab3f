// Package markdown writes text of others into Markdown: names, messages and values that may hold anything.
//
// [Text] is for prose and the cells of tables, [Code] for what a reader copies. Both keep a text in its line and show it
// as it is: it makes no heading, no link, no image, no HTML and no cell, and reaches nobody by a mention.
//
// The rules are those of CommonMark 0.31 (https://spec.commonmark.org/0.31.2/) and GitHub's extensions of it: tables,
// autolinks and mentions (https://github.github.com/gfm/).
package markdown
