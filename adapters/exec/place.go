package exec

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/internal/settings"
)

// Program is an application whose commands run in a pod. It is made by [ParseProgram].
type Program struct {
	Config
	Place
	// NotCovered are sentences about what the commands do not save.
	NotCovered []string
}

// Place says in which pod and container commands run. The namespace is that of the application, which is named elsewhere.
type Place struct {
	// One of Pod, StatefulSet, Deployment and Selector is set.
	Pod, StatefulSet, Deployment string
	// Selector is one of labels, as kubectl takes it.
	Selector string
	// Ordinal is the pod of the StatefulSet that is meant, nil for any.
	Ordinal *int
	// Container may be "" where a pod has one only.
	Container string
	// Shell runs texts, and watches over all commands.
	Shell string
	// PayloadDir is where files for commands are made, "" if none are.
	PayloadDir string
	// Lease is how long the application rests at most without a word of who put it to rest, RestLimit how long in any case.
	Lease, RestLimit time.Duration

	choose *command
}

type placeFile struct {
	Pod         string       `yaml:"pod"`
	StatefulSet string       `yaml:"statefulSet"`
	Deployment  string       `yaml:"deployment"`
	Selector    string       `yaml:"selector"`
	Ordinal     *int         `yaml:"ordinal"`
	Container   string       `yaml:"container"`
	Choose      *commandFile `yaml:"choose"`
	Shell       string       `yaml:"shell"`
	PayloadDir  string       `yaml:"payloadDir"`
	Lease       string       `yaml:"lease"`
	RestLimit   string       `yaml:"restLimit"`
}

const (
	defaultLease     = 30 * time.Second
	shortestLease    = 5 * time.Second
	defaultRestLimit = time.Hour
	exampleOfProgram = "docs/programs.md"
)

// ParseProgram reads the commands of an application that run in a pod.
func ParseProgram(data []byte) (Program, error) {
	p, err := parseProgram(data)
	return p, settings.Explain(err, exampleOfProgram)
}

func parseProgram(data []byte) (Program, error) {
	var f file
	if err := settings.Decode(data, &f); err != nil {
		return Program{}, err
	}
	if f.In == nil {
		return Program{}, appbur.WithHint(errors.New("in: is needed, which says in which pod the commands run"),
			"for example in: {statefulSet: grafana, container: grafana}; commands that run beside a server are for appbur-exec")
	}
	place, err := f.In.place()
	if err != nil {
		return Program{}, fmt.Errorf("in: %w", err)
	}
	if f.In.Choose != nil {
		chosen, err := place.command(*f.In.Choose)
		if err != nil {
			return Program{}, fmt.Errorf("in: choose: %w", err)
		}
		place.choose = &chosen
	}

	config, err := f.config(place.command)
	return Program{Config: config, Place: place, NotCovered: f.NotCovered}, err
}

func (f placeFile) place() (Place, error) {
	p := Place{
		Pod: f.Pod, StatefulSet: f.StatefulSet, Deployment: f.Deployment, Selector: f.Selector, Ordinal: f.Ordinal,
		Container: f.Container, Shell: "/bin/sh", PayloadDir: f.PayloadDir, Lease: defaultLease, RestLimit: defaultRestLimit,
	}
	named := 0
	for _, one := range []string{p.Pod, p.StatefulSet, p.Deployment, p.Selector} {
		if one != "" {
			named++
		}
	}
	switch {
	case named != 1:
		return p, errors.New("one of pod, statefulSet, deployment and selector is needed")
	case p.Ordinal != nil && (p.StatefulSet == "" || *p.Ordinal < 0):
		return p, errors.New("ordinal: it is a number from 0 on, of a pod of a statefulSet")
	case p.PayloadDir != "" && !path.IsAbs(p.PayloadDir):
		return p, fmt.Errorf("payloadDir: %q is no absolute path", p.PayloadDir)
	}

	if f.Shell != "" {
		if p.Shell = f.Shell; !path.IsAbs(p.Shell) || strings.ContainsAny(p.Shell, " \t\n") {
			return p, appbur.WithHint(fmt.Errorf("shell: %q is not the absolute path of a program", p.Shell),
				"for example /bin/bash, which takes a text as its commands")
		}
	}
	for _, d := range []struct {
		name, text string
		least      time.Duration
		to         *time.Duration
	}{{"lease", f.Lease, shortestLease, &p.Lease}, {"restLimit", f.RestLimit, shortestLease, &p.RestLimit}} {
		if d.text == "" {
			continue
		}
		value, err := time.ParseDuration(d.text)
		if err != nil || value < d.least {
			return p, fmt.Errorf("%s: %q is not a duration of at least %s, such as %s", d.name, d.text, d.least, defaultLease)
		}
		*d.to = value
	}
	return p, nil
}

// secretName is a variable that has a secret in it, as far as its name says.
var secretName = regexp.MustCompile(`(?i)(PASSWORD|PASSWD|PASSPHRASE|PWD|SECRET|TOKEN|CREDENTIAL|KEY)`)

// command is the [maker] of commands in a pod.
func (p Place) command(f commandFile) (command, error) {
	c, err := newCommand(f, p.Shell)
	if err != nil {
		return c, err
	}
	if len(f.Env) > 0 {
		return c, appbur.WithHint(errors.New("env: it would bring variables of appbur into the pod"),
			"the container has variables of its own, which a shell: text uses; set: is for values that are no secret")
	}
	for name := range f.Set {
		if secretName.MatchString(name) && !strings.HasSuffix(name, "_FILE") {
			return c, appbur.WithHint(fmt.Errorf("set: %s may be a secret, and what is set can be read in the audit log of the cluster", name),
				"take a variable of the container in a shell: text, or a file in the container")
		}
	}
	if c.named && p.PayloadDir == "" {
		return c, appbur.WithHint(errors.New("it wants a file for the payload, and no directory of the container is for that"),
			"payloadDir: of in: names one with room, such as /tmp; or use the standard input or output")
	}
	return c, nil
}

// Chosen reports whether the place in which a runner runs commands is the one that is meant: whether the command that
// chooses ends well there. Without one, every place is.
func (p Program) Chosen(ctx context.Context, runner Runner) (bool, error) {
	if p.choose == nil {
		return true, nil
	}
	err := p.choose.run(ctx, runner, run{})
	switch {
	case refused(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("the command that chooses the pod: %s: %w", describe(err, true), err)
	}
	return true, nil
}

// Chooses reports whether there is such a command.
func (p Program) Chooses() bool { return p.choose != nil }
