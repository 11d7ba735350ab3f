package cli

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps/services"
)

// savedApps are the states of applications that are named as NAMESPACE/NAME.
func savedApps(names ...string) (saved []appbur.AppState) {
	for _, name := range names {
		namespace, short, _ := strings.Cut(name, "/")
		saved = append(saved, appbur.AppState{AppKey: appbur.AppKey{Namespace: namespace, Name: short}})
	}
	return saved
}

func mapping(t *testing.T, pairs ...string) rewriteOptions {
	t.Helper()
	o := rewriteOptions{namespaces: pairs}
	if err := o.read(); err != nil {
		t.Fatal(err)
	}
	return o
}

// The rights that finding needs are asked for where the applications are looked for, each once.
func TestFindingAsksForItsRights(t *testing.T) {
	saved := savedApps("shop/db", "shop/orders", "auth/users")
	if rights := (&findOptions{}).rights(saved, mapping(t)); len(rights) > 0 {
		t.Errorf("without being asked: %v", rights)
	}
	var got []string
	for _, right := range (&findOptions{find: true}).rights(saved, mapping(t, "shop=copy")) {
		got = append(got, right.String())
	}
	want := []string{
		"list services in copy", "list endpointslices.discovery.k8s.io in copy",
		"list services in auth", "list endpointslices.discovery.k8s.io in auth",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q; want %q", got, want)
	}
}

// Where two namespaces become one, an application of each has the same Service: neither is found.
func TestNoApplicationIsFoundAsAnother(t *testing.T) {
	o := findOptions{find: true}
	finder, err := o.finder(&rest.Config{Host: "https://127.0.0.1:1"}, savedApps("a/db", "b/db", "b/web"), mapping(t, "a=b"))
	if err != nil {
		t.Fatal(err)
	}
	for _, app := range savedApps("a/db", "b/db") {
		_, once := finder.Find(t.Context(), app.AppKey)
		_, waiting := finder.Locate(t.Context(), app.AppKey)
		if !errors.Is(once, services.ErrAmbiguous) || !errors.Is(waiting, services.ErrAmbiguous) {
			t.Errorf("%s: %v, %v", app.AppKey, once, waiting)
		}
	}
	if err := finder.own(savedApps("b/web")[0].AppKey); err != nil {
		t.Errorf("an application of its own: %v", err)
	}
}

func TestNoTimeIsNoTimeToWait(t *testing.T) {
	for wait, good := range map[time.Duration]bool{time.Second: true, 0: false, -time.Second: false} {
		if err := checkAppWait(wait); (err == nil) != good {
			t.Errorf("%s: %v", wait, err)
		}
	}
}
