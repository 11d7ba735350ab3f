package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/appbur/appbur/pkg/contract/contracttest"
)

const conformanceIntro = `# Conformance

What an application must do to keep the contract ([proto/SPEC.md](../proto/SPEC.md)), case by case. The ids never
change their meaning. ` + "`appbur conformance ADDRESS`" + ` checks an application in any language; ` + "`contracttest.Run`" + `
is the same from a Go test. This page is written by hack/generate.sh.

- **REQUIRED**: every application passes it. This is the minimal profile.
- **CONDITIONAL**: every application that offers the condition passes it: a capability of GetInfo, TLS, or tokens.
- **RECOMMENDED**: what SPEC.md says an application SHOULD do.

An application has shown that it keeps the contract when no case failed and every required and conditional case was run
that applies to it. A case that is skipped is *not offered* (its condition), *not applicable* (for example, there is no
second dataset), or *not run* (a hook, golden payloads or time are missing). What was not run is counted aloud, and
keeps the exit code from being 0. Where there is nothing that such a case could be about, say so:
` + "`--not-applicable IMP-026='it creates nothing itself'`" + ` has it reported as *not applicable*, with your reason. It never
hides a failure, because what can be run is run all the same.

The same state is there before and after every case: the kit makes all other states from the one that it finds, by the
contract itself. Some cases need at least 16 KiB of it. What a case needs is a flag of the command, or a hook that only
Go tests have; in Go all of them are fields of
` + "`contracttest.Instance` and `contracttest.Config`" + `.

[examples/smallest](../examples/smallest/main.go) keeps its state in memory and creates nothing itself. It shows that it
keeps the contract by

` + "```" + `
appbur conformance unix:///tmp/smallest.sock --destructive \
  --not-applicable EXP-012,IMP-007,NET-009='the state is in memory and ends with the process' \
  --not-applicable EXP-008,EXP-015,EXP-016='the state is too small to be under way' \
  --not-applicable IMP-026='it creates nothing itself'
` + "```" + `

`

// WriteConformance writes the catalogue of the conformance kit as Markdown.
func WriteConformance(file string) error {
	var b strings.Builder
	b.WriteString(conformanceIntro)
	b.WriteString("| id | level | title | what it proves | needs |\n|---|---|---|---|---|\n")
	for _, c := range contracttest.Catalogue() {
		level := string(c.Level)
		if c.Condition != "" {
			level += " (" + c.Condition + ")"
		}
		var needs []string
		for _, hook := range c.Hooks {
			needs = append(needs, conformanceName(hook))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", c.ID, level, c.Title, c.Proves, strings.Join(needs, ", "))
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("writing the catalogue of the conformance kit: %w", err)
	}
	return nil
}
