package rewrite

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

func isNodePort(path string) bool {
	return path == "spec.healthCheckNodePort" || strings.HasPrefix(path, "spec.ports[") && strings.HasSuffix(path, "].nodePort")
}

func isAddress(path string) bool { return path == "spec.clusterIP" || path == "spec.clusterIPs" }

const ruleAssigned = "assigned"

// bring puts values of a Service back that the index keeps.
func (c *changing) bring(p assigning, meant func(path string) bool, why string) error {
	if c.ID.GroupKind() != kindService {
		return nil
	}
	fields := p.index[c.ID].Fields
	for _, path := range slices.Sorted(maps.Keys(fields)) {
		if !meant(path) {
			continue
		}
		var value any
		if err := json.Unmarshal(fields[path], &value); err != nil {
			return fmt.Errorf("index field %s: %w", path, err)
		}
		if number, ok := value.(float64); ok {
			value = int64(number) // a port
		}
		if c.put(path, value) {
			c.note(ruleAssigned, path, fmt.Sprintf("%v comes back: %s", value, why))
		}
	}
	return nil
}

// put sets a field of the spec of a Service, of one port where the path says which.
func (c *changing) put(path string, value any) bool {
	spec, _ := c.Content["spec"].(map[string]any)
	if spec == nil {
		return false
	}
	spec = maps.Clone(spec)
	inner, isPort := strings.CutPrefix(path, "spec.ports[")
	if !isPort {
		spec[strings.TrimPrefix(path, "spec.")] = value
	} else {
		position, _, _ := strings.Cut(inner, "]")
		i, err := strconv.Atoi(position)
		ports, _ := spec["ports"].([]any)
		if err != nil || i < 0 || i >= len(ports) {
			return false
		}
		port, _ := ports[i].(map[string]any)
		if port == nil {
			return false
		}
		ports, port = slices.Clone(ports), maps.Clone(port)
		port["nodePort"], ports[i], spec["ports"] = value, port, ports
	}

	c.Content = maps.Clone(c.Content)
	c.Content["spec"] = spec
	return true
}

// take removes a field of the spec of a Service, and one of each of its ports.
func (c *changing) take(field, ofPorts, why string) {
	spec, _ := c.Content["spec"].(map[string]any)
	if c.ID.GroupKind() != kindService || spec == nil {
		return
	}
	name := strings.TrimPrefix(field, "spec.")
	if spec[name] != nil {
		c.dropFromSpec(name, why)
		spec, _ = c.Content["spec"].(map[string]any)
	}

	key := strings.TrimPrefix(ofPorts, "ports[].")
	ports, _ := spec["ports"].([]any)
	ports = slices.Clone(ports)
	taken := false
	for i := range ports {
		port, _ := ports[i].(map[string]any)
		if port[key] == nil {
			continue
		}
		c.note(ruleAssigned, fmt.Sprintf("spec.ports[%d].%s", i, key), fmt.Sprintf("%v is left out: %s", port[key], why))
		port = maps.Clone(port)
		delete(port, key)
		ports[i], taken = port, true
	}
	if taken {
		spec = maps.Clone(spec)
		spec["ports"] = ports
		c.Content = maps.Clone(c.Content)
		c.Content["spec"] = spec
	}
}

func (c *changing) dropFromSpec(key, why string) {
	spec, _ := c.Content["spec"].(map[string]any)
	if spec[key] == nil {
		return
	}
	c.note(ruleAssigned, "spec."+key, fmt.Sprintf("%v is left out: %s", spec[key], why))
	spec = maps.Clone(spec)
	delete(spec, key)
	c.Content = maps.Clone(c.Content)
	c.Content["spec"] = spec
}

func reassignAddresses(c *changing, _ assigning) (bool, error) {
	if c.ID.GroupKind() != kindService || text(c.Content, "spec", "clusterIP") == "None" {
		return true, nil
	}
	for _, key := range []string{"clusterIP", "clusterIPs", "loadBalancerIP"} {
		c.dropFromSpec(key, "the target chooses one")
	}
	return true, nil
}
