package restore

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/appbur/appbur"
)

func TestSideBySideVisitsEachPlaceOnce(t *testing.T) {
	for _, length := range []int{0, 1, 3, 4, 5, 1000} {
		visits := make([]atomic.Int32, length)
		if err := sideBySide(length, func(i int) error { visits[i].Add(1); return nil }); err != nil {
			t.Fatal(err)
		}
		for i := range visits {
			if n := visits[i].Load(); n != 1 {
				t.Errorf("of %d places, place %d is visited %d times", length, i, n)
			}
		}
	}
}

// Which error is told does not depend on who came first, or a plan would fail for another reason each time.
func TestSideBySideTellsTheFirstPlace(t *testing.T) {
	for range 100 {
		err := sideBySide(100, func(i int) error {
			if i%7 == 6 {
				return fmt.Errorf("place %d", i)
			}
			return nil
		})
		if err == nil || err.Error() != "place 6" {
			t.Fatalf("got %v, want the error of place 6", err)
		}
	}
}

func TestSideBySideSurvivesAPanic(t *testing.T) {
	var panicked *appbur.PanicError
	if err := sideBySide(10, func(i int) error {
		if i == 3 {
			panic("x")
		}
		return nil
	}); !errors.As(err, &panicked) {
		t.Errorf("got %v", err)
	}
}
