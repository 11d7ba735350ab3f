package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
)

// sbomMediaType is that of CycloneDX documents in JSON.
const sbomMediaType = "application/vnd.cyclonedx+json"

// certificatesModule is where [certificates] come from. It is in the image, but not in the binary.
const certificatesModule = "golang.org/x/crypto/x509roots/fallback"

// sbom lists what a binary was made of, by what the linker wrote into it, and not by go.mod: only modules whose code is
// really there. Certificates are the version of the module that this program was linked with.
func sbom(about About, binary []byte, certificates debug.Module) ([]byte, error) {
	info, err := buildinfo.Read(bytes.NewReader(binary))
	if err != nil {
		return nil, fmt.Errorf("read how the binary was built: %w", err)
	}

	sum := sha256.Sum256(binary)
	program := cyclonedx.Component{
		BOMRef: "appbur", Type: cyclonedx.ComponentTypeApplication, Name: "appbur", Version: about.Version,
		PackageURL: "pkg:golang/" + info.Main.Path + "@" + about.Version,
		Hashes:     &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}},
		Properties: settings(info.Settings),
	}
	components := []cyclonedx.Component{{
		BOMRef: "std", Type: cyclonedx.ComponentTypeLibrary, Name: "std", Version: info.GoVersion,
		PackageURL: "pkg:golang/std@" + info.GoVersion,
	}}
	for _, m := range info.Deps {
		components = append(components, component(*m, cyclonedx.ComponentTypeLibrary))
	}
	needed := []string{}
	for _, c := range components {
		needed = append(needed, c.BOMRef)
	}
	components = append(components, component(certificates, cyclonedx.ComponentTypeData))

	bom := cyclonedx.NewBOM()
	bom.SerialNumber = serialNumber(sum)
	bom.Metadata = &cyclonedx.Metadata{Timestamp: about.Created.UTC().Format(time.RFC3339), Component: &program}
	bom.Components = &components
	bom.Dependencies = &[]cyclonedx.Dependency{{Ref: program.BOMRef, Dependencies: &needed}}

	var out bytes.Buffer
	encoder := cyclonedx.NewBOMEncoder(&out, cyclonedx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false)
	if err := encoder.EncodeVersion(bom, cyclonedx.SpecVersion1_6); err != nil { // what scanners read
		return nil, err
	}
	return out.Bytes(), nil
}

func component(m debug.Module, kind cyclonedx.ComponentType) cyclonedx.Component {
	if m.Replace != nil {
		m = *m.Replace
	}
	url := "pkg:golang/" + m.Path + "@" + strings.ReplaceAll(m.Version, "+", "%2B")
	out := cyclonedx.Component{BOMRef: url, Type: kind, Name: m.Path, Version: m.Version, PackageURL: url}
	if m.Sum != "" {
		out.Properties = &[]cyclonedx.Property{{Name: "go.sum", Value: m.Sum}}
	}
	return out
}

func settings(all []debug.BuildSetting) *[]cyclonedx.Property {
	var out []cyclonedx.Property
	for _, s := range all {
		out = append(out, cyclonedx.Property{Name: "go.build." + s.Key, Value: s.Value})
	}
	return &out
}

// serialNumber is a UUID of version 8 (RFC 9562: of the maker's own making). A random one would differ in each build.
func serialNumber(sum [sha256.Size]byte) string {
	u := sum[:16]
	u[6] = u[6]&0x0f | 0x80
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// linkedModule is the version of a module that this program has.
func linkedModule(path string) (debug.Module, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return debug.Module{}, fmt.Errorf("this program does not know how it was built")
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return *m, nil
		}
	}
	return debug.Module{}, fmt.Errorf("module %s is not in this program", path)
}
