package configuration_test

import (
	"strings"
	"testing"

	"github.com/appbur/appbur/internal/configuration"
)

// Where points have to be is said for all schedules, and for one of them.
func TestWhichPointsHaveToBePushed(t *testing.T) {
	for _, test := range []struct {
		text             string
		asked, far, near bool
	}{
		{"", false, false, false},
		{"durability: pushed, ", true, true, true},
		{"durability: local, schedules: [{name: far, cron: '@daily', durability: pushed}, {name: near, cron: '@daily'}]", false, true, false},
		{"durability: pushed, schedules: [{name: far, cron: '@daily'}, {name: near, cron: '@daily', durability: local}]", true, true, false},
	} {
		text := test.text
		if text == "" || text == "durability: pushed, " {
			text += "schedules: [{name: far, cron: '@daily'}, {name: near, cron: '@daily'}]"
		}
		file, err := configuration.Parse([]byte(head+"points: {"+text+"}\n"), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		p := file.Value.Points
		if p.MustBePushed(nil) != test.asked || p.MustBePushed([]string{"far"}) != test.far || p.MustBePushed([]string{"near"}) != test.near ||
			p.MustBePushed([]string{"near", "far"}) != (test.near || test.far) || p.AnyMustBePushed() != (test.asked || test.far || test.near) {
			t.Errorf("%s: %t %t %t", text, p.MustBePushed(nil), p.MustBePushed([]string{"far"}), p.MustBePushed([]string{"near"}))
		}
	}
}

// What cannot hold together is told with its line.
func TestRemotesAndDurabilityAreChecked(t *testing.T) {
	for text, want := range map[string]string{
		"points: {durability: pushed}\npush: {enabled: false}\n":                              "nothing is pushed",
		"repository: {remotes: [{name: a/b, url: 'https://x/y'}]}\n":                          "cannot be the name of a remote",
		"repository: {remotes: [{url: 'https://me:secret@x/y'}]}\n":                           "holds a password",
		"repository: {remotes: [{url: 'https://x y'}]}\n":                                     "cannot be read",
		"repository: {remotes: [{url: 'git@x:y'}, {url: 'git@x:z'}]}\n":                       "origin",
		"points: {durability: everywhere}\n":                                                  "local or pushed is wanted",
		"repository: {remotes: [{url: 'git@x:y.git'}, {name: disk, url: /mnt/backup.git}]}\n": "",
	} {
		_, err := configuration.Parse([]byte(head+text), nil, nil)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
