package services_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps/services"
)

func TestAServiceSaysWhatItsApplicationWaitsFor(t *testing.T) {
	key := func(namespace, name string) appbur.AppKey { return appbur.AppKey{Namespace: namespace, Name: name} }
	for text, want := range map[string][]appbur.AppKey{
		"db":               {key("shop", "db")},
		"db, users":        {key("shop", "db"), key("shop", "users")},
		"auth/users , db":  {key("auth", "users"), key("shop", "db")},
		"":                 nil,
		",":                nil,
		"a/b/c":            nil,
		"/db":              nil,
		"db/":              nil,
		"two words":        nil,
		"db,two words":     nil,
		"db, auth/two two": nil,
	} {
		labels, annotations := map[string]string{services.LabelApp: "orders"}, map[string]string{services.AnnotationAfter: text}
		app, after, ok, err := services.After("shop", labels, annotations)
		if !ok || app != orders || (err == nil) != (want != nil) {
			t.Errorf("%q: %v, %v, %v", text, app, ok, err)
		}
		if diff := cmp.Diff(want, after); want != nil && diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}

	if _, _, ok, err := services.After("shop", nil, map[string]string{services.AnnotationAfter: "/"}); ok || err != nil {
		t.Errorf("a Service of no application: %v, %v", ok, err)
	}
}
