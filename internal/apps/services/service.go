package services

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	corev1 "k8s.io/api/core/v1"

	"github.com/appbur/appbur"
	"github.com/appbur/appbur/internal/apps"
)

// What a Service says of the application behind it.
const (
	// LabelApp is the name of the application.
	LabelApp = "appbur.io/app"
	// AnnotationPort names the port of the contract, or has its number.
	AnnotationPort = "appbur.io/port"
	// AnnotationServerName is the name in the certificate of the application.
	AnnotationServerName = "appbur.io/server-name"
	// AnnotationCA is the ConfigMap beside the Service with the authority of the certificate.
	AnnotationCA = "appbur.io/ca-configmap"
	// AnnotationSPIFFEID is the SPIFFE ID in the certificate of the application, in place of a name.
	AnnotationSPIFFEID = "appbur.io/spiffe-id"
	// AnnotationDatasets lists the datasets that are saved, beside what they depend on; all without it.
	AnnotationDatasets = "appbur.io/datasets"
	// AnnotationSchedules lists the schedules, by name, whose restore points ask the application for its state. Others
	// take it over from the point before.
	AnnotationSchedules = "appbur.io/schedules"
)

// contractPort is what a port is called that needs no annotation.
const contractPort = "appbur"

// service is what a Service says, read and checked.
type service struct {
	namespace, name, uid string
	// port is "" where the only port has no name.
	port       string
	serverName string
	// ca is the name of a ConfigMap, "" for none.
	ca string
	// schedules are names, none for any.
	schedules []string
	// datasets are names, none for all.
	datasets []string
	spiffeID apps.SPIFFEID
}

// parse reads the annotations of a Service.
func parse(s *corev1.Service) (service, error) {
	read := service{
		namespace: s.Namespace, name: s.Name, uid: string(s.UID),
		serverName: cmp.Or(s.Annotations[AnnotationServerName], s.Name+"."+s.Namespace+".svc"),
		ca:         s.Annotations[AnnotationCA],
		schedules:  Schedules(s.Annotations),
		datasets:   listed(s.Annotations[AnnotationDatasets]),
	}
	if text, ok := s.Annotations[AnnotationSPIFFEID]; ok {
		var err error
		if read.spiffeID, err = apps.ParseSPIFFEID(text); err != nil {
			return read, read.wrong("its annotation %s: %v", AnnotationSPIFFEID, err)
		}
	}
	var err error
	read.port, err = read.portOf(s)
	return read, err
}

// portOf finds the port of the contract. Endpoints are compared by its name.
func (s service) portOf(of *corev1.Service) (string, error) {
	ports := of.Spec.Ports
	wanted, named := of.Annotations[AnnotationPort]
	if !named {
		if len(ports) == 1 {
			return ports[0].Name, nil
		}
		wanted = contractPort
	}
	number, _ := strconv.ParseInt(wanted, 10, 32)
	i := slices.IndexFunc(ports, func(p corev1.ServicePort) bool { return p.Name == wanted || number > 0 && int64(p.Port) == number })

	switch {
	case i >= 0:
		return ports[i].Name, nil
	case named:
		return "", s.wrong("its annotation %s is %q, and it has no such port", AnnotationPort, wanted)
	}
	return "", s.wrong("it has %d ports, none is called %s, and no annotation %s says which it is", len(ports), contractPort, AnnotationPort)
}

// String names the Service for people.
func (s service) String() string { return "Service " + s.namespace + "/" + s.name }

func (s service) wrong(format string, args ...any) error {
	return appbur.WithHint(&AnnotationError{Service: s.String(), What: fmt.Sprintf(format, args...)},
		"correct the annotations of the Service")
}

// AnnotationError is the error of a Service that says of its application what cannot be.
type AnnotationError struct{ Service, What string }

// Error names the Service.
func (e *AnnotationError) Error() string { return e.Service + ": " + e.What }

// selector finds the Services of an application.
func selector(name string) string { return LabelApp + "=" + name }

// mayBeLabel reports whether a name can be the value of a label at all.
func mayBeLabel(name string) bool {
	const longest = 63
	return len(name) <= longest && strings.IndexFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.", r)
	}) < 0
}

// Schedules reads which schedules ask an application, nil for all of them.
func Schedules(annotations map[string]string) []string {
	return listed(annotations[AnnotationSchedules])
}

// listed are the words of a list, separated by commas or blanks.
func listed(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
}
