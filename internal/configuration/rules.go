package configuration

import (
	"fmt"

	"github.com/appbur/appbur/internal/settings"
)

// rules are what no single setting can say, and no schema.
var rules = []settings.Rule[Configuration]{
	{
		Paths: []string{"watch.quiet", "watch.limit"},
		Broken: func(c Configuration) (problem, hint string) {
			if c.Watch.Quiet <= c.Watch.Limit {
				return "", ""
			}
			quiet, limit := Table.Text(c, "watch.quiet"), Table.Text(c, "watch.limit")
			return fmt.Sprintf("%s of quiet cannot be waited for: a change waits %s at most (watch.limit)", quiet, limit),
				fmt.Sprintf("set watch.limit to %s or more, or watch.quiet to %s or less", quiet, limit)
		},
	},
}
