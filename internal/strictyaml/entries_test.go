package strictyaml

import (
	"errors"
	"slices"
	"strconv"
	"testing"
)

func TestEntriesTellAllThatAreWrong(t *testing.T) {
	values, err := Entries("row", []string{"1", "2"}, strconv.Atoi)
	if err != nil || !slices.Equal(values, []int{1, 2}) {
		t.Errorf("%v %v", values, err)
	}

	_, err = Entries("row", []string{"1", "a", "3", ""}, strconv.Atoi)
	const want = `row 2: strconv.Atoi: parsing "a": invalid syntax; row 4: strconv.Atoi: parsing "": invalid syntax`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	var first *EntryError
	if !errors.As(err, &first) || first.Number != 2 || !errors.Is(err, strconv.ErrSyntax) {
		t.Errorf("the causes are lost: %#v", err)
	}
}
