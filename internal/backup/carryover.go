package backup

import (
	"slices"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
	"github.com/appbur/appbur/internal/repository"
)

// earlierPoints has the state of applications in earlier points; see [repository.PointWriter].
type earlierPoints interface {
	Known() []repository.KnownApp
	CarryOver(app appbur.AppKey) (bool, error)
}

// carryOver takes the state of applications that need not be asked over into the point, also of those that are not
// there at the moment, and returns those that have to be asked.
func (r Request) carryOver(point earlierPoints) (asked []apps.Target, carried []appbur.AppKey, err error) {
	if r.Asks == nil {
		return r.Apps, nil, nil
	}
	targets := make(map[appbur.AppKey]bool, len(r.Apps))
	for _, target := range r.Apps {
		targets[target.AppKey] = true
		over := false
		if !r.Asks(target.AppKey) {
			if over, err = point.CarryOver(target.AppKey); err != nil {
				return nil, nil, err
			}
		}
		if over {
			carried = append(carried, target.AppKey)
		} else {
			asked = append(asked, target)
		}
	}

	for _, app := range point.Known() {
		if targets[app.AppKey] || r.Asks(app.AppKey) {
			continue
		}
		over, err := point.CarryOver(app.AppKey)
		if err != nil {
			return nil, nil, err
		}
		if over {
			carried = append(carried, app.AppKey)
		}
	}
	slices.SortFunc(carried, appbur.AppKey.Compare)

	return asked, carried, nil
}
