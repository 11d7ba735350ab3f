//go:build integration

package recipes

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// redis starts a Redis with a password, which the recipe gets as Bitnami's chart
// gives it.
func redis(t *testing.T) place {
	t.Helper()
	dir := home(t, nil)
	socket := filepath.Join(dir, "s")
	unpacked := filepath.Join(unpackedDir(t), "usr")
	at := place{
		"PATH": filepath.Join(dir, "bin") + ":" + filepath.Join(unpacked, "bin"), "REDIS_PASSWORD": "of the chart", "HOME": dir,
		"LD_LIBRARY_PATH": filepath.Join(unpacked, "lib", "x86_64-linux-gnu"),
	}
	server := at.client(t, dir, "redis-cli", "-s", socket)
	server.serve(t, nil, dir, func(ctx context.Context) error {
		out, err := at.try(ctx, "PING\n", "redis-cli", "--no-auth-warning", "-a", at["REDIS_PASSWORD"])
		if err == nil && !strings.Contains(out, "PONG") {
			err = errors.New(out)
		}
		return err
	}, "redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--requirepass", at["REDIS_PASSWORD"], "--dir", dir)
	return at
}

// TestRedis saves keys of every type, and finds them again where other keys were.
func TestRedis(t *testing.T) {
	from, to := redis(t), redis(t)
	from.redis(t, `
		SET greeting "Grüße \"there\" \\ \x00\x01\xff\r\n$HOME 'quoted'"
		SET empty ""
		SET session gone PXAT 4102444800123
		SET over already PX 1
		RPUSH list b a b "two words"
		SADD set z a m
		HSET hash name Ada "born in" London
		ZADD scores 1.1 one -inf low 0.1 tenth 17e300 huge
		XADD events 1-1 what started who Ada
		XADD events 1-2 what ended who Bo
		XADD events 5-0 what dropped
		XDEL events 5-0
		XGROUP CREATE events readers 1-1
		XGROUP CREATE drained nobody $ MKSTREAM
		SETBIT bits 9 1
		SELECT 3
		SET "in another" database
	`+strings.Repeat("RPUSH long 0123456789\n", 450))
	to.redis(t, "SET foreign row\nSELECT 5\nSET foreign too\nSELECT 3\nSET foreign three\n")
	saved := export(t, open(t, "redis", from))

	a := open(t, "redis", to)
	text := saved["keys"]
	refused(t, a, "keys", "cut off", text[:len(text)/2])
	refused(t, a, "keys", "a command that is none", strings.Replace(text, "RPUSH", "RSHOVE", 1))
	refused(t, a, "keys", "an open quote", strings.Replace(text, `SET "empty" ""`, `SET "empty" "`, 1))

	// The server refuses the transaction for a reason that no check can know before.
	before := exportOnce(t, a)
	to.redis(t, "CONFIG SET maxmemory 1")
	if err := load(t, a, saved); err == nil {
		t.Error("an import into a full server succeeded")
	}
	to.redis(t, "CONFIG SET maxmemory 0")
	same(t, before, exportOnce(t, a))

	if err := load(t, a, saved); err != nil {
		t.Fatal(err)
	}
	same(t, saved, export(t, a))
	if out := to.redis(t, "GET foreign\nSELECT 5\nGET foreign\nSELECT 0\nXPENDING events readers\n"); strings.Contains(out, "row") {
		t.Errorf("what was there before is still there: %s", out)
	}
}

// redis says commands to the server.
func (p place) redis(t *testing.T, commands string) string {
	t.Helper()
	out := p.say(t, "AUTH \""+p["REDIS_PASSWORD"]+"\"\n"+strings.ReplaceAll(strings.TrimSpace(commands), "\t", "")+"\n", "redis-cli")
	if strings.Contains(out, "ERR") {
		t.Fatal(out)
	}
	return out
}
