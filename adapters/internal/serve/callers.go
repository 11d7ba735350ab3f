package serve

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/pkg/contract"
)

// callers says who may export and who may import. While no caller is named, every caller may
// do both who can connect.
type callers struct {
	names  map[string][]contract.Right
	tokens []tokenFile
}

// tokenFile is a file whose content is a token, and the right of who shows it.
type tokenFile struct {
	file  string
	right contract.Right
}

// add makes the flags. Each may come several times.
func (c *callers) add(set *flag.FlagSet) {
	c.names = map[string][]contract.Right{}
	for _, of := range []struct {
		right contract.Right
		does  string
	}{{contract.RightExport, "export"}, {contract.RightImport, "import"}} {
		set.Func(of.does+"-name",
			"`name` of a client certificate that may "+of.does+": a URI such as spiffe://example.com/backup, or a DNS name; may be repeated",
			func(name string) error {
				c.names[name] = append(c.names[name], of.right)
				return nil
			})
		set.Func(of.does+"-token", "`file` with a token of at least 22 characters, whose holder may "+of.does+"; may be repeated",
			func(file string) error {
				c.tokens = append(c.tokens, tokenFile{file, of.right})
				return nil
			})
	}
}

func (c *callers) byToken() bool { return len(c.tokens) > 0 }

// guard returns nil while no caller is named.
func (c *callers) guard(certificates bool) (contract.Guard, error) {
	var guards []contract.Guard
	if len(c.names) > 0 {
		if !certificates {
			return nil, appbur.WithHint(errors.New("names of certificates are given, and no CA that signs them"),
				"give --client-ca with --export-name and --import-name")
		}
		byName, err := contract.AllowCertificates(c.names)
		if err != nil {
			return nil, appbur.WithHint(err, "--export-name and --import-name take a URI or a DNS name of a client certificate")
		}
		guards = append(guards, byName)
	}

	byToken, err := c.readTokens()
	if err != nil {
		return nil, err
	}
	if byToken != nil {
		guards = append(guards, byToken)
	}
	if len(guards) == 0 {
		return nil, nil
	}
	return contract.FirstGuard(guards...), nil
}

// readTokens reads each file. A token that two files hold has the rights of both.
func (c *callers) readTokens() (contract.Guard, error) {
	var grants []contract.TokenGrant
	at := map[contract.Token]int{}

	for _, of := range c.tokens {
		data, err := os.ReadFile(of.file)
		if err != nil {
			return nil, appbur.WithHint(fmt.Errorf("reading a token: %w", err), "--export-token and --import-token take a file that holds a token")
		}
		token := contract.Token(strings.TrimSpace(string(data)))
		if i, ok := at[token]; ok {
			grants[i].Rights = append(grants[i].Rights, of.right)
			continue
		}
		at[token] = len(grants)
		grants = append(grants, contract.TokenGrant{Name: of.file, Token: token, Rights: []contract.Right{of.right}})
	}

	if len(grants) == 0 {
		return nil, nil
	}
	guard, err := contract.AllowTokens(grants...)
	if err != nil {
		return nil, appbur.WithHint(err, "make one with: openssl rand -base64 24 > FILE")
	}
	return guard, nil
}
