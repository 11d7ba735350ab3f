package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/backoff"
	"github.com/appbur/appbur/internal/controlplane"
	"github.com/appbur/appbur/internal/drillfile"
	"github.com/appbur/appbur/internal/drillreport"
)

// drillApp is an instance of an application that a drill has started.
type drillApp struct {
	declared drillfile.App
	values   drillfile.Values
	program  *controlplane.Program
}

// drillApps are what a drill runs beside its target.
type drillApps struct {
	e          *env
	dir        string
	kubeconfig string
	apps       []*drillApp
}

// start starts an instance and waits until something answers at its address. It is here, to be stopped, also when that fails.
func (d *drillApps) start(ctx context.Context, declared drillfile.App, patience time.Duration) error {
	app := &drillApp{declared: declared}
	number := strconv.Itoa(len(d.apps))
	own := filepath.Join(d.dir, number)
	if err := os.Mkdir(own, 0o700); err != nil {
		return fmt.Errorf("application %s: %w", declared.Name, err)
	}
	app.values = d.valuesIn(own)
	address, err := drillfile.Expand([]string{declared.Address}, app.values)
	if err != nil {
		return fmt.Errorf("application %s: %w", declared.Name, err)
	}
	app.values.Address = address[0]

	cmd, err := d.command(declared.Command, app.values)
	if err != nil {
		return fmt.Errorf("application %s: %w", declared.Name, err)
	}
	environment, err := drillfile.Expand(declared.Environment, app.values)
	if err != nil {
		return fmt.Errorf("application %s: %w", declared.Name, err)
	}
	cmd.Dir, cmd.Env = own, append(os.Environ(), environment...)
	if app.program, err = controlplane.StartProgram(declared.Name.String(), filepath.Join(d.dir, number+".log"), cmd); err != nil {
		return fmt.Errorf("application %s: %w", declared.Name, err)
	}
	d.apps = append(d.apps, app)
	return app.awaitAddress(ctx, patience)
}

// valuesIn are the values of an application, or of what belongs to none, with a directory of its own.
func (d *drillApps) valuesIn(dir string) drillfile.Values {
	ports := map[string]int{}
	return drillfile.Values{
		Dir: dir, Socket: filepath.Join(dir, "contract.sock"), Kubeconfig: d.kubeconfig,
		Port: func(name string) (int, error) {
			if ports[name] == 0 {
				port, err := controlplane.FreePort()
				if err != nil {
					return 0, err
				}
				ports[name] = port
			}
			return ports[name], nil
		},
	}
}

func (d *drillApps) command(words []string, values drillfile.Values) (*exec.Cmd, error) {
	expanded, err := drillfile.Expand(words, values)
	if err != nil {
		return nil, err
	}
	program := expanded[0]
	if strings.Contains(program, "/") { // it has another working directory
		if program, err = filepath.Abs(program); err != nil {
			return nil, err
		}
	}
	return exec.Command(program, expanded[1:]...), nil
}

// awaitAddress waits until something listens where the application shall.
func (a *drillApp) awaitAddress(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	network, address := "tcp", a.values.Address
	if path, isSocket := strings.CutPrefix(address, "unix://"); isSocket {
		network, address = "unix", path
	}
	var dialer net.Dialer
	for {
		connection, err := dialer.DialContext(ctx, network, address)
		if err == nil {
			return connection.Close()
		}
		if ended := a.program.Exited(); ended != nil {
			return fmt.Errorf("application %s: %w; the end of its output: %s", a.declared.Name, ended, a.program.LogTail())
		}
		if waited := backoff.Sleep(ctx, 50*time.Millisecond); waited != nil {
			return fmt.Errorf("application %s does not serve at %s: %w; the end of its output: %s", a.declared.Name, a.values.Address,
				errors.Join(err, waited), a.program.LogTail())
		}
	}
}

// find is the instance of an application, nil if none was started.
func (d *drillApps) find(key appbur.AppKey) *drillApp {
	for _, app := range d.apps {
		if app.declared.Name == key {
			return app
		}
	}
	return nil
}

// stop ends all of them.
func (d *drillApps) stop() {
	for _, app := range d.apps {
		app.program.Stop(stopGrace)
	}
}

// ask runs the checks of all applications, and then those of the whole.
func (d *drillApps) ask(ctx context.Context, ofAll []drillfile.Check) []drillreport.Check {
	asked := []drillreport.Check{}
	for _, app := range d.apps {
		for _, check := range app.declared.Checks {
			asked = append(asked, d.askOne(ctx, app.declared.Name.String(), check, app.values))
		}
	}
	for _, check := range ofAll {
		asked = append(asked, d.askOne(ctx, "", check, d.valuesIn(d.dir)))
	}
	return asked
}

// askOne runs a check. What it prints goes to the user and is not kept.
func (d *drillApps) askOne(ctx context.Context, app string, check drillfile.Check, values drillfile.Values) drillreport.Check {
	began := d.e.now()
	answer := drillreport.Check{App: app, Name: check.Name}
	reason := d.runCheck(ctx, check, values)
	answer.Passed, answer.Seconds = reason == nil, d.e.now().Sub(began).Seconds()
	if reason != nil {
		answer.Reason = reason.Error()
	}
	return answer
}

func (d *drillApps) runCheck(ctx context.Context, check drillfile.Check, values drillfile.Values) error {
	cmd, err := d.command(check.Command, values)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, check.Timeout)
	defer cancel()
	log := filepath.Join(d.dir, "check.log")
	defer func() { _ = os.Remove(log) }()
	cmd.Dir = values.Dir
	program, err := controlplane.StartProgram(check.Name, log, cmd)
	if err != nil {
		return err
	}
	defer program.Stop(0)

	select {
	case <-program.Ended():
	case <-ctx.Done():
		return fmt.Errorf("it took longer than %s", check.Timeout)
	}
	code := program.ExitCode()
	if output := program.LogTail(); output != "" && (code != 0 || !d.e.silent) {
		d.e.say("check %s: %s", oneLine(check.Name), oneLine(output))
	}
	if code != 0 {
		return fmt.Errorf("it ended with %d", code)
	}
	return nil
}
