package cli

import (
	"fmt"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/drillreport"
	"github.com/appbur/appbur/internal/repository"
)

// drilled is what `points list` says of the newest drill of a point (docs/json.md).
type drilled struct {
	ID              string              `json:"id"`
	Outcome         drillreport.Outcome `json:"outcome"`
	Began           time.Time           `json:"began"`
	Kubernetes      appbur.KubeVersion  `json:"kubernetesVersion"`
	RecoverySeconds float64             `json:"recoverySeconds"`
}

// drilledPoints are the newest drills by point, as far as somebody trusted has signed them. Without trusted signers there are
// none.
func drilledPoints(repo *repository.Repository, trusted []byte) (map[appbur.RestorePointID]drilled, error) {
	newest := map[appbur.RestorePointID]drilled{}
	if len(trusted) == 0 {
		return newest, nil
	}
	reports, _, err := readDrills(repo, trusted)
	if err != nil {
		return nil, err
	}
	for _, r := range reports { // newest first
		if _, has := newest[r.Point.ID]; !has {
			newest[r.Point.ID] = drilled{r.ID, r.Outcome, r.Began, r.Target.Kubernetes, r.RecoverySeconds}
		}
	}
	return newest, nil
}

// drilledCell says when a point was drilled and how long a recovery took.
func (e *env) drilledCell(point *appbur.RestorePoint, drills map[appbur.RestorePointID]drilled) cell {
	if point == nil {
		return plain("") // what is no restore point cannot be drilled
	}
	d, has := drills[point.ID]
	if !has {
		return plain("never")
	}
	text := fmt.Sprintf("%s %s, %s", d.Outcome, e.when(d.Began), spanOf(d.RecoverySeconds))
	return coloured(outcomeOf(d.Outcome).sgr, text)
}
