//go:build unix

package main

import "time"

// epilogue sums up: how long everything took, where things lie, how to look
// around.
func (s *stage) epilogue() {
	s.say("\n%s", s.paint(bold, "Done. Every step went as told."))
	s.say("")
	var total time.Duration
	for _, t := range s.timings {
		total += t.took
		s.say("  %-64s %8s", t.title, t.took.Round(100*time.Millisecond))
	}
	s.say("  %-64s %8s", "together", total.Round(100*time.Millisecond))

	s.say("\n%s", s.paint(bold, "Where things lie"))
	for _, place := range []struct{ name, what string }{
		{repoName, "the repository: history of the old cluster and its restore points"},
		{"checkout", "a clone of it, to browse"},
		{keysName, "its keys; identity.txt decrypts the Secrets"},
		{newRepoName, "the repository of the new cluster"},
		{secondReport, "what the second restore reported"},
	} {
		s.say("  %-24s %s", place.name, place.what)
	}
	s.say("\n%s", s.paint(bold, "To look around"))
	s.command("cd " + s.dir)
	s.command("export APPBUR_KEYS=$PWD/" + keysName + " PATH=" + s.bin + ":$PATH")
	s.command("git -C checkout log --stat")
	s.command("appbur points show " + point + " --repo " + repoName)
	if s.keep {
		s.command("kubectl --kubeconfig " + oldConfig + " get clusters,machines -A")
		s.command("kubectl --kubeconfig " + newConfig + " get clusters,machines -A")
		return
	}
	s.say("The clusters are stopped. `bin/demo -keep` leaves them running.")
}
