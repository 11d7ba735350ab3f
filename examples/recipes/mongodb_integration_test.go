//go:build integration

package recipes

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// mongodb starts FerretDB, which speaks MongoDB's protocol to MongoDB's shell.
func mongodb(t *testing.T) place {
	t.Helper()
	dir, address := home(t, nil), freeAddress(t)
	at := place{
		"PATH": filepath.Join(dir, "bin") + ":" + filepath.Join(unpackedDir(t), "mongosh", "node_modules", ".bin") + ":" +
			filepath.Join(unpackedDir(t), "go"),
		"HOME": dir, "MONGO_URL": "mongodb://" + address,
	}
	// The recipe asks the server's program for its version.
	at.client(t, dir, "ferretdb").stand(t, dir, "mongod", "echo db version v7.0.42")
	at.client(t, dir, "mongosh")
	at.serve(t, nil, dir, func(ctx context.Context) error {
		_, err := at.try(ctx, "", "mongosh", "--quiet", "--norc", at["MONGO_URL"], "--eval", "db.hello()")
		return err
	}, "ferretdb", address, dir)
	return at
}

func (p place) mongo(t *testing.T, script string) string {
	t.Helper()
	return p.say(t, "", "mongosh", "--quiet", "--norc", p["MONGO_URL"]+"/shop", "--eval", script)
}

// TestMongoDB moves documents, whose numbers keep their types, into a server that holds others.
func TestMongoDB(t *testing.T) {
	from, to := mongodb(t), mongodb(t)
	from.mongo(t, `
		db.orders.insertMany([
			{_id: 2, half: 1.5, long: Long("9007199254740993"), double: Double(1), date: new Date(0), regexp: /x/i, data: BinData(0, "AQID"),
				nested: {z: 1, a: [null, true, {b: 'Grüße\n"quoted" $HOME'}]}},
			{_id: ObjectId("65f000000000000000000001"), half: Int32(1), time: Timestamp(1, 2)}]);
		db.orders.createIndex({half: 1}, {unique: true, name: "by half"});
		db.createCollection("empty"); db.getSiblingDB("other").notes.insertOne({_id: "x"})`)
	to.mongo(t, `
		db.orders.insertOne({_id: 99}); db.orders.createIndex({foreign: 1}); db.foreign.insertOne({_id: 1});
		db.getSiblingDB("foreign").notes.insertOne({_id: 1})`)

	saved := export(t, open(t, "mongodb", from))
	a := open(t, "mongodb", to)
	text := saved["documents"]
	refused(t, a, "documents", "with a line missing", strings.Replace(text, `{"document":{"_id":"x"}}`+"\n", "", 1))
	if err := load(t, a, saved); err != nil {
		t.Fatal(err)
	}
	same(t, saved, export(t, a))
	if out := to.mongo(t, "print(EJSON.stringify(db.orders.find({_id: 2}, {}, {promoteLongs: false}).toArray(), {relaxed: false}))"); !strings.Contains(out, "9007199254740993") {
		t.Errorf("the document is %s", out)
	}
}
