// Package pointrequest asks the daemon that leads for a restore point, through annotations on its Lease: who may change that
// Lease may ask, and nobody else.
//
// The usual way in, for who asks and for who is asked:
//
//	answer, err := (&Asker{Leases: leases, Name: name, ...}).Ask(ctx)
//
//	desk := NewDesk(options)
//	elector.Observe(desk.See)
//	desk.Run(ctx)
//
// A request is an annotation with a name of its own, [RequestPrefix] and random digits, so that many can ask at once. Its
// answer is the annotation with [AnswerPrefix] and the same digits.
//
// # Promises
//
//   - A request has one answer, and only the process that holds the Lease writes it: in one step it takes the
//     request away. A request that a leader did not answer before it ended is answered by the next one.
//   - Who asks hears within the time limit what became of it, and takes a request back that nobody
//     answered. Whether somebody leads is judged by changes of the Lease, and not by anybody's clock.
//
// # Refusals
//
// The package does not know how a restore point is made. A leader that dies between a point and its
// answer leaves a point that nobody was told of; the next one makes another one.
package pointrequest
