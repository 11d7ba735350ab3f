// Package schedule says when restore points are due: cron expressions with a time zone,
// spread over the clusters that share a remote.
//
// The usual way in is [New], and [Schedule.Next] for the time after another:
//
//	nightly, err := schedule.New(schedule.Spec{Name: "nightly", Cron: "30 2 * * *", Zone: "Europe/Berlin"}, clusterID)
//	due := !nightly.Next(lastPoint).After(now)
//
// # Promises
//
//   - Expressions mean what they mean in a Kubernetes CronJob, which is parsed by the same
//     library: five fields, or @hourly, @daily, @weekly, @monthly, @yearly and @every LONG.
//   - A time that does not exist, because clocks go forward, is made up for at the moment when they
//     do. One that comes twice, because they go back, is due twice.
//   - Jitter is the same for the same cluster and schedule, so that the time between points stays
//     what the expression says.
//   - What was due while nobody looked is due once, however often it was missed.
//
// # Refusals
//
// The package has no clock and starts nothing. An expression that is never due, a time zone that is not
// known, or a name that no command line could take is an [ErrSpec].
package schedule
