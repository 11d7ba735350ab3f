package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/pflag"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/configuration"
	"github.com/appbur/appbur/internal/settings"
)

// runSettings are what run goes by, and where each setting comes from: the command line before the file before the
// environment.
type runSettings struct {
	settings.Document[configuration.Configuration]
	// file is where the configuration lies, "" if there is none; text is what was read.
	file string
	text []byte
	// below and above are what the environment and the command line say.
	below, above []settings.Given
}

// settingsOfRun reads the configuration, the flags and the environment, and reports all that is wrong at once.
func settingsOfRun(e *env, file string, flags *pflag.FlagSet) (*runSettings, error) {
	s := &runSettings{file: file}
	s.below, s.above = givenSettings(flags, e.getenv)
	if file == "-" {
		return nil, &usageError{appbur.WithHint(errors.New("--config: the configuration is read again while run works, so it has to be a file"),
			"write it to a file, and name that")}
	}

	if flags.Changed("config") {
		var err error
		if s.text, err = e.readConfig(file); err != nil {
			return nil, &usageError{err}
		}
	}
	var err error
	if s.Document, err = s.parse(s.text); err != nil {
		var wrong *settings.Error
		if errors.As(err, &wrong) {
			err = appbur.WithHint(&configError{file, wrong.Faults}, "`appbur config explain` says what can be set")
		}
		return nil, &usageError{err}
	}
	return s, nil
}

func (s *runSettings) parse(text []byte) (settings.Document[configuration.Configuration], error) {
	return configuration.Parse(text, s.below, s.above)
}

// tell logs what holds that is no default, and where it was said.
func (s *runSettings) tell(log *slog.Logger) {
	if s.text == nil {
		return // a command line can be looked at
	}
	for _, f := range configuration.Table.Fields() {
		source := s.Source(f.Path)
		if source == (settings.Source{}) || f.Required {
			continue
		}
		line := []any{"setting", f.Path, "value", configuration.Table.Text(s.Value, f.Path), "from", sourceText(s.file, source)}
		if instead := s.Overridden(f.Path); instead != (settings.Source{}) {
			line = append(line, "overrides", sourceText(s.file, instead))
		}
		log.Info("setting", line...)
	}
	warnOfGuards(log, s.Document)
}

// print prints a file that says the same.
func (s *runSettings) print(e *env) error {
	text, err := s.Value.Write()
	if err != nil {
		return err
	}
	if _, err := e.Out.Write(text); err != nil {
		return fmt.Errorf("printing the configuration: %w", err)
	}
	return nil
}

// hangups are the signals that ask for the file to be read again. They count from now on, so that one that comes while
// run still connects does not end it.
func (s *runSettings) hangups(e *env) (<-chan os.Signal, func()) {
	if s.file == "" || e.hangups == nil {
		return nil, func() {}
	}
	return e.hangups()
}

// reload keeps up with the file until ctx ends.
func (s *runSettings) reload(
	ctx context.Context, e *env, hangups <-chan os.Signal, log *slog.Logger, apply func(configuration.Configuration),
) {
	r := &reloader{
		file: s.file, parse: s.parse, apply: apply, log: log, current: s.Value, seen: s.text,
		read: func() ([]byte, error) { return e.readConfig(s.file) },
	}
	r.run(ctx, hangups, e.ticker)
}

// givenSettings are what the environment and the command line say: what the configuration overrides, and what
// overrides it.
func givenSettings(flags *pflag.FlagSet, getenv func(string) string) (below, above []settings.Given) {
	for _, r := range runFlags {
		flag := flags.Lookup(r.flag)
		if flag == nil || !flag.Changed {
			if r.env != "" && getenv(r.env) != "" {
				below = append(below, settings.Given{Path: r.path, Text: getenv(r.env), From: "$" + r.env})
			}
			continue
		}
		text := flag.Value.String()
		if values, repeatable := flag.Value.(pflag.SliceValue); repeatable && r.list != nil {
			text = r.list(values.GetSlice())
		}
		if r.text != nil {
			text = r.text(text)
		}
		if text != "" {
			above = append(above, settings.Given{Path: r.path, Text: text, From: "--" + r.flag})
		}
	}
	return below, above
}
