// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package snapshot

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stocked is a bucket with a baseline that is known good, one that a change made, and an incident's snapshot of that.
func stocked(t *testing.T) (r *rig, event string) {
	t.Helper()
	r = newRig(t)
	first, err := r.store.Record(t.Context(), r.live(), nil)
	r.ok(err)
	r.ok(r.store.MarkKnownGood(t.Context(), first))
	r.world.Clock.Advance(time.Hour)
	change := r.changed("new", r.world.Clock.Now())
	_, err = r.store.Record(t.Context(), r.live(), &change)
	r.ok(err)
	r.world.Clock.Advance(time.Minute)
	_, err = r.store.Save(t.Context(), stem, r.live())
	r.ok(err)
	return r, change.EventID
}

func TestTheCatalogueSaysWhatIsKnownGoodAndWhichChangeMadeWhat(t *testing.T) {
	t.Parallel()
	r, event := stocked(t)
	listed, err := r.store.Catalogue(t.Context(), shop, 10)
	r.ok(err)
	type row struct {
		incident, event string
		good            bool
	}
	var got []row
	for _, l := range listed {
		made := ""
		if l.Snapshot.After != nil {
			made = l.Snapshot.After.EventID
		}
		got = append(got, row{l.Incident, made, l.KnownGood})
		if l.Snapshot.Config != nil || l.Problem != "" || l.Snapshot.SHA256 == "" {
			t.Errorf("%s: with configuration, or with a problem: %q", l.Name, l.Problem)
		}
		found, err := r.store.Find(t.Context(), shop, l.Name)
		if err != nil || found.SHA256 != l.Snapshot.SHA256 {
			t.Errorf("%s is listed, and not found: %v", l.Name, err)
		}
	}
	if diff := cmp.Diff([]row{{"", event, false}, {"", "", true}}, slices.DeleteFunc(slices.Clone(got), func(r row) bool { return r.incident != "" }), cmp.AllowUnexported(row{})); diff != "" {
		t.Error(diff)
	}
	if len(got) != 3 || got[0] != (row{"000001", event, false}) {
		t.Errorf("%+v", got)
	}
}

func TestASnapshotIsFoundByEveryNameItHas(t *testing.T) {
	t.Parallel()
	r, event := stocked(t)
	history, err := r.store.History(t.Context(), shop)
	r.ok(err)
	for name, want := range map[string]string{
		"known-good":           history[1].ETag,
		"000001":               history[0].ETag,
		history[1].ETag:        history[1].ETag,
		nameOf(history[0].Key): history[0].ETag,
		history[0].Key:         history[0].ETag,
		event:                  history[0].ETag,
		"changes/" + event:     history[0].ETag,
		stem + ".json":         history[0].ETag,
	} {
		if found, err := r.store.Find(t.Context(), shop, name); err != nil || found.ETag != want {
			t.Errorf("%s: %s, %v", name, found.ETag, err)
		}
	}
	for _, name := range []string{"", "000009", "ENOSUCHETAG", "nothing", "../" + stem + ".json", "snapshots/E9OTHEREXAMPLE/known-good.json", "20260101T000000Z-E1"} {
		if _, err := r.store.Find(t.Context(), shop, name); !errors.Is(err, ErrMissing) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestOfEachKindOnlyTheNewestAreListed(t *testing.T) {
	t.Parallel()
	r, _ := stocked(t)
	listed, err := r.store.Catalogue(t.Context(), shop, 1)
	r.ok(err)
	var names []string
	for _, l := range listed {
		names = append(names, l.Name)
	}
	if len(names) != 3 || !slices.Contains(names, KnownGoodName) || names[0] != "000001" {
		t.Errorf("%v", names)
	}
}

func TestASnapshotThatIsDamagedIsListedWithItsProblem(t *testing.T) {
	t.Parallel()
	r, _ := stocked(t)
	r.store.objects = falsifying{r.s3(), "000001/snapshot.json"}
	listed, err := r.store.Catalogue(t.Context(), shop, 10)
	r.ok(err)
	if len(listed) != 3 || !slices.ContainsFunc(listed, func(l Listed) bool { return l.Name == "000001" && l.Problem != "" }) {
		t.Errorf("%+v", listed)
	}
}
