package compat

import (
	"fmt"

	"github.com/appbur/appbur"
)

// removedPlugin is a volume plugin that left the kubelet.
type removedPlugin struct {
	field string             // of a volume in a pod or of a PersistentVolume's spec
	since appbur.KubeVersion // first release without the in-tree code
	csi   string             // driver that takes over transparently, "" for none
}

var removedPlugins = []removedPlugin{
	{"awsElasticBlockStore", release(27), "ebs.csi.aws.com"},
	{"azureDisk", release(27), "disk.csi.azure.com"},
	{"azureFile", release(30), "file.csi.azure.com"},
	{"cinder", release(26), "cinder.csi.openstack.org"},
	{"gcePersistentDisk", release(28), "pd.csi.storage.gke.io"},
	{"vsphereVolume", release(30), "csi.vsphere.vmware.com"},
	{"portworxVolume", release(36), "pxd.portworx.com"},
	{"scaleIO", release(22), ""},
	{"flocker", release(25), ""},
	{"quobyte", release(25), ""},
	{"storageos", release(25), ""},
	{"photonPersistentDisk", release(30), ""},
	{"glusterfs", release(26), ""},
	{"cephfs", release(31), ""},
	{"rbd", release(31), ""},
	{"gitRepo", release(33), ""},
}

// provisioners are in-tree provisioners by the field of the plugin they belong to.
var provisioners = map[string]string{
	"kubernetes.io/aws-ebs":         "awsElasticBlockStore",
	"kubernetes.io/azure-disk":      "azureDisk",
	"kubernetes.io/azure-file":      "azureFile",
	"kubernetes.io/cinder":          "cinder",
	"kubernetes.io/gce-pd":          "gcePersistentDisk",
	"kubernetes.io/vsphere-volume":  "vsphereVolume",
	"kubernetes.io/portworx-volume": "portworxVolume",
	"kubernetes.io/scaleio":         "scaleIO",
	"kubernetes.io/storageos":       "storageos",
	"kubernetes.io/quobyte":         "quobyte",
	"kubernetes.io/glusterfs":       "glusterfs",
	"kubernetes.io/rbd":             "rbd",
}

// podVolumePlugins reports volumes that servers accept and kubelets cannot mount.
func podVolumePlugins(e *edit) {
	eachPod(e, func(p pod) {
		eachMap(listAt(p.spec, "volumes"), p.specPath+".volumes", func(volume map[string]any, path string) {
			noticePlugin(e, volume, path)
		})
	})
}

func persistentVolumePlugin(e *edit) { noticePlugin(e, mapAt(e.object, "spec"), "spec") }

func noticePlugin(e *edit, source map[string]any, path string) {
	for _, plugin := range removedPlugins {
		if _, ok := source[plugin.field]; ok && e.atLeast(plugin.since) {
			e.noticed(join(path, plugin.field), plugin.explain())
		}
	}
}

func classProvisioner(e *edit) {
	field, ok := provisioners[stringAt(e.object, "provisioner")]
	if !ok {
		return
	}
	for _, plugin := range removedPlugins {
		if plugin.field == field && e.atLeast(plugin.since) {
			e.noticed("provisioner", plugin.explain())
		}
	}
}

func (p removedPlugin) explain() string {
	if p.csi != "" {
		return fmt.Sprintf("the in-tree plugin is gone since Kubernetes %s: it works only where the CSI driver %s is installed",
			p.since.MinorString(), p.csi)
	}
	return fmt.Sprintf("the plugin is gone since Kubernetes %s and nothing takes over: the volume cannot be mounted", p.since.MinorString())
}
