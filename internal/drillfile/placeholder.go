package drillfile

import (
	"fmt"
	"regexp"
	"strings"
)

// Placeholders of commands:
//
//	{address}     where the application serves the contract
//	{socket}      a path for a socket in {dir}
//	{dir}         a directory of the application's own, empty, and gone after the drill
//	{port:NAME}   a free port of the loopback interface, the same one for the same name
//	{kubeconfig}  the kubeconfig of the target
var placeholder = regexp.MustCompile(`\{(address|socket|dir|kubeconfig|port:[a-z0-9-]+)\}`)

// lookalike is what somebody may have meant as one. JSON in an argument has quotes or spaces in its braces.
var lookalike = regexp.MustCompile(`\{[A-Za-z][A-Za-z0-9:_-]*\}`)

// Values are what is put in for the placeholders of one application.
type Values struct {
	Address, Socket, Dir, Kubeconfig string
	// Port returns a port by its name.
	Port func(name string) (int, error)
}

// Expand puts values into the words of a command.
func Expand(words []string, v Values) ([]string, error) {
	expanded := make([]string, len(words))
	var failed error
	for i, word := range words {
		expanded[i] = placeholder.ReplaceAllStringFunc(word, func(p string) string {
			switch name := strings.Trim(p, "{}"); name {
			case "address":
				return v.Address
			case "socket":
				return v.Socket
			case "dir":
				return v.Dir
			case "kubeconfig":
				return v.Kubeconfig
			default:
				port, err := v.Port(strings.TrimPrefix(name, "port:"))
				if err != nil {
					failed = err
				}
				return fmt.Sprint(port)
			}
		})
	}
	return expanded, failed
}

// known demands that whatever looks like a placeholder is one.
func known(text string) error {
	for _, found := range lookalike.FindAllString(text, -1) {
		if !placeholder.MatchString(found) {
			return fmt.Errorf("%s is no placeholder: there are {address}, {socket}, {dir}, {port:NAME} and {kubeconfig}", found)
		}
	}
	return nil
}
