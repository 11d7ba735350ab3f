package drillfile

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/strictyaml"
)

// File is what a drill starts and asks.
type File struct {
	Apps   []App
	Checks []Check
}

// App is an instance of an application that is started.
type App struct {
	Name    appbur.AppKey
	Command []string
	// Address is where it serves the contract; [SocketAddress] if the file does not say it.
	Address string
	// Environment is added to that of the drill, as NAME=VALUE.
	Environment []string
	Checks      []Check
}

// Check is a command that ends with 0 if all is well.
type Check struct {
	Name    string
	Command []string
	Timeout time.Duration
}

// SocketAddress is where an application serves where nothing else is said: a socket that nobody else can reach.
const SocketAddress = "unix://{socket}"

// defaultTimeout is how long a check may take.
const defaultTimeout = time.Minute

// Error is a file that cannot be used.
type Error struct{ Err error }

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// written is what users write.
type written struct {
	Applications []writtenApp   `yaml:"applications"`
	Checks       []writtenCheck `yaml:"checks"`
}

type writtenApp struct {
	Name        string            `yaml:"name"`
	Command     []string          `yaml:"command"`
	Address     string            `yaml:"address"`
	Environment map[string]string `yaml:"environment"`
	Checks      []writtenCheck    `yaml:"checks"`
}

type writtenCheck struct {
	Name    string   `yaml:"name"`
	Command []string `yaml:"command"`
	Timeout string   `yaml:"timeout"`
}

// Parse reads a file. An error is an [Error].
func Parse(data []byte) (File, error) {
	var w written
	if err := strictyaml.Decode(data, &w); err != nil {
		return File{}, &Error{err}
	}
	var f File
	var err error
	named := map[appbur.AppKey]bool{}
	f.Apps, err = strictyaml.Entries("application", w.Applications, func(w writtenApp) (App, error) {
		app, err := w.app()
		if err == nil && named[app.Name] {
			err = fmt.Errorf("there is another application %s", app.Name)
		}
		named[app.Name] = true
		return app, err
	})
	if err != nil {
		return File{}, &Error{err}
	}
	if f.Checks, err = checks(w.Checks); err != nil {
		return File{}, &Error{err}
	}
	if len(f.Apps)+len(f.Checks) == 0 {
		return File{}, &Error{errors.New("it has neither applications nor checks")}
	}
	return f, nil
}

// NewApp is an application with a command and nothing else.
func NewApp(name string, command []string) (App, error) {
	return writtenApp{Name: name, Command: command}.app()
}

func (w writtenApp) app() (App, error) {
	namespace, name, ok := strings.Cut(w.Name, "/")
	if !ok || namespace == "" || name == "" || strings.Contains(name, "/") {
		return App{}, fmt.Errorf("its name is %q, and not NAMESPACE/NAME", w.Name)
	}
	app := App{Name: appbur.AppKey{Namespace: namespace, Name: name}, Command: w.Command, Address: w.Address}
	if app.Address == "" {
		app.Address = SocketAddress
	}
	if err := checkCommand(w.Command); err != nil {
		return App{}, err
	}
	if err := known(app.Address); err != nil {
		return App{}, fmt.Errorf("its address: %w", err)
	}
	if strings.Contains(app.Address, "{address}") {
		return App{}, errors.New("its address names itself")
	}

	for name, value := range w.Environment {
		if name == "" || strings.ContainsAny(name, "=\x00") {
			return App{}, fmt.Errorf("%q is no name of a variable", name)
		}
		if err := known(value); err != nil {
			return App{}, fmt.Errorf("the variable %s: %w", name, err)
		}
		app.Environment = append(app.Environment, name+"="+value)
	}
	var err error
	app.Checks, err = checks(w.Checks)
	return app, err
}

func checks(list []writtenCheck) ([]Check, error) {
	return strictyaml.Entries("check", list, func(w writtenCheck) (Check, error) {
		c := Check{Name: w.Name, Command: w.Command, Timeout: defaultTimeout}
		if w.Name == "" {
			return c, errors.New("it has no name")
		}
		if w.Timeout != "" {
			var err error
			if c.Timeout, err = time.ParseDuration(w.Timeout); err != nil || c.Timeout <= 0 {
				return c, fmt.Errorf("its timeout is %q, and not a time such as 30s", w.Timeout)
			}
		}
		return c, checkCommand(w.Command)
	})
}

func checkCommand(command []string) error {
	if len(command) == 0 || command[0] == "" {
		return errors.New("it has no command: a list of a program and its arguments")
	}
	for _, word := range command {
		if err := known(word); err != nil {
			return fmt.Errorf("its command: %w", err)
		}
	}
	return nil
}
