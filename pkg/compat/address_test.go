package compat

import "testing"

func TestCanonicalAddresses(t *testing.T) {
	t.Parallel()
	ips := map[string]string{
		"10.0.0.1": "", "010.000.0.01": "10.0.0.1", "::ffff:10.0.0.1": "10.0.0.1", "::ffff:010.0.0.1": "10.0.0.1",
		"2001:DB8::1": "", "fe80::1%eth0": "", "example.com": "", "": "", "300.1.1.1": "", "None": "",
	}
	for in, want := range ips {
		if got, _ := canonicalIP(in); got != want {
			t.Errorf("canonicalIP(%q) = %q, want %q", in, got, want)
		}
	}

	cidrs := map[string]string{
		"10.0.0.0/8": "", "10.1.2.3/8": "10.0.0.0/8", "010.0.0.0/08": "10.0.0.0/8", "2001:db8::1/32": "2001:db8::/32",
		"::ffff:10.0.0.0/104": "10.0.0.0/8", "::ffff:10.0.0.0/64": "", "10.0.0.0": "", "x/8": "", "0.0.0.0/0": "", "10.0.0.0/00": "0.0.0.0/0",
	}
	for in, want := range cidrs {
		if got, _ := canonicalCIDR(in); got != want {
			t.Errorf("canonicalCIDR(%q) = %q, want %q", in, got, want)
		}
	}
}
