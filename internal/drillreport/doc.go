// Package drillreport is the report about a drill: what was restored from which restore point into what, what was equal,
// converted and lost, how long it took, and how that compares with earlier drills. It is a document for auditors in three
// forms: JSON, which is what is stored and signed, and Markdown and HTML that are made of it.
//
// Everything in a report comes from clusters, applications and people, so that nothing in it is taken for markup. It
// names objects, fields and datasets, and never holds their values: it is kept in the repository unencrypted.
// It is pure.
package drillreport
