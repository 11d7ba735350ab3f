//go:build integration

package testdb

import (
	"context"
	"testing"
)

func TestServersStart(t *testing.T) {
	for name, start := range map[string]func(context.Context) (*Server, error){"postgres": StartPostgres, "mariadb": StartMariaDB} {
		t.Run(name, func(t *testing.T) {
			s, err := start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Stop()
			t.Log(s.NewDatabase(t))
		})
	}
}
