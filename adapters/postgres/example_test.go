package postgres_test

import (
	"os"
	"testing"

	"github.com/appbur/appbur/adapters/internal/tables"
)

func TestExampleConfiguration(t *testing.T) {
	data, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	config, err := tables.ParseConfig(data, func(string) string { return "host=/run/postgresql user=billing dbname=billing" })
	if err != nil {
		t.Fatal(err)
	}
	if len(config.Tables) != 3 || config.Tables[0].Sensitive || !config.Tables[1].Sensitive || !config.Tables[2].Sensitive ||
		config.Tables[2].Dataset != "api-tokens" {
		t.Errorf("%+v", config)
	}
}
