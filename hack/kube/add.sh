#!/usr/bin/env bash
# Pin another Kubernetes version: write hack/kube/VERSION with a go.mod and a go.sum, from which `go run ./hack/kube`
# then builds. By default the API server alone; name more programs after the version.
#
#   hack/kube/add.sh 1.29.15
#   hack/kube/add.sh 1.38.0 kube-apiserver kube-controller-manager
set -euo pipefail
version=${1:?usage: add.sh VERSION [PROGRAM...]}
shift
programs=("${@:-kube-apiserver}")
staging=v0.${version#*.}

dir=$(cd "$(dirname "$0")" && pwd)/$version
mkdir "$dir"
trap '[ -s "$dir/go.sum" ] || rm -rf "$dir"' EXIT
cd "$dir"
export GOWORK=off GOFLAGS=-buildvcs=false

{
	echo "module github.com/appbur/appbur/hack/kube/$version"
	printf '\ngo 1.26.0\n\ntool (\n'
	printf '\tk8s.io/kubernetes/cmd/%s\n' "${programs[@]}"
	printf ')\n\nrequire k8s.io/kubernetes v%s\n' "$version"
} >go.mod

# The staging modules are the lines `k8s.io/NAME v0.0.0`, and nothing after that: pseudo-versions are other modules.
upstream=$(cd / && go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
{
	printf '\nreplace (\n'
	sed -nE "s#^[[:space:]]*(k8s.io/[a-z-]+) v0\.0\.0( // indirect)?\$#\t\1 => \1 $staging#p" "$upstream" | sort -u
	printf ')\n'
} >>go.mod

# This fills in the rest of both files, for the programs and for nothing else.
go list -mod=mod -deps "${programs[@]/#/k8s.io/kubernetes/cmd/}" >/dev/null
go mod edit -fmt
go list -mod=readonly -deps "${programs[@]/#/k8s.io/kubernetes/cmd/}" >/dev/null
echo "pinned Kubernetes $version in $dir"
