package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/appbur/appbur/pkg/contract/contracttest"
)

const conformanceIntro = `# Conformance

What an application must do to keep the contract ([proto/SPEC.md](../proto/SPEC.md)), case by case. The ids never change their meaning.
` + "`appbur conformance ADDRESS`" + ` checks an application in any language; ` + "`contracttest.Run`" + ` is the same from a Go test.
This page is written by hack/generate.sh.

- **REQUIRED**: every application passes it. This is the minimal profile.
- **CONDITIONAL**: every application that offers the condition passes it: a capability of GetInfo, TLS, or tokens.
- **RECOMMENDED**: what SPEC.md says an application SHOULD do.

An application has shown that it keeps the contract when no case failed and every required and conditional case was run that applies to it. A case
that is skipped is *not offered* (its condition), *not applicable* (for example, there is no second dataset), or *not run* (a hook, golden
payloads or time are missing). What was not run is counted aloud, and keeps the exit code from being 0.

Before and after every case stands the same state: the kit makes all other states from the one that it finds, by the contract itself. Some cases
need at least 16 KiB of it. Hooks are fields of ` + "`contracttest.Instance`" + `; Kill, Terminate, Restart, Mutate, Slow and Expire are also flags of the command:
--kill-cmd, --stop-cmd, --restart-cmd, --mutate-cmd, --slow-cmd and --expire-cmd; Older is --older, Config.Idle is --idle.

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
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", c.ID, level, c.Title, c.Proves, strings.Join(c.Hooks, ", "))
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("writing the catalogue of the conformance kit: %w", err)
	}
	return nil
}
