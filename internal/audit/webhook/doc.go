// Package webhook receives audit events from API servers: HTTPS with client certificates, one answer for each batch.
//
//	receiver := webhook.New(intake, webhook.Options{Certificate: "tls.crt", Key: "tls.key", ClientCA: "ca.crt"})
//	err := receiver.Check()           // the files, before anything listens
//	err := receiver.Serve(listener)   // until Close
//
// It promises that a batch which is answered with 200 has been taken in completely, so that an API server, which sends
// again what is not, delivers each event at least once. A batch that there is no room for is refused with 429. Memory is
// bounded by the number of batches at once and the size of one event, not by the size of a batch. Only who has a
// certificate of the given authority, and one of the given names where names are given, is heard. A sender whose
// connection ends because it acknowledges nothing any more is told; a listener of package deadpeer ends it in time.
package webhook
