package drillreport

import (
	"time"

	"github.com/appbur/appbur"
)

// Format is the version of the document.
const Format = 1

// Outcome says how a drill ended.
type Outcome string

const (
	// Passed means that what was restored is what was saved, and that every check agrees.
	Passed Outcome = "passed"
	// Failed means that something is not, or that the restore did not come to its end.
	Failed Outcome = "failed"
)

// Report is the document (docs/formats/drill-report.md).
type Report struct {
	Format  int     `json:"format"`
	ID      string  `json:"id"`
	Outcome Outcome `json:"outcome"`
	// Why says in sentences what failed; it is empty when nothing did.
	Why    []string `json:"why"`
	Point  Point    `json:"point"`
	Target Target   `json:"target"`
	By     By       `json:"by"`

	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`
	// RecoverySeconds is how long a recovery takes: all phases that one would go through, without the start of a throwaway
	// control plane and without the comparison at the end.
	RecoverySeconds float64 `json:"recoverySeconds"`
	// RecoveryPointSeconds is how old the data was when the drill began.
	RecoveryPointSeconds float64 `json:"recoveryPointSeconds"`
	Phases               []Phase `json:"phases"`

	Objects Objects `json:"objects"`
	Apps    []App   `json:"apps"`
	Checks  []Check `json:"checks"`
	// Lists are objects by what became of them; empty ones are left out.
	Lists []List `json:"lists"`
	// Earlier are drills of the same repository before, newest first.
	Earlier []Earlier `json:"earlier"`
}

// Point is what was restored.
type Point struct {
	ID appbur.RestorePointID `json:"id"`
	// Commit names all of its content; Manifests is the commit of main below it.
	Commit    string `json:"commit"`
	Manifests string `json:"manifests"`
	// SignedBy is who has signed it.
	SignedBy string `json:"signedBy"`
	// Captured is when it was begun: what was written later is not in it.
	Captured   time.Time          `json:"captured"`
	Cluster    string             `json:"cluster"`
	Kubernetes appbur.KubeVersion `json:"kubernetesVersion"`
	Partial    bool               `json:"partial"`
	// Part is what was selected of it, "" for all.
	Part string `json:"part,omitempty"`
}

// Target is what it was restored into.
type Target struct {
	// Started says that the drill started the control plane itself, with the programs of Programs.
	Started  bool   `json:"started"`
	Programs string `json:"programs,omitempty"`
	// Controllers says whether a controller-manager ran; it is not known of a cluster that was given.
	Controllers *bool              `json:"controllers,omitempty"`
	Name        string             `json:"name"`
	Cluster     string             `json:"cluster"`
	Kubernetes  appbur.KubeVersion `json:"kubernetesVersion"`
}

// By is who ran the drill, and with what.
type By struct {
	User    string `json:"user"`
	Host    string `json:"host"`
	Release string `json:"appburVersion"`
	// Trigger is what started it: a person at a command line, or the schedule of a daemon.
	Trigger string `json:"trigger"`
}

// Phase is a part of the drill.
type Phase struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	// Recovery says that a recovery goes through it as well.
	Recovery bool `json:"recovery"`
}

// Objects counts what became of objects.
type Objects struct {
	Created    int `json:"created"`
	Configured int `json:"configured"`
	Unchanged  int `json:"unchanged"`
	Skipped    int `json:"skipped"`
	Failed     int `json:"failed"`
	Converted  int `json:"converted"`
	// Compared and Different count what was compared with the restore point at the end.
	Compared  int `json:"compared"`
	Different int `json:"different"`
	// LeftOut counts objects that the target cannot have.
	LeftOut int `json:"leftOut"`
}

// App is an application.
type App struct {
	App appbur.AppKey `json:"app"`
	// Command is what the drill started for it, with placeholders, "" if it was there.
	Command string `json:"command,omitempty"`
	// Result says what became of its state: imported, not imported, or failed. Reason says why.
	Result string `json:"result"`
	Reason string `json:"reason,omitempty"`
	// Saved and Now are what the application called itself when it was saved, and in the drill.
	Saved    string    `json:"saved"`
	Now      string    `json:"now,omitempty"`
	Datasets []Dataset `json:"datasets"`
	// Equal says that the state was exported again after the import and compared with what was saved, and that nothing differs.
	Equal       bool     `json:"equal"`
	Differences []string `json:"differences"`
}

// Dataset is what became of a dataset.
type Dataset struct {
	Name  string `json:"name"`
	Rows  int64  `json:"rows"`
	Bytes int64  `json:"bytes"`
	// Digest is that of what was saved, "" where it is sealed.
	Digest     string   `json:"digest,omitempty"`
	SchemaFrom string   `json:"schemaFrom"`
	SchemaTo   string   `json:"schemaTo,omitempty"`
	Dropped    []string `json:"dropped,omitempty"`
	Defaulted  []string `json:"defaulted,omitempty"`
	Uncompared string   `json:"uncompared,omitempty"`
}

// Check is a command that was asked whether all is well. What it printed is not kept: it may be anything.
type Check struct {
	// App is the application that it belongs to, "" for one of the whole.
	App     string  `json:"app,omitempty"`
	Name    string  `json:"name"`
	Passed  bool    `json:"passed"`
	Reason  string  `json:"reason,omitempty"`
	Seconds float64 `json:"seconds"`
}

// List is objects of which the same is to be said.
type List struct {
	Title string `json:"title"`
	// Total counts all of them; Objects are the first.
	Total   int      `json:"total"`
	Objects []Object `json:"objects"`
}

// Object is an object, and what is to be said about it.
type Object struct {
	Object string   `json:"object"`
	What   []string `json:"what,omitempty"`
}

// mostListed bounds the objects of a list: a report is kept for years.
const mostListed = 500

// NewList makes a list of the first objects.
func NewList(title string, objects []Object) List {
	return List{Title: title, Total: len(objects), Objects: objects[:min(len(objects), mostListed)]}
}

// Earlier is what a report says of a drill before it.
type Earlier struct {
	ID                   string                `json:"id"`
	Outcome              Outcome               `json:"outcome"`
	Began                time.Time             `json:"began"`
	Point                appbur.RestorePointID `json:"point"`
	Kubernetes           appbur.KubeVersion    `json:"kubernetesVersion"`
	RecoverySeconds      float64               `json:"recoverySeconds"`
	RecoveryPointSeconds float64               `json:"recoveryPointSeconds"`
}

// Brief is what later reports say of this one.
func (r Report) Brief() Earlier {
	return Earlier{
		ID: r.ID, Outcome: r.Outcome, Began: r.Began, Point: r.Point.ID, Kubernetes: r.Target.Kubernetes,
		RecoverySeconds: r.RecoverySeconds, RecoveryPointSeconds: r.RecoveryPointSeconds,
	}
}
