package appbur_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/appbur/appbur"
)

func TestAPanicBecomesAnErrorWithItsPlace(t *testing.T) {
	if err := appbur.Guard(func() error { return nil }); err != nil {
		t.Errorf("work that is done: %v", err)
	}
	if err := appbur.Guard(func() error { return io.EOF }); !errors.Is(err, io.EOF) {
		t.Errorf("work that failed: %v", err)
	}

	var content any = "text"
	err := appbur.Guard(func() error { return content.(error) })
	var panicked *appbur.PanicError
	if !errors.As(err, &panicked) || !strings.Contains(err.Error(), "panic_test.go:") || appbur.HintOf(err) == "" {
		t.Errorf("work that panicked: %v", err)
	}

	var none map[string]int
	err = appbur.Guard(func() error { none["a"] = 1; return nil })
	if !errors.As(err, &panicked) || !strings.Contains(err.Error(), "assignment to entry in nil map") {
		t.Errorf("work that wrote to a nil map: %v", err)
	}
}
