//go:build integration

package daemon_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// replaced has somebody replace an object many times, and returns the versions that it had.
func (s *site) replaced(name, user string, times int) map[string]bool {
	s.Helper()
	maps := s.as(s.RESTConfigOf(user), "kubectl").CoreV1().ConfigMaps("default")
	now, err := maps.Get(s.Context(), name, metav1.GetOptions{})
	s.must(nil, err)
	versions := map[string]bool{}
	for i := range times {
		now.Data["by"] = fmt.Sprint(user, " ", i)
		now, err = maps.Update(s.Context(), now, metav1.UpdateOptions{})
		s.must(nil, err)
		versions[now.ResourceVersion] = true
	}
	return versions
}

// etcd is restored from a copy, and gives out for the writes of bob the versions that those of alice had. What is known of
// alice names nobody any more, neither at once nor when her events come a second time.
func TestOldFactsNameNobodyOfARestoredStore(t *testing.T) {
	s := newSite(t, "1.37.1")
	var deleted sync.Map
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "rewound"}, Data: map[string]string{"by": "nobody 0"}}
	s.must(s.as(s.RESTConfig(), "admin").CoreV1().ConfigMaps("default").Create(t.Context(), object, metav1.CreateOptions{}))
	copied := filepath.Join(t.TempDir(), "copied")
	s.must(nil, s.CopyStore(t.Context(), copied))

	silence := s.follow()
	stop := s.start(true, 0)
	first := s.settled()
	old := s.replaced("rewound", "alice", 300)
	s.await("the events of alice are known", func() bool { return s.ledger.Counts().Facts >= len(old) })
	before := s.settled()
	if first == before {
		t.Error("the writes of alice are not committed")
	}
	silence()

	s.must(nil, s.RestoreStore(t.Context(), copied))
	back := s.settled()
	if back == before {
		t.Error("main is not back where the store is")
	}
	collisions := 0
	for version := range s.replaced("rewound", "bob", 300) {
		if old[version] {
			collisions++
		}
	}
	t.Logf("%d versions of bob are those of alice as well", collisions)
	if collisions == 0 {
		t.Error("no version was used twice")
	}
	s.settled()
	if audited, others := s.judge(back, &deleted); audited > 0 || others == 0 {
		t.Errorf("%d commits are of somebody although no event of them came, %d of nobody", audited, others)
	}

	// All events come, those of alice again.
	s.must(nil, os.Remove(s.log+".state"))
	s.follow()
	notes := func() (notes string) {
		for commit := range strings.FieldsSeq(s.git("rev-list", back+"..main")) {
			notes += s.git("notes", "--ref=appbur-actors", "show", commit)
		}
		return notes
	}
	s.await("bob is noted", func() bool { return strings.Contains(notes(), "Appbur-Actor: bob ") })
	stop()
	if strings.Contains(notes(), "alice") {
		t.Errorf("the writes of bob are said to be of alice:\n%s", notes())
	}
}
