package programs

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/adapters/exec"
)

// Declaration says which commands are an application, and where they run.
type Declaration struct {
	exec.Program
	// pods are those that its selector means; nil if it names them otherwise.
	pods labels.Selector
}

// Parse reads a declaration.
func Parse(data []byte) (Declaration, error) {
	program, err := exec.ParseProgram(data)
	if err != nil || program.Selector == "" {
		return Declaration{Program: program}, err
	}
	pods, err := labels.Parse(program.Selector)
	if err == nil && pods.Empty() {
		err = fmt.Errorf("it selects every pod")
	}
	if err != nil {
		return Declaration{}, appbur.WithHint(fmt.Errorf("in: selector: %q: %w", program.Selector, err),
			"labels as kubectl takes them, for example app=orders,tier=db")
	}
	return Declaration{program, pods}, nil
}

// String says which pods are meant.
func (d Declaration) String() string {
	switch {
	case d.Pod != "":
		return "the pod " + d.Pod
	case d.StatefulSet != "" && d.Ordinal != nil:
		return fmt.Sprintf("the pod %s-%d", d.StatefulSet, *d.Ordinal)
	case d.StatefulSet != "":
		return "the pods of the StatefulSet " + d.StatefulSet
	case d.Deployment != "":
		return "the pods of the Deployment " + d.Deployment
	}
	return "the pods with " + d.Selector
}

// The addresses of programs: a file with the declaration, or a ConfigMap of the application's namespace.
const (
	fileScheme      = "commands:"
	configMapScheme = "commands-of-configmap:"
)

// Key is under which a ConfigMap holds a declaration.
const Key = "commands.yaml"

// File reports whether an address is that of a program, and which file declares it, "" for one of the cluster.
func File(address string) (file string, ok bool) {
	if strings.HasPrefix(address, configMapScheme) {
		return "", true
	}
	return strings.CutPrefix(address, fileScheme)
}
