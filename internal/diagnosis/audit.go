package diagnosis

// audit is the check of where audit events come from. Without them backups go on, and commits do not say who made a change.
func (f Facts) audit() Check {
	a := f.Daemon.Audit
	c := Check{Name: "audit events", State: OK}
	switch {
	case !a.Configured:
		c.Says = "not configured: commits name programs, not people (docs/who.md)"
	case !f.Daemon.Leader:
		c.Says = "go to the daemon that writes"
	case a.Silent:
		c.State, c.Reason = Warning, AuditSilent
		c.Says = "none for " + Age(f.Now.Sub(a.Last)) + " although the cluster changes: who made a change is not known"
	case a.Last.IsZero() && a.Changes > 0:
		c.State, c.Reason = Warning, AuditNever
		c.Says = "none has ever come, and " + count(a.Changes, "change") + " did: who made them is not known"
	case a.Last.IsZero():
		c.Says = "none has come yet, and no change either"
	default:
		c.Says = "come, the last " + Age(f.Now.Sub(a.Last)) + " ago"
	}
	return c
}
