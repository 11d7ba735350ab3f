package contract

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/metadata"
)

func withAuthorization(values ...string) context.Context {
	return metadata.NewIncomingContext(context.Background(), metadata.MD{"authorization": values})
}

func TestBearer(t *testing.T) {
	for _, test := range []struct {
		values []string
		want   Token
	}{
		{[]string{"Bearer abc"}, "abc"},
		{[]string{"bearer  abc "}, "abc"},
		{[]string{"Basic abc"}, ""},
		{[]string{"abc"}, ""},
		{[]string{"Bearer"}, ""},
		{[]string{"Bearer "}, ""},
		{[]string{"Bearer abc", "Bearer def"}, ""},
		{nil, ""},
	} {
		if got := bearer(withAuthorization(test.values...)); got != test.want {
			t.Errorf("%q gives %q", test.values, string(got))
		}
	}

	// Whoever did not come over TLS or a unix socket has shown nothing.
	if c := shown(withAuthorization("Bearer abc")); c.Token != "" {
		t.Error("an unknown token is looked at")
	}
}

func FuzzBearer(f *testing.F) {
	f.Add("Bearer abc")
	f.Add("bearer\tabc")
	f.Fuzz(func(t *testing.T, value string) {
		token := bearer(withAuthorization(value))
		if token != "" && (!strings.HasSuffix(strings.TrimSpace(value), string(token)) || len(value) < len("bearer ")+len(token)) {
			t.Errorf("%q gives %q", value, string(token))
		}
	})
}
