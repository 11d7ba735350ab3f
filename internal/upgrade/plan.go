package upgrade

import (
	"fmt"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/compat"
)

// Facts are what is known before an upgrade.
type Facts struct {
	Point appbur.RestorePoint
	// To is the Kubernetes of the new cluster.
	To appbur.KubeVersion
	// Counts says how many objects have which verdict, Objects are those whose verdict somebody has to read.
	Counts  map[compat.VerdictKind]int
	Objects []Object
	Apps    []App
	// Acting are the objects that have to stop in the old cluster before the new one acts.
	Acting []Acting
	// Clients still use API versions that the new Kubernetes does not serve.
	Clients []string
}

// Object is an object that does not simply go over.
type Object struct {
	Object  string             `json:"object"`
	Verdict compat.VerdictKind `json:"verdict"`
	// What is why it cannot go over, or what is lost or changed.
	What string `json:"what"`
	Hint string `json:"hint,omitempty"`
}

// App is an application of the restore point.
type App struct {
	Application appbur.AppKey `json:"application"`
	// Saved is the version that its state was saved by, New the one that was asked, "" if none was.
	Saved string `json:"savedVersion"`
	New   string `json:"newVersion,omitempty"`
	// Address is where the new one answers.
	Address  string    `json:"address,omitempty"`
	Datasets []Dataset `json:"datasets"`
	// Problem says why the new version could not be asked.
	Problem string `json:"problem,omitempty"`
}

// Dataset is a dataset of an application.
type Dataset struct {
	Name   string `json:"name"`
	Schema string `json:"schema"`
	// Reads is what the new version reads, and Becomes the schema that it writes; both are "" if it was not asked.
	Reads   string `json:"reads,omitempty"`
	Becomes string `json:"becomes,omitempty"`
	// Problem says why the new version cannot take it, "" if it can or was not asked.
	Problem string `json:"problem,omitempty"`
	// Changes are what the new version declares of the way from the old schema to its own.
	Changes []string `json:"changes,omitempty"`
}

// Acting is how many objects of a controller have to be paused.
type Acting struct {
	Controller string   `json:"controller"`
	Objects    int      `json:"objects"`
	Some       []string `json:"some"`
}

// Obstacle is in the way of the upgrade.
type Obstacle struct {
	What string `json:"what"`
	Hint string `json:"hint,omitempty"`
}

// Plan is an upgrade by rebuild.
type Plan struct {
	Facts Facts
	// Obstacles keep something of the old cluster from the new one. An upgrade without them loses nothing that it does
	// not tell.
	Obstacles []Obstacle
	// Unknown is what nobody has asked yet.
	Unknown []Obstacle
	// Steps lead through it. Whoever makes the plan knows the commands.
	Steps []Step
}

// New judges the facts. The plan has no steps yet.
func New(f Facts) Plan {
	p := Plan{Facts: f, Obstacles: []Obstacle{}, Unknown: []Obstacle{}}
	for _, o := range f.Objects {
		if o.Verdict == compat.Blocked || o.Verdict == compat.Refused {
			p.Obstacles = append(p.Obstacles, Obstacle{fmt.Sprintf("%s is %s: %s", o.Object, o.Verdict, o.What), o.Hint})
		}
		if o.Verdict == compat.Unknown {
			p.Unknown = append(p.Unknown, Obstacle{fmt.Sprintf("%s: %s", o.Object, o.What), o.Hint})
		}
	}

	for _, app := range f.Apps {
		p.judge(app)
	}
	if from := f.Point.Cluster.Version; f.To.Major < from.Major || f.To.Major == from.Major && f.To.Minor < from.Minor {
		p.Obstacles = append(p.Obstacles, Obstacle{
			fmt.Sprintf("Kubernetes %s is older than the cluster, which runs %s", f.To.MinorString(), from),
			"objects may use what an older Kubernetes does not know: name a newer one",
		})
	}
	if f.Point.Partial {
		p.Obstacles = append(p.Obstacles, Obstacle{
			fmt.Sprintf("restore point %s is not complete", f.Point.ID), "make a complete one before the upgrade",
		})
	}

	return p
}

func (p *Plan) judge(app App) {
	switch {
	case app.Problem != "":
		p.Unknown = append(p.Unknown, Obstacle{
			fmt.Sprintf("%s could not be asked: %s", app.Application, app.Problem), "start its new version, and plan again",
		})
	case app.New == "":
		p.Unknown = append(p.Unknown, Obstacle{
			fmt.Sprintf("whether the new version of %s reads what %s has saved", app.Application, app.Saved),
			"start its new version, and name its address",
		})
	}
	for _, d := range app.Datasets {
		if d.Problem != "" {
			p.Obstacles = append(p.Obstacles, Obstacle{
				fmt.Sprintf("%s %s cannot read dataset %s: %s", app.Application, app.New, d.Name, d.Problem),
				"take a version in between, which reads it and writes a newer schema",
			})
		}
	}
}
