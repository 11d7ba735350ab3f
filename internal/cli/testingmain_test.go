package cli

import (
	"context"
	"crypto/rand"
	"io"
	"os"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

// envTestTime lets a test say what time it is for commands that it starts.
const envTestTime = "APPBUR_TEST_TIME"

// TestingMain is [Main] at the time of the test.
func TestingMain() int {
	if _, err := testTime(os.Getenv); err != nil {
		return Main()
	}
	return testingRun(SystemStreams(os.Getenv), os.Getenv, os.Args[1:])
}

// TestingRun is [TestingMain] within the process of the test, which has set its directory and its environment.
func TestingRun(in io.Reader, out, errOut io.Writer, getenv func(string) string, args []string) int {
	klog.SetLogger(logr.Discard()) // as Main does
	streams := &Streams{In: in, Out: out, Err: errOut, Colour: getenv("NO_COLOR") == "" && getenv("TERM") != "dumb"}
	return testingRun(streams, getenv, args)
}

func testingRun(streams *Streams, getenv func(string) string, args []string) int {
	now := time.Now
	if at, err := testTime(getenv); err == nil {
		now = func() time.Time { return at }
	}
	return Run(context.Background(), &env{Streams: streams, now: now, rand: rand.Reader, getenv: getenv}, args)
}

func testTime(getenv func(string) string) (time.Time, error) {
	return time.Parse(time.RFC3339, getenv(envTestTime))
}
