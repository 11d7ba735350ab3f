//go:build unix

package controlplane

import (
	"fmt"
	"os"
	"testing"
)

// helperVariable makes the test binary act as a program that a test kills: it
// starts servers, says which, and waits for its end.
const helperVariable = "APPBUR_CONTROLPLANE_HELPER"

// helpers are the programs, by the value of the variable.
var helpers = map[string]func() ([]int, error){}

func TestMain(m *testing.M) {
	name := os.Getenv(helperVariable)
	if name == "" {
		os.Exit(m.Run())
	}
	pids, err := helpers[name]()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for _, pid := range pids {
		fmt.Println(pid)
	}
	fmt.Println("started")
	select {} // until killed
}
