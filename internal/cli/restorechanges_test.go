package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/restore"
)

// A report names what was created and configured: each object while they are few, each
// kind with its number when they are many. Nothing is left out.
func TestReportsNameWhatWasChanged(t *testing.T) {
	outcomes := []restore.Outcome{
		{Object: appbur.ObjectID{Kind: "Namespace", Name: "team"}, Result: restore.Configured},
		{Object: appbur.ObjectID{Kind: "Secret", Namespace: "team", Name: "same"}, Result: restore.Unchanged},
	}
	for i := range 25 {
		outcomes = append(outcomes, restore.Outcome{
			Object: appbur.ObjectID{Kind: "ConfigMap", Namespace: "team", Name: fmt.Sprint("c", i)}, Result: restore.Created,
		})
	}
	outcomes = append(outcomes, restore.Outcome{
		Object: appbur.ObjectID{Group: "apps", Kind: "Deployment", Namespace: "team", Name: "web"}, Result: restore.Created,
	})

	var got []string
	list := &table{}
	addChanges(list, outcomes)
	for _, row := range list.rows {
		got = append(got, row[0].text+" "+row[1].text+" "+row[2].text)
	}
	want := []string{
		"created ConfigMap: 25 " + appbur.Shortlist(names(25), shownNames),
		"created Deployment.apps: 1 team/web",
		"configured Namespace/team ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func names(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprint("team/c", i))
	}
	return list
}
