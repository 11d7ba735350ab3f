package cli

import (
	"encoding/json"
	"errors"
	"fmt"
)

// reportError says what went wrong and what to do next, in one line each. An
// outcome has said everything already.
func (e *env) reportError(err error, asJSON bool) {
	var answer *outcome
	if errors.As(err, &answer) {
		return
	}
	hint := hintOf(err)
	var config *configError
	if errors.As(err, &config) && !asJSON {
		e.reportConfigError(config)
		return
	}

	if asJSON {
		// Errors go to Err also as JSON, so that Out holds results only.
		encoded, marshalErr := json.Marshal(struct {
			Error string `json:"error"`
			Hint  string `json:"hint,omitempty"`
			Code  int    `json:"exitCode"`
		}{err.Error(), hint, exitCode(err)})
		if marshalErr == nil {
			fmt.Fprintln(e.Err, string(encoded))
			return
		}
	}

	fmt.Fprintf(e.Err, "appbur: %s %s\n", e.paintErr(sgrRed, "error:"), oneLine(err.Error()))
	if hint != "" {
		fmt.Fprintf(e.Err, "appbur: %s %s\n", e.paintErr(sgrCyan, "hint:"), oneLine(hint))
	}
}

// warn tells the user something that does not stop the command.
func (e *env) warn(format string, args ...any) {
	fmt.Fprintf(e.Err, "appbur: %s %s\n", e.paintErr(sgrYellow, "warning:"), oneLine(fmt.Sprintf(format, args...)))
}

// warnWithHint is warn with a next step.
func (e *env) warnWithHint(text, hint string) {
	e.warn("%s", text)
	fmt.Fprintf(e.Err, "appbur: %s %s\n", e.paintErr(sgrCyan, "hint:"), oneLine(hint))
}

// say tells the user about progress.
func (e *env) say(format string, args ...any) {
	fmt.Fprintf(e.Err, format+"\n", args...)
}
