package fleetfile

import (
	"slices"
	"strings"
)

// Many reports whether an entry stands for all parts of a remote below a name, and not for one cluster.
func (c Cluster) Many() bool {
	_, _, many := c.below()
	return many
}

// below cuts https://git.example/fleet.git#clusters/* into the URL with its #, and clusters/.
func (c Cluster) below() (url, prefix string, many bool) {
	place, part, shared := strings.Cut(c.Repository, "#")
	prefix, many = strings.CutSuffix(part, "*")
	many = many && shared && isURL(place) && !strings.Contains(place+prefix, "*") && (prefix == "" || strings.HasSuffix(prefix, "/"))
	return place + "#", prefix, many
}

// Whole is the remote that an entry stands for all parts of, with the credentials that are the same for all.
func (c Cluster) Whole() Cluster {
	url, _, _ := c.below()
	c.Repository = strings.TrimSuffix(url, "#")
	for _, field := range []*string{&c.Keys, &c.Credentials} {
		if strings.Contains(*field, "*") {
			*field = ""
		}
	}
	return c
}

// ownName is what the * stands for in a part.
func ownName(part, prefix string) (own string, is bool) {
	own, is = strings.CutPrefix(part, prefix)
	return own, is && own != "" && !strings.Contains(own, "/")
}

// Misses reports whether a part that a remote had is one of this entry, and is not said to be retired.
func (c Cluster) Misses(part string) bool {
	_, prefix, many := c.below()
	own, is := ownName(part, prefix)
	return many && is && !slices.Contains(c.Retired, own)
}

// Each returns a cluster for each part of the remote that the entry stands for. What the * stands for is put into
// the name and in the place of each * in paths and addresses.
func (c Cluster) Each(parts []string) []Cluster {
	url, prefix, many := c.below()
	if !many {
		return []Cluster{c}
	}
	var clusters []Cluster
	for _, part := range parts {
		own, is := ownName(part, prefix)
		if !is {
			continue
		}
		one := c
		one.Name, one.Repository, one.Retired = c.Name+"/"+own, url+part, nil
		for _, field := range []*string{&one.Keys, &one.Trust, &one.Credentials, &one.Config, &one.Daemon} {
			*field = strings.ReplaceAll(*field, "*", own)
		}
		clusters = append(clusters, one)
	}
	return clusters
}
