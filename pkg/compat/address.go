package compat

import (
	"fmt"
	"net/netip"
	"strings"
)

// coreAddresses writes the addresses of Services and Endpoints canonically.
func coreAddresses(e *edit) {
	spec := mapAt(e.object, "spec")
	if stringAt(spec, "clusterIP") != "None" {
		addressField(e, spec, "spec", "clusterIP")
		addressList(e, listAt(spec, "clusterIPs"), "spec.clusterIPs", canonicalIP)
	}
	addressList(e, listAt(spec, "externalIPs"), "spec.externalIPs", canonicalIP)
	addressList(e, listAt(spec, "loadBalancerSourceRanges"), "spec.loadBalancerSourceRanges", canonicalCIDR)
	eachMap(listAt(e.object, "subsets"), "subsets", func(subset map[string]any, path string) {
		for _, field := range []string{"addresses", "notReadyAddresses"} {
			eachMap(listAt(subset, field), join(path, field), func(address map[string]any, path string) {
				addressField(e, address, path, "ip")
			})
		}
	})
}

func policyAddresses(e *edit) {
	for _, side := range []struct{ direction, peer string }{{"ingress", "from"}, {"egress", "to"}} {
		direction, peer := side.direction, side.peer
		eachMap(listAt(e.object, "spec", direction), "spec."+direction, func(rule map[string]any, path string) {
			eachMap(listAt(rule, peer), join(path, peer), func(p map[string]any, path string) {
				block := mapAt(p, "ipBlock")
				if cidr, ok := canonicalCIDR(stringAt(block, "cidr")); ok {
					e.changed(path+".ipBlock.cidr", fmt.Sprintf("%s became %s", block["cidr"], cidr))
					block["cidr"] = cidr
				}
				addressList(e, listAt(block, "except"), path+".ipBlock.except", canonicalCIDR)
			})
		})
	}
}

func sliceAddresses(e *edit) {
	if stringAt(e.object, "addressType") == "FQDN" {
		return
	}
	eachMap(listAt(e.object, "endpoints"), "endpoints", func(endpoint map[string]any, path string) {
		addressList(e, listAt(endpoint, "addresses"), path+".addresses", canonicalIP)
	})
}

// podAddresses writes name servers and host aliases canonically.
func podAddresses(e *edit) {
	eachPod(e, func(p pod) {
		addressList(e, listAt(p.spec, "dnsConfig", "nameservers"), p.specPath+".dnsConfig.nameservers", canonicalIP)
		eachMap(listAt(p.spec, "hostAliases"), p.specPath+".hostAliases", func(alias map[string]any, path string) {
			addressField(e, alias, path, "ip")
		})
	})
}

func addressField(e *edit, m map[string]any, path, key string) {
	if address, ok := canonicalIP(stringAt(m, key)); ok {
		e.changed(join(path, key), fmt.Sprintf("%s became %s", m[key], address))
		m[key] = address
	}
}

func addressList(e *edit, list []any, path string, canonical func(string) (string, bool)) {
	for i, item := range list {
		text, _ := item.(string)
		if address, ok := canonical(text); ok {
			e.changed(fmt.Sprintf("%s[%d]", path, i), fmt.Sprintf("%s became %s", text, address))
			list[i] = address
		}
	}
}

// canonicalIP returns how servers since 1.36 want an address that older ones
// tolerated: no leading zeros, no IPv4 inside IPv6. It reports false for
// addresses that are fine, and for text that is no address.
func canonicalIP(text string) (string, bool) {
	addr, err := netip.ParseAddr(withoutLeadingZeros(text))
	if err != nil || addr.Zone() != "" {
		return "", false
	}
	if canonical := addr.Unmap().String(); addr.Is4In6() || text != withoutLeadingZeros(text) {
		return canonical, true
	}
	return "", false
}

// canonicalCIDR does the same for ranges, whose bits below the prefix must be
// zero. Servers always ignored those bits.
func canonicalCIDR(text string) (string, bool) {
	host, length, ok := strings.Cut(text, "/")
	if !ok {
		return "", false
	}
	clean := withoutLeadingZeros(host) + "/" + trimZeros(length)
	prefix, err := netip.ParsePrefix(clean)
	if err != nil {
		return "", false
	}
	if prefix.Addr().Is4In6() {
		if prefix.Bits() < 96 {
			return "", false
		}
		prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
	} else if clean == text && prefix.Masked() == prefix {
		return "", false
	}
	return prefix.Masked().String(), true
}

// withoutLeadingZeros reads "010.1.2.3" as ten, as Kubernetes always did. IPv6
// groups keep theirs, where they are harmless.
func withoutLeadingZeros(text string) string {
	parts := strings.Split(text, ".")
	if len(parts) != 4 {
		return text
	}
	prefix := ""
	if i := strings.LastIndex(parts[0], ":"); i >= 0 {
		prefix, parts[0] = parts[0][:i+1], parts[0][i+1:]
	}
	for i, part := range parts {
		parts[i] = trimZeros(part)
	}
	return prefix + strings.Join(parts, ".")
}

func trimZeros(digits string) string {
	if trimmed := strings.TrimLeft(digits, "0"); trimmed != "" || digits == "" {
		return trimmed
	}
	return "0"
}
