package appbur_test

import (
	"testing"

	"github.com/appbur/appbur"
)

func TestPositionsAreDecimalNumbersOfAField(t *testing.T) {
	for _, p := range []appbur.Position{
		{Field: "id", Next: "0"},
		{Field: "id", Next: "-5"},
		{Field: "id", Counter: "public.s", Next: "18446744073709551616"},
	} {
		if err := p.Check(); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}

	for _, p := range []appbur.Position{
		{Next: "1"},
		{Field: "id"},
		{Field: "id", Next: "01"},
		{Field: "id", Next: "-0"},
		{Field: "id", Next: "1; DROP"},
		{Field: "id", Next: "1\n"},
	} {
		if p.Check() == nil {
			t.Errorf("%+v was taken", p)
		}
	}
}
