// Package heappace has garbage collected by how large a heap is. The runtime lets a heap grow by the
// same share of what is live, whatever that is: a share that keeps a large heap small collects a small
// one all the time, although nobody misses the few megabytes.
package heappace
