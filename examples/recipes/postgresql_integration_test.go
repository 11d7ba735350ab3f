//go:build integration

package recipes

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// postgres starts a PostgreSQL of a directory with its programs, and gives what the
// official image has in its environment.
func postgres(t *testing.T, bin string, env ...string) place {
	t.Helper()
	owner := account(t, "postgres", "nobody")
	dir := home(t, owner)
	data := filepath.Join(dir, "data")
	at := place{"PATH": bin, "PGHOST": dir, "POSTGRES_DB": "shop", "HOME": dir, "TZ": "America/New_York"}
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		at[name] = value
	}

	at.become(t, owner, dir, "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	at.serve(t, owner, dir, func(ctx context.Context) error {
		_, err := at.try(ctx, "", "psql", "-XU", "postgres", "-c", "SELECT 1", "postgres")
		return err
	}, "postgres", "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=16MB")
	at.sql(t, "postgres", "CREATE ROLE app LOGIN; CREATE ROLE reader; CREATE DATABASE shop OWNER app")
	return at
}

// older is Debian's PostgreSQL, newer one of npm's packages, which has the server's
// programs only: its pg_dump and psql are the older ones.
func olderPostgres(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump")
	if err != nil || len(found) == 0 {
		t.Fatalf("no PostgreSQL: make packages (%v)", err)
	}
	return filepath.Dir(found[0])
}

func (p place) sql(t *testing.T, database, statements string) string {
	t.Helper()
	return p.say(t, statements, "psql", "-XAtqU", "postgres", "-v", "ON_ERROR_STOP=1", database)
}

const shop = `
	SET ROLE app;
	CREATE EXTENSION citext;
	CREATE TYPE size AS ENUM ('small', 'large');
	CREATE TABLE public.orders (id bigserial PRIMARY KEY, size size NOT NULL DEFAULT 'small', note text, blob bytea,
		at timestamptz DEFAULT '2024-02-29 12:00Z', price numeric CHECK (price >= 0), mail citext UNIQUE);
	CREATE SCHEMA audit;
	CREATE TABLE audit.lines (order_id bigint REFERENCES public.orders, line text) PARTITION BY LIST (line);
	CREATE TABLE audit.lines_rest PARTITION OF audit.lines DEFAULT;
	CREATE VIEW public.large AS SELECT * FROM public.orders WHERE size = 'large';
	CREATE MATERIALIZED VIEW public.counted AS SELECT count(*) FROM public.orders;
	CREATE FUNCTION public.log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		-- Dumped from nowhere
		INSERT INTO audit.lines VALUES (NEW.id, 'written'); RETURN NEW; END $$;
	CREATE TRIGGER log AFTER INSERT ON public.orders FOR EACH ROW EXECUTE FUNCTION public.log();
	INSERT INTO public.orders (note, blob, price, mail) VALUES
		('Grüße', '\x00ff', 0.10, 'A@x'), ('\restrict no', NULL, NULL, NULL), (E'-- Dumped from here\n\\.\nSET x_timeout = 0;', '', 1e3, 'b@x');
	DELETE FROM audit.lines; DELETE FROM public.orders WHERE id = 2;
	REFRESH MATERIALIZED VIEW public.counted;
	GRANT SELECT ON public.orders TO reader;
	CREATE PUBLICATION changes FOR TABLE public.orders;
`

const foreignShop = `
	CREATE TABLE public.orders (id int); INSERT INTO public.orders VALUES (99);
	CREATE TABLE public.foreign_rows AS SELECT 1; CREATE SCHEMA foreign_schema; CREATE EXTENSION hstore SCHEMA foreign_schema;
	CREATE PUBLICATION foreign_changes FOR ALL TABLES;
`

// shopRows is what both versions have to answer alike.
const shopRows = `
	SET TimeZone = 'UTC'; SELECT * FROM public.orders ORDER BY id; SELECT * FROM audit.lines; SELECT * FROM public.counted;
	SELECT nextval('public.orders_id_seq'); SELECT has_table_privilege('reader', 'public.orders', 'SELECT');
	SELECT nspname, nspowner::regrole, nspacl FROM pg_namespace WHERE nspname !~ '^pg_' ORDER BY 1;
	SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace IN ('public'::regnamespace, 'audit'::regnamespace) ORDER BY 1;
	SELECT extname, extnamespace::regnamespace FROM pg_extension ORDER BY 1; SELECT pubname FROM pg_publication;
	SELECT oid FROM pg_largeobject_metadata; INSERT INTO public.orders (size) VALUES ('large'); SELECT id FROM public.large;
	SELECT * FROM audit.lines;
`

// TestPostgreSQL moves a database into another server of the same version that holds
// other things.
func TestPostgreSQL(t *testing.T) {
	bin := olderPostgres(t)
	from, to := postgres(t, bin, "TZ=Asia/Tokyo"), postgres(t, bin)
	from.sql(t, "shop", shop)
	to.sql(t, "shop", foreignShop)
	saved := export(t, open(t, "postgresql", from))

	a := open(t, "postgresql", to)
	text := saved["database"]
	rows := strings.Index(text, "COPY public.orders")
	refused(t, a, "database", "cut off within rows", text[:rows+strings.Index(text[rows:], "\tA@x")])
	refused(t, a, "database", "without its end", text[:strings.LastIndex(text, "SELECT")])
	refused(t, a, "database", "with a price that is none", strings.Replace(text, "0.10", "O.10", 1))
	refused(t, a, "database", "of a role that is not here", strings.ReplaceAll(text, "OWNER TO app", "OWNER TO gone"))
	if left := to.sql(t, "postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'appbur%'"); left != "" {
		t.Errorf("the check left a database: %s", left)
	}
	if err := load(t, a, saved); err != nil {
		t.Fatal(err)
	}
	same(t, saved, export(t, a))
	if was, is := from.sql(t, "shop", shopRows), to.sql(t, "shop", shopRows); was != is {
		t.Errorf("it held\n%s\nand holds\n%s", was, is)
	}

	// What fails in the end, and no check could know, takes everything back.
	before := exportOnce(t, a)
	failing := strings.Replace(text, "SELECT pg_catalog.set_config('appbur", "DO 'BEGIN IF current_database() = ''shop'' THEN RAISE ''full''; END IF; END';\nSELECT pg_catalog.set_config('appbur", 1)
	if err := load(t, a, payloads{"database": failing}); err == nil {
		t.Error("an import that fails at its end succeeded")
	}
	same(t, before, exportOnce(t, a))

	t.Run("Harbor", func(t *testing.T) { testHarbor(t, from, to) })

	from.sql(t, "shop", "SELECT lo_from_bytea(4711, 'large object')")
	notExported(t, open(t, "postgresql", from), "database", "large objects")
}

// testHarbor moves the database that Harbor's has in the same servers; it finds it without variables.
func testHarbor(t *testing.T, from, to place) {
	for _, at := range []place{from, to} {
		at.sql(t, "postgres", "CREATE DATABASE registry")
		at.sql(t, "registry", "CREATE TABLE project (project_id serial PRIMARY KEY, name text UNIQUE)")
	}
	from.sql(t, "registry", "INSERT INTO project (name) VALUES ('library')")
	to.sql(t, "registry", "INSERT INTO project (name) VALUES ('foreign')")

	saved := export(t, open(t, "harbor", from))
	a := open(t, "harbor", to)
	if err := load(t, a, saved); err != nil {
		t.Fatal(err)
	}
	same(t, saved, export(t, a))
	if got := to.sql(t, "registry", "SELECT * FROM project"); got != "1|library\n" {
		t.Errorf("the projects are %q", got)
	}
}

// TestPostgreSQLIntoNewer moves a database of PostgreSQL 15 into 18.
func TestPostgreSQLIntoNewer(t *testing.T) {
	bin := olderPostgres(t)
	// The account of the server may not look into the user's cache directory.
	unpacked := home(t, account(t, "postgres", "nobody"))
	if err := os.CopyFS(unpacked, os.DirFS(filepath.Join(unpackedDir(t), "postgresql"))); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(unpacked, "bin")
	from := postgres(t, bin)
	to := postgres(t, newer+":"+bin)
	from.sql(t, "shop", shop)
	to.sql(t, "shop", foreignShop)
	if v := to.sql(t, "shop", "SHOW server_version"); !strings.HasPrefix(v, "18") {
		t.Errorf("the newer server is %s", v)
	}

	a := open(t, "postgresql", to)
	if err := load(t, a, export(t, open(t, "postgresql", from))); err != nil {
		t.Fatal(err)
	}
	if was, is := from.sql(t, "shop", shopRows), to.sql(t, "shop", shopRows); was != is {
		t.Errorf("it held\n%s\nand holds\n%s", was, is)
	}
}
