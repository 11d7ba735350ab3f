package serverask

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/appbur/appbur/internal/verdicts"
)

// fieldManager is who applies in a dry run. Nothing of it is ever stored.
const fieldManager = "appbur-compat"

// Ask asks about one object as it is. An error means that the context ended.
func (s *Server) Ask(ctx context.Context, content map[string]any) (verdicts.Answer, error) {
	gvk := schema.FromAPIVersionAndKind(text(content, "apiVersion"), text(content, "kind"))
	s.mu.Lock()
	r, served := s.types[gvk]
	s.mu.Unlock()
	if !served {
		return verdicts.Answer{Kind: verdicts.Unserved, Said: fmt.Sprintf("the server has no %s %s", gvk.GroupVersion(), gvk.Kind)}, nil
	}

	content, namespace := s.placed(content, r)
	body, err := json.Marshal(content)
	if err != nil {
		return verdicts.Answer{Kind: verdicts.Unasked, Said: err.Error()}, nil //nolint:nilerr // it is told as the answer
	}
	answer, err := s.send(ctx, s.client.Post().AbsPath(r.path(gvk, namespace, "")), body)
	if apierrors.IsAlreadyExists(err) {
		metadata, _ := content["metadata"].(map[string]any)
		answer, err = s.send(ctx, s.client.Patch(types.ApplyPatchType).AbsPath(r.path(gvk, namespace, text(metadata, "name"))).
			Param("force", "true"), body)
	}
	if ctx.Err() != nil {
		return verdicts.Answer{}, ctx.Err()
	}
	return judge(answer, err), nil
}

// placed is the object in a namespace that the server has.
func (s *Server) placed(content map[string]any, r resource) (map[string]any, string) {
	metadata, _ := content["metadata"].(map[string]any)
	content, metadata = maps.Clone(content), maps.Clone(metadata)
	for _, field := range []string{"resourceVersion", "uid", "managedFields", "creationTimestamp", "selfLink"} {
		delete(metadata, field) // whose object it was says nothing about the object
	}
	content["metadata"] = metadata
	if !r.namespaced {
		return content, ""
	}

	namespace := text(metadata, "namespace")
	s.mu.Lock()
	known := len(s.namespaces) == 0 || s.namespaces[namespace]
	s.mu.Unlock()
	if namespace == "" || !known {
		namespace = metav1.NamespaceDefault
	}
	metadata["namespace"] = namespace
	return content, namespace
}

func (s *Server) send(ctx context.Context, request *rest.Request, body []byte) (verdicts.Answer, error) {
	result := request.Param("dryRun", metav1.DryRunAll).Param("fieldManager", fieldManager).Body(body).Do(ctx)
	var warnings []string
	for _, w := range result.Warnings() {
		warnings = append(warnings, w.Text)
	}
	slices.Sort(warnings)
	return verdicts.Answer{Warnings: slices.Compact(warnings)}, result.Error()
}

// noRight matches what authorization says, and not what admission does, which has the same status.
var noRight = regexp.MustCompile(`cannot (create|patch) resource`)

// judge makes an answer of what a request ended with.
func judge(answer verdicts.Answer, err error) verdicts.Answer {
	if err == nil {
		answer.Kind = verdicts.Accepted
		return answer
	}
	answer.Said = strings.TrimSpace(err.Error())
	code := 0
	if status, ok := err.(apierrors.APIStatus); ok {
		code = int(status.Status().Code)
	}
	switch {
	case code == 0 || code == http.StatusUnauthorized || code == http.StatusTooManyRequests || code >= http.StatusInternalServerError,
		code == http.StatusForbidden && noRight.MatchString(answer.Said):
		answer.Kind = verdicts.Unasked
	default:
		answer.Kind = verdicts.Rejected
	}
	return answer
}

func text(object map[string]any, field string) string {
	value, _ := object[field].(string)
	return value
}
