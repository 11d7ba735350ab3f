// Package testdb starts real database servers for the tests of the adapters.
//
// A test package starts one server in TestMain and asks it for an empty database
// per test:
//
//	var server *testdb.Server
//
//	func TestMain(m *testing.M) {
//		os.Exit(testdb.Main(m, testdb.StartPostgres, &server))
//	}
//
//	func TestX(t *testing.T) { dsn := server.NewDatabase(t) … }
//
// # Promises
//
// Every server has its own data directory and listens on a unix socket only, so
// it never meets the server that the distribution may have started. The server
// dies with the test process, however that ends (Pdeathsig), and its data
// directory is removed after a normal end. Missing programs are an error that
// names the packages to install; nothing is skipped.
package testdb
