//go:build unix

package controlplane

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"k8s.io/client-go/rest"

	"github.com/appbur/appbur"
)

// get asks the API server for a path as the administrator.
func (c *Cluster) get(ctx context.Context, path string) ([]byte, error) {
	config := c.RESTConfig()
	config.Timeout = requestTimeout
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.server()+path, nil)
	if err != nil {
		return nil, err
	}

	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s: %.300s", path, response.Status, body)
	}
	return body, nil
}

// checkVersion refuses a server that calls itself by another version: what
// one release does proves nothing of another.
func (c *Cluster) checkVersion(ctx context.Context) error {
	body, err := c.get(ctx, "/version")
	if err != nil {
		return err
	}
	var info struct {
		GitVersion string `json:"gitVersion"`
	}
	if err := json.Unmarshal(body, &info); err != nil {
		return fmt.Errorf("read /version: %w", err)
	}

	version, err := appbur.ParseKubeVersion(info.GitVersion)
	if err != nil {
		return fmt.Errorf("read /version: %w", err)
	}
	if version != c.options.Version {
		return appbur.WithHint(
			fmt.Errorf("the API server is %s, not %s", info.GitVersion, c.options.Version),
			"look at what the directory of "+c.options.Binaries.APIServer+" holds")
	}
	return nil
}
