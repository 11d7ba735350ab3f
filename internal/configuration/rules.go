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
			return fmt.Sprintf("%v of quiet cannot be waited for: a change waits %v at most (watch.limit)", c.Watch.Quiet, c.Watch.Limit),
				fmt.Sprintf("set watch.limit to %v or more, or watch.quiet to %v or less", c.Watch.Quiet, c.Watch.Limit)
		},
	},
}
