// Package services finds applications in a cluster by their Services.
//
// A Service with the label [LabelApp] leads to the application NAMESPACE/NAME, where NAMESPACE
// is that of the Service and NAME the value of the label. Annotations say the rest: the port
// ([AnnotationPort]), the name in the certificate ([AnnotationServerName]) and the authority that
// signed it ([AnnotationCA]). They say no address: a restore brings Services back, also to another
// cluster, and an address among them would lead to the application in the old one.
//
// The usual way in is a [Finder]: Find looks once and says what is there, Locate waits.
//
// # Promises
//
//   - Only the application that was named is found: its namespace and its name have to match.
//     Two Services for one application are an error, never a choice.
//   - Only pods of the cluster are found: endpoints that somebody wrote by hand may be of another
//     one, since a restore brings those back as well.
//   - One ready endpoint is named, and a call stays with it: an export or an import that two
//     replicas answer in turns would mix their states.
//   - Every reason why an application is not found is an error of its own, with what to do.
//
// # Refusals
//
// The package opens no connection to an application, and writes nothing to the cluster.
package services
