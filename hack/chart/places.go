package main

import (
	"slices"
	"strings"
)

// conditions are those of objects of the base, by their kind.
var conditions = map[string]string{
	"Namespace":     ".Values.namespace.create",
	"PriorityClass": ".Values.priorityClass.create",
}

// settings stand for single values, wherever the value is under the key. The first that fits is taken.
var settings = []struct {
	// kind is "" for all; under is what the place has to end with.
	kind, under string
	// value is what has to be there, nil for anything.
	value any
	text  string
}{
	{"", "namespace", "appbur-system", "{{ .Release.Namespace }}"},
	{"Namespace", "metadata.name", "appbur-system", "{{ .Release.Namespace }}"},
	{"PriorityClass", "metadata.name", "appbur", "{{ .Values.priorityClass.name }}"},
	{"", "priorityClassName", "appbur", "{{ .Values.priorityClass.name }}"},

	{"Deployment", "spec.replicas", nil, "{{ .Values.replicas }}"},
	{"", "image", "appbur", `{{ include "appbur.image" . | quote }}`},
	{"", "secret.name", "appbur-keys", "{{ .Values.keys.secretName }}"},
	{"ExternalSecret", "name", "appbur-keys", "{{ .Values.keys.secretName }}"},
	{"SealedSecret", "name", "appbur-keys", "{{ .Values.keys.secretName }}"},
	{"", "secret.secretName", "appbur-audit", "{{ .Values.audit.secretName }}"},
	{"", "secret.name", "appbur-git", "{{ .Values.git.secretName }}"},

	{"ExternalSecret", "secretStoreRef.kind", "ClusterSecretStore", "{{ .Values.keys.externalSecret.storeKind }}"},
	{"ExternalSecret", "secretStoreRef.name", "vault", "{{ .Values.keys.externalSecret.storeName }}"},
	{"ExternalSecret", "remoteRef.key", "appbur/mgmt", "{{ .Values.keys.externalSecret.key }}"},
	{"NetworkPolicy", "matchLabels.kubernetes.io/metadata.name", "monitoring", "{{ .Values.networkPolicy.monitoring }}"},
}

// settingOf is what stands in the place of a value.
func settingOf(kind string, at place, value any) (string, bool) {
	for _, s := range settings {
		if (s.kind == "" || s.kind == kind) && (s.value == nil || value == s.value) && strings.HasSuffix("."+at.String(), "."+s.under) {
			return s.text, true
		}
	}
	return "", false
}

// wholes are maps and lists that a setting has, by kind and place.
var wholes = map[string]string{
	"Deployment spec.template.spec.containers.*.resources": "resources",
	"SealedSecret spec.encryptedData":                      "keys.sealedSecret.encryptedData",
}

// texts are YAML that an object holds as text.
var texts = map[string]string{"ConfigMap data.appbur.yaml": "configuration"}

// instead are those that a setting replaces if it has anything in it.
var instead = map[string]string{"ClusterRole rules": "rbac.rules"}

// added are lines of the template that stand at the end of a map or a list: settings that the manifests have no value
// for.
var added = map[string][]string{
	"Deployment spec.template.metadata":              with("podAnnotations", "annotations"),
	"Deployment spec.template.metadata.labels":       {"{{- with .Values.podLabels }}", "{{- toYaml . | nindent 8 }}", "{{- end }}"},
	"Deployment spec.template.spec.containers.*.env": {"{{- with .Values.env }}", "{{- toYaml . | nindent 12 }}", "{{- end }}"},
	"Deployment spec.template.spec.containers.*.volumeMounts": {
		"{{- with .Values.volumeMounts }}", "{{- toYaml . | nindent 12 }}", "{{- end }}",
	},
	"Deployment spec.template.spec.containers.*": {
		"{{- with .Values.image.pullPolicy }}", "imagePullPolicy: {{ . }}", "{{- end }}",
	},
	"Deployment spec.template.spec.volumes": {"{{- with .Values.volumes }}", "{{- toYaml . | nindent 8 }}", "{{- end }}"},
	"Deployment spec.template.spec": slices.Concat(
		with("imagePullSecrets", "imagePullSecrets"), with("nodeSelector", "nodeSelector"), with("tolerations", "tolerations")),
	"NetworkPolicy spec.egress": {"{{- with .Values.networkPolicy.egress }}", "{{- toYaml . | nindent 4 }}", "{{- end }}"},
}

// with is a field of the pod that is there if the setting has anything in it.
func with(setting, field string) []string {
	return []string{"{{- with .Values." + setting + " }}", field + ":", "  {{- toYaml . | nindent 8 }}", "{{- end }}"}
}
