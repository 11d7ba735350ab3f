// Package fleetfile reads the list of the clusters of a fleet (docs/fleet.md): where the backup of each is, and
// whom to believe about it. It is pure.
//
// The usual way in is [Parse]. Every entry that is wrong is told at once.
package fleetfile
