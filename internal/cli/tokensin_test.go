package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/appbur/appbur"
)

// A directory of tokens has one for each application, which is read for every call. What is not there is no token of others.
func TestTokensOfADirectory(t *testing.T) {
	dir := t.TempDir()
	fleet := filepath.Join(dir, "fleet-system", "fleet")
	if err := os.Mkdir(filepath.Dir(fleet), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(text string) {
		if err := os.WriteFile(fleet, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	o := appOptions{token: filepath.Join(dir, "fleet-system")}
	inside, err := o.dialer()
	if err != nil || inside.Token != nil {
		t.Fatalf("%v, %v", inside.Token, err)
	}
	o.token = dir
	dialer, err := o.dialer()
	if err != nil || dialer.Token != nil {
		t.Fatalf("%v, %v", dialer.Token, err)
	}

	source := dialer.TokenOf(appbur.AppKey{Namespace: "fleet-system", Name: "fleet"})
	for _, want := range []string{"one", "two"} {
		write(want)
		if token, err := source(t.Context()); err != nil || string(token) != want {
			t.Errorf("the token is %q: %v", string(token), err)
		}
	}
	for _, key := range []appbur.AppKey{
		{Namespace: "tenant", Name: "fleet"}, {Namespace: "fleet-system", Name: "other"}, {Namespace: "..", Name: "fleet"},
	} {
		if dialer.TokenOf(key) != nil || inside.TokenOf(key) != nil {
			t.Errorf("there is a token of %s", key)
		}
	}
}
