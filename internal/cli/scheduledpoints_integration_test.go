//go:build integration

package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/appbur/appbur"
)

// A daemon makes restore points on schedule, with the applications that Services are labelled for, and
// follows the retention policy of the schedule. An application that is away makes points partial, and
// points that were missed are made up for.
func TestPointsAreMadeOnSchedule(t *testing.T) {
	c := emptyTown(t, "1.37.1")
	client, err := kubernetes.NewForConfig(c.cluster.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	app := serveOrders(t)
	c.create(fmt.Sprintf(strings.TrimSpace(ordersShop), app.ca, app.port))
	kubelet(t, client, "shop")
	untilReady(t, client, "shop", true)
	c.ok("config", "set", "retention", "{schedules: {often: {last: 2}, rarely: {last: 5}}}", "--yes", "--repo", c.repo, "--keys", c.keys)
	byHand := c.backup(c.cluster).Point

	flags := append([]string{"--find-apps", "--even-unchanged", "--schedule", "often=@every 1s", "--schedule", "rarely=@yearly"},
		app.present...)
	daemon := c.start(c.cluster, flags...)
	c.eventually("old points of the schedule go, and those that others made stay", func() bool {
		points := c.points(t)
		often := slices.DeleteFunc(slices.Clone(points), func(p appbur.RestorePoint) bool { return !slices.Contains(p.Schedules, "often") })
		stays := slices.ContainsFunc(points, func(p appbur.RestorePoint) bool { return p.ID == byHand.ID })
		rarely := slices.ContainsFunc(points, func(p appbur.RestorePoint) bool { return slices.Contains(p.Schedules, "rarely") })
		return strings.Contains(daemon.log(), "pruned restore points") && len(often) <= 4 && stays && rarely
	})
	for _, point := range c.points(t) {
		if len(point.Schedules) > 0 && (point.Partial || len(point.Apps) != 1 || point.Apps[0].String() != "shop/orders") {
			t.Errorf("%s is partial %t and holds %v", point.ID, point.Partial, point.Apps)
		}
	}

	newest := func() appbur.RestorePoint { return c.points(t)[0] }
	c.takenOver(t, client, newest)
	setReady(t, client, "shop", false)
	c.eventually("an application that is away makes a point partial", func() bool { return newest().Partial && len(newest().Missing) == 1 })
	says(t, daemon.log(), "an application cannot be saved now", "app=shop/orders", "no endpoint is ready")
	setReady(t, client, "shop", true)
	c.eventually("it is saved again when it is back", func() bool { return !newest().Partial })

	if code := daemon.stop(); code != ExitDone {
		t.Errorf("run ended with %d", code)
	}
	last := newest()
	asked := c.backup(c.cluster, slices.Concat([]string{"--find-apps"}, app.present)...) // meanwhile points are missed
	if len(asked.Point.Apps) != 1 || len(asked.Point.Schedules) > 0 {
		t.Errorf("a backup that somebody asked for holds %v and is of %v", asked.Point.Apps, asked.Point.Schedules)
	}
	c.eventually("points are missed", func() bool { return time.Since(last.Created) > 4*time.Second })
	again := c.start(c.cluster, flags...)
	c.eventually("the schedule goes on", func() bool {
		return newest().Sequence > last.Sequence+1 && slices.Contains(newest().Schedules, "often")
	})
	says(t, again.log(), "restore points were missed; one is made now", "schedule=often")
	if slices.Contains(newest().Schedules, "rarely") {
		t.Errorf("a schedule that was served is due again: %v", newest().Schedules)
	}
	c.git("fsck", "--strict")
}

// takenOver shows that points of a schedule that an application does not want to be asked by have the state that it had,
// also while it is away.
func (s *town) takenOver(t *testing.T, client kubernetes.Interface, newest func() appbur.RestorePoint) {
	t.Helper()
	annotate := func(schedules string) {
		patch := fmt.Sprintf(`{"metadata": {"annotations": {"appbur.io/schedules": %s}}}`, schedules)
		_, err := client.CoreV1().Services("shop").Patch(t.Context(), "db", types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		if err != nil {
			t.Fatal(err)
		}
	}
	over := func(p appbur.RestorePoint) bool { return !p.Partial && len(p.Apps) == 1 && p.Apps[0].From != nil }

	annotate(`"rarely"`)
	s.eventually("the state is taken over", func() bool { return over(newest()) })
	setReady(t, client, "shop", false)
	before := newest()
	s.eventually("also while the application is away", func() bool {
		point := newest()
		return point.Sequence > before.Sequence+1 && over(point)
	})
	point := newest()
	says(t, s.ok("plan", string(point.ID), "--repo", s.repo, "--keys", s.keys, "--kubeconfig", s.cluster.Kubeconfig),
		"the state of the application shop/orders is that of "+string(point.Apps[0].From.Point))
	setReady(t, client, "shop", true)
	annotate("null")
	s.eventually("the application is asked again", func() bool { return !newest().Partial && newest().Apps[0].From == nil })
}

// points are those of the repository, newest first, in one reading.
func (s *story) points(t *testing.T) []appbur.RestorePoint {
	t.Helper()
	var points []appbur.RestorePoint
	code, out, errs := s.run("points", "list", "--repo", s.repo, "--keys", s.keys, "--json")
	if err := json.Unmarshal([]byte(out), &points); err != nil {
		t.Fatalf("exit code %d, %v\n%s%s", code, err, out, errs)
	}
	return points
}
