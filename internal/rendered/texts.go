package rendered

import (
	"fmt"
	"strings"

	"github.com/appbur/appbur/pkg/seal"
)

// origin says where the files come from.
func origin(about About) string {
	return fmt.Sprintf("Rendered by appbur from restore point %s for Kubernetes %s.\n", about.Point, about.Target.MinorString())
}

// readme says how the files are applied.
func readme(about About, set Set) string {
	var b strings.Builder
	b.WriteString("# Plain manifests\n\n" + origin(about) + `
Flux and Argo CD apply this directory as it is. With kubectl 1.27 or later apply one phase after the
other: kubectl knows a new kind only once its definition is established.

` + "```sh\n")
	for _, phase := range set.Phases {
		fmt.Fprintf(&b, "kubectl apply --server-side -k %s\n", phase.Directory)
		if strings.HasSuffix(phase.Directory, "-definitions") {
			b.WriteString("kubectl wait --for=condition=Established --timeout=2m crd --all\n")
		}
	}
	b.WriteString("```\n")

	if set.Sealed > 0 {
		b.WriteString(`
Secrets are SOPS files. Flux decrypts them (spec.decryption). For kubectl, and for Argo CD without a
plugin, decrypt them in a copy of this directory:

` + "```sh\nexport SOPS_AGE_KEY_FILE=identity.txt\n" +
			`grep -rlZ '^sops:' . | xargs -0 -n 1 sops decrypt -i` + "\n```\n")
	}
	if len(set.Apart) > 0 {
		b.WriteString("\nIn no kustomization, because of kustomize or server-side apply; apply these by themselves:\n\n```sh\n")
		for _, apart := range set.Apart {
			how := "kubectl create -f"
			if apart.ServerSide {
				how = "kubectl apply --server-side -f"
			}
			fmt.Fprintf(&b, "%s '%s' # %s\n", how, apart.Path, apart.Why)
		}
		b.WriteString("```\n")
	}
	b.WriteString("\nOwner references and status are not in these files: both belong to one cluster.\n")
	return b.String()
}

// sopsRules let the sops command encrypt again what was decrypted and edited.
func sopsRules(about About) string {
	return commented("Secrets are encrypted to these age public keys. To read one:\n"+
		"  SOPS_AGE_KEY_FILE=identity.txt sops decrypt FILE") + fmt.Sprintf(`creation_rules:
  - path_regex: \.yaml$
    encrypted_regex: %s
    age: %s
`, seal.EncryptedRegex, strings.Join(about.Recipients, ","))
}
