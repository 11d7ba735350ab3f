package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"regexp/syntax"
	"strings"
)

// kubeconfigFile is how the library says which file it could not read.
var kubeconfigFile = regexp.MustCompile(`(?s)error loading config file "(.*?)":`)

// kubeconfigFault says what is wrong with a kubeconfig without the types that the
// library reads it into.
func kubeconfigFault(err error) error {
	found := kubeconfigFile.FindStringSubmatch(err.Error())
	var path *fs.PathError
	if found == nil || errors.As(err, &path) {
		return err
	}

	why := "it holds no settings of the kind Config"
	var wrongType *json.UnmarshalTypeError
	switch _, syntaxFault, isYAML := strings.Cut(err.Error(), "yaml: "); {
	case isYAML:
		why = syntaxFault
	case errors.As(err, &wrongType) && wrongType.Field != "":
		why = fmt.Sprintf("%s has the wrong form", wrongType.Field)
	}
	return fmt.Errorf("%q is no kubeconfig: %s", found[1], why)
}

// patternFault says what is wrong with a regular expression.
func patternFault(err error) string {
	var fault *syntax.Error
	if errors.As(err, &fault) {
		return fmt.Sprintf("%s at %q", fault.Code, fault.Expr)
	}
	return err.Error()
}
