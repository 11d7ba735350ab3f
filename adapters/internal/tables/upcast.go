package tables

import (
	"encoding/json"
	"fmt"

	"github.com/appbur/appbur/pkg/contract"
)

// upcast is a step from an older schema as a person writes it. The package contract
// applies it to payloads and checks what it says.
type upcast struct {
	From    string `yaml:"from"`
	To      string `yaml:"to"`
	Changes []struct {
		Op     string `yaml:"op"`
		Path   string `yaml:"path"`
		To     string `yaml:"to"`
		Value  any    `yaml:"value"`
		Reason string `yaml:"reason"`
	} `yaml:"changes"`
}

func parseUpcasts(written []upcast) ([]contract.Upcast, error) {
	var steps []contract.Upcast
	for i, u := range written {
		step := contract.Upcast{From: u.From, To: u.To}
		for n, c := range u.Changes {
			change := contract.Change{Op: contract.ChangeOp(c.Op), Path: c.Path, To: c.To, Reason: c.Reason}
			if change.Op == contract.OpAdd || change.Op == contract.OpMap {
				value, err := json.Marshal(c.Value)
				if err != nil {
					return nil, fmt.Errorf("upcasts[%d].changes[%d]: the value is not JSON: %w", i, n, err)
				}
				change.Value = value
			}
			step.Changes = append(step.Changes, change)
		}
		steps = append(steps, step)
	}
	return steps, nil
}
