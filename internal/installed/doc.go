// Package installed tests what `kubectl apply -k deploy/` installs as a whole, on real pods: two replicas of the image, an
// application that is found by its label, a Git server in the cluster, a second cluster that is rebuilt from that server
// alone, keys that are rotated, and a disk that is full.
//
// It has tests only. The machinery below it is [github.com/appbur/appbur/internal/testnode].
package installed
