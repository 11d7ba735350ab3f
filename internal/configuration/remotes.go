package configuration

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/appbur/appbur/internal/settings"
)

// Remote is a place that has a copy of the repository.
type Remote struct {
	Name, URL      string
	AllowPlaintext bool
}

// DefaultRemote is the name of a remote that has none.
const DefaultRemote = "origin"

var remoteTable = settings.Object(
	settings.Field("name", settings.Text("name", "a name such as forge"), func(r *Remote) *string { return &r.Name }, DefaultRemote,
		settings.About{
			Text:    "The name. The credentials are in remotes/NAME of the directory of keys.",
			Example: "forge", Since: version, Effect: settings.Restart,
		}),
	settings.Field("url", settings.Text("URL", "a URL such as https://git.example/platform/mgmt.git"),
		func(r *Remote) *string { return &r.URL }, "",
		settings.About{
			Text: "Where it is: https, ssh, the short form user@host:path, or a directory. Where many clusters share it, the part of this " +
				"one follows after a #, as in https://git.example/fleet.git#clusters/eu-1.",
			Example: "https://git.example/platform/mgmt.git", Since: version, Effect: settings.Restart, Required: true,
		}),
	settings.Field("allowPlaintext", settings.Switch(), func(r *Remote) *bool { return &r.AllowPlaintext }, false,
		settings.About{
			Text:    "Accept http:// to another machine. Anyone on the way can read and change everything.",
			Example: "true", Since: version, Effect: settings.Restart,
		}),
)

var remotesRow = settings.Elements("remotes", settings.ListOf(remoteTable, func(r Remote) string { return r.Name }),
	func(r *Repository) *[]Remote { return &r.Remotes },
	settings.About{
		Text: "Where copies of the repository are. They are added to the remotes of the working copy. A directory that is empty is cloned " +
			"from the one with the newest history, and one that is not is brought up to date.",
		Without: "the remotes that the working copy has, and none if it has to be made",
		Example: "[{name: forge, url: \"https://git.example/platform/mgmt.git\"}]", Since: version, Effect: settings.Restart,
	})

// remoteName keeps names usable in refs and in file names.
var remoteName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$`)

// brokenRemotes is what is wrong with the remotes, as far as text can be: who speaks to them reads the URLs.
func brokenRemotes(c Configuration) (problem, hint string) {
	for _, r := range c.Repository.Remotes {
		if !remoteName.MatchString(r.Name) {
			return fmt.Sprintf("%q cannot be the name of a remote", r.Name), "use letters, digits, dots, dashes and underscores"
		}
		u, err := url.Parse(r.URL)
		if err != nil || strings.ContainsAny(r.URL, " \t\n") {
			if !strings.Contains(r.URL, "://") && !strings.ContainsAny(r.URL, " \t\n") {
				continue // user@host:path
			}
			return fmt.Sprintf("the URL of the remote %s cannot be read", r.Name), "for example https://git.example/platform/mgmt.git"
		}
		if _, secret := u.User.Password(); secret {
			return fmt.Sprintf("the URL of the remote %s holds a password", r.Name),
				"leave it out, and put it into the file password in remotes/" + r.Name + " of the keys"
		}
	}
	return "", ""
}
