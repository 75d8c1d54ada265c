// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package snapshot

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/emulator/kernel"
	bucketservice "cloudfront503/pkg/emulator/s3"
	"cloudfront503/pkg/incident"
)

func TestALiveConfigurationIsTakenWithItsETagAndTags(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	live := r.live()
	want, err := distribution.Parse([]byte(config))
	r.ok(err)
	if diff := cmp.Diff(string(want.Canonical()), string(live.Config)); diff != "" {
		t.Error(diff)
	}
	_, etag, _ := r.edge.Live(shop)
	if live.ETag != etag || live.SHA256 != want.Hash() || !live.Restorable || live.Raw != "" || live.Status != "Deployed" {
		t.Errorf("%+v", live)
	}
	if live.Tags["team"] != "web" || !strings.HasSuffix(live.ARN, ":distribution/"+shop) || live.DomainName == "" || live.ModifiedAt.IsZero() || live.TakenAt.IsZero() {
		t.Errorf("%+v", live)
	}
	if bytes.Contains(live.Config, []byte("null")) || bytes.Contains(live.Config, []byte(`"Items":[]`)) {
		t.Errorf("%s", live.Config)
	}
}

func TestTheStoredConfigurationIsWhatUpdateDistributionTakesWhole(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	saved, err := r.store.Save(t.Context(), stem, r.live())
	r.ok(err)
	bare, _ := r.files.Get(bucket, stem+".config.json")

	// The AWS CLI's names are the Go fields' names: what decodes without loss here is what it takes.
	var back types.DistributionConfig
	decoder := json.NewDecoder(bytes.NewReader(bare))
	decoder.DisallowUnknownFields()
	r.ok(decoder.Decode(&back))
	out, err := r.cloudFront().UpdateDistribution(t.Context(), &cloudfront.UpdateDistributionInput{Id: aws.String(shop), IfMatch: &saved.ETag, DistributionConfig: &back})
	r.ok(err)
	after := r.live()
	if after.SHA256 != saved.SHA256 || after.ETag != *out.ETag || after.ETag == saved.ETag {
		t.Errorf("written back, it is not the same: %s", cmp.Diff(string(saved.Config), string(after.Config)))
	}
}

func TestTagsThatCannotBeReadAreAGap(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.world.Faults.Add(kernel.Fault{Action: "cloudfront:ListTagsForResource", Error: kernel.Errorf(403, "AccessDenied", "not allowed")})
	live := r.live()
	if len(live.Gaps) != 1 || live.Gaps[0].Source != "tags" || !strings.Contains(live.Gaps[0].Why, "AccessDenied") || live.Tags != nil {
		t.Errorf("%+v", live.Gaps)
	}
}

func TestAConfigurationThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.store.Live(t.Context(), "ENONEEXAMPLE"); err == nil || !strings.Contains(err.Error(), "ENONEEXAMPLE") {
		t.Error(err)
	}
}

// newer is the shop's configuration with an element that a later API version has added, deep inside a list.
func newer(t *testing.T, r *rig) []byte {
	t.Helper()
	var raw []byte
	_, err := r.cloudFront().GetDistributionConfig(t.Context(), &cloudfront.GetDistributionConfigInput{Id: aws.String(shop)}, keepBody(&raw))
	r.ok(err)
	changed := strings.Replace(string(raw), "<OriginPath></OriginPath>", "<OriginPath></OriginPath><Teleport2031><Mode>fast</Mode></Teleport2031>", 1)
	if changed == string(raw) {
		t.Fatalf("no place for a new element in %s", raw)
	}
	return []byte(changed)
}

func TestElementsThatThisSDKDoesNotKnowAreKeptRawAndMarked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.ok(r.edge.PutDistribution(shop, newer(t, r), nil))
	live := r.live()
	if live.Restorable || len(live.Unknown) == 0 || !strings.Contains(live.Unknown[0], "Teleport2031") || !strings.Contains(live.Raw, "<Teleport2031><Mode>fast</Mode></Teleport2031>") {
		t.Fatalf("restorable %t, unknown %v", live.Restorable, live.Unknown)
	}
	saved, err := r.store.Save(t.Context(), stem, live)
	r.ok(err)
	kept, _ := r.files.Get(bucket, stem+".config.xml")
	if saved.ConfigKey != stem+".config.xml" || string(kept) != live.Raw || xml.Unmarshal(kept, new(struct{})) != nil {
		t.Errorf("%s: %s", saved.ConfigKey, kept)
	}
	if _, there := r.files.Get(bucket, stem+".config.json"); there {
		t.Error("a configuration that would lose elements lies ready to be written back")
	}
	if err := r.store.MarkKnownGood(t.Context(), saved); err == nil {
		t.Error("what cannot be written back was marked known good")
	}
}

func TestASnapshotIsSafeOnlyOnceReadBackAndEqual(t *testing.T) {
	t.Parallel()
	denied := kernel.Errorf(403, "AccessDenied", "not allowed")
	for _, row := range []struct {
		name   string
		fault  kernel.Fault
		change func(*rig)
		safe   bool
	}{
		{name: "everything works", safe: true},
		{name: "the put is denied", fault: kernel.Fault{Action: "s3:PutObject", Error: denied}},
		{name: "the second put is denied", fault: kernel.Fault{Action: "s3:PutObject", Error: denied, Skip: 1}},
		{name: "reading back is denied", fault: kernel.Fault{Action: "s3:GetObject*", Error: denied}},
		{name: "the put is lost to a server's error", fault: kernel.Fault{Action: "s3:PutObject", Error: kernel.Errorf(500, "InternalError", "oops")}},
		{name: "the put's answer is lost, but it was done", fault: kernel.Fault{Action: "s3:PutObject", LoseAnswer: true, Times: 1}, safe: true},
		{name: "what comes back is not the configuration written", change: func(r *rig) { r.store.objects = falsifying{r.s3(), ".config.json"} }},
		{name: "what comes back is not the snapshot written", change: func(r *rig) { r.store.objects = falsifying{r.s3(), "snapshot.json"} }},
		{name: "the bucket keeps no versions", change: func(r *rig) { r.files.AddBucket(bucketservice.Bucket{Name: bucket}) }},
		{name: "there is no bucket", change: func(r *rig) { r.store.bucket = "other-bucket" }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			live := r.live()
			if row.fault.Action != "" {
				r.world.Faults.Add(row.fault)
			}
			if row.change != nil {
				row.change(r)
			}
			saved, err := r.store.Save(t.Context(), stem, live)
			if (err == nil) != row.safe {
				t.Fatalf("%v", err)
			}
			if !row.safe && (saved.Key != "" || !strings.Contains(err.Error(), shop)) {
				t.Errorf("%+v, %v", saved, err)
			}
		})
	}
}

func TestASnapshotThatIsNotWhatItsHashSaysIsNeitherSavedNorLoaded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	live := r.live()
	live.SHA256 = strings.Repeat("0", 64)
	if _, err := r.store.Save(t.Context(), stem, live); err == nil {
		t.Error("saved")
	}
	saved, err := r.store.Save(t.Context(), stem, r.live())
	r.ok(err)
	body, _ := r.files.Get(bucket, saved.Key)
	_, err = r.files.Put(bucket, saved.Key, bytes.Replace(body, []byte("shop-1"), []byte("shop-2"), 1))
	r.ok(err)
	if _, err := r.store.Load(t.Context(), saved.Key, ""); err == nil {
		t.Error("loaded")
	}
}

func TestASavedConfigurationIsFoundInExactlyItsVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	saved, err := r.store.Save(t.Context(), stem, r.live())
	r.ok(err)
	ref := Reference(saved)
	_, err = r.files.Put(bucket, saved.ConfigKey, []byte(`{"Comment":"put over it"}`))
	r.ok(err)
	got, err := r.store.Config(t.Context(), ref)
	r.ok(err)
	if got.Hash() != saved.SHA256 {
		t.Error("another version came")
	}
	ref.VersionID = ""
	if _, err := r.store.Config(t.Context(), ref); err == nil {
		t.Error("what lies over it was taken for it")
	}
	if _, err := r.store.Load(t.Context(), "incidents/none/snapshot.json", ""); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
	loaded, err := r.store.Load(t.Context(), saved.Key, "")
	r.ok(err)
	if diff := cmp.Diff(saved, loaded); diff != "" {
		t.Error(diff)
	}
}

func TestABaselineIsWrittenOnceHoweverOftenItIsTold(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	change := r.changed("spring sale", r.world.Clock.Now())
	var first incident.Snapshot
	for i := range 3 {
		saved, err := r.store.Record(t.Context(), r.live(), &change)
		r.ok(err)
		if i == 0 {
			first = saved
		}
		if saved.VersionID != first.VersionID {
			t.Error("the same configuration was written again")
		}
	}
	changes := r.files.Keys(bucket, "snapshots/E1SHOPEXAMPLE/changes/")
	all := r.files.Keys(bucket, "")
	if len(changes) != 1 || len(all) != 3 {
		t.Errorf("%v", all)
	}
	kept := r.decode(changes[0])
	if kept.After == nil || kept.After.EventID != change.EventID || kept.ETag != change.ETag || kept.ConfigKey != first.ConfigKey {
		t.Errorf("%+v", kept)
	}
}

func TestABaselineWhoseTagsChangedIsWrittenAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	before, err := r.store.Record(t.Context(), r.live(), nil)
	r.ok(err)
	retagged := r.live()
	retagged.Tags = map[string]string{"team": "shop"}
	after, err := r.store.Record(t.Context(), retagged, nil)
	r.ok(err)
	if before.Key != after.Key || r.decode(after.Key).Tags["team"] != "shop" {
		t.Errorf("%+v", after)
	}
}

func TestAConfigurationThatMovedOnIsNotTakenForTheChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	change := r.changed("spring sale", r.world.Clock.Now())
	r.changed("spring sale, corrected", r.world.Clock.Now())
	_, err := r.store.Record(t.Context(), r.live(), &change)
	r.ok(err)
	after, err := r.store.After(t.Context(), shop, change)
	if err != nil || after != nil {
		t.Errorf("%+v, %v", after, err)
	}
}

func TestTheConfigurationRightAfterAChangeIsFound(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, record := range map[string]func(incident.Change) *incident.Change{
		"by its event": func(c incident.Change) *incident.Change { return &c },
		"by its ETag, as the hourly look found it": func(incident.Change) *incident.Change { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			change := r.changed(name, r.world.Clock.Now())
			saved, err := r.store.Record(t.Context(), r.live(), record(change))
			r.ok(err)
			got, err := r.store.After(t.Context(), shop, change)
			r.ok(err)
			if got == nil || got.SHA256 != saved.SHA256 || got.VersionID == "" {
				t.Errorf("%+v", got)
			}
		})
	}
	unknown, err := r.store.After(t.Context(), shop, incident.Change{EventID: "no-such-event"})
	if unknown != nil || err != nil {
		t.Errorf("%v, %v", unknown, err)
	}
}

func TestAnEventIDCannotLeaveItsFolder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	live := r.live()
	if _, err := r.store.Record(t.Context(), live, &incident.Change{EventID: "../known-good", ETag: live.ETag}); err == nil {
		t.Error("taken")
	}
}

func TestTheKnownGoodIsTheLatestThatWasMarked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if known, err := r.store.KnownGood(t.Context(), shop); known != nil || err != nil {
		t.Fatalf("%v, %v", known, err)
	}
	old, err := r.store.Record(t.Context(), r.live(), nil)
	r.ok(err)
	r.changed("newer", r.world.Clock.Now())
	fresh, err := r.store.Record(t.Context(), r.live(), nil)
	r.ok(err)

	for _, row := range []struct {
		name string
		mark incident.Snapshot
		want string
	}{{"the first", old, old.ETag}, {"a newer one", fresh, fresh.ETag}, {"the same again", fresh, fresh.ETag}, {"an older one late", old, fresh.ETag}} {
		t.Run(row.name, func(t *testing.T) {
			r.ok(r.store.MarkKnownGood(t.Context(), row.mark))
			known, err := r.store.KnownGood(t.Context(), shop)
			r.ok(err)
			if known.ETag != row.want || !known.KnownGood {
				t.Errorf("%+v", known)
			}
		})
	}
	if err := r.store.MarkKnownGood(t.Context(), r.live()); err == nil {
		t.Error("what is not saved was marked")
	}
}

func TestAnOtherWriterOfTheKnownGoodIsNotOverwritten(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]bool{"between check and write": false, "and our own answer was lost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			old, err := r.store.Record(t.Context(), r.live(), nil)
			r.ok(err)
			r.changed("newer", r.world.Clock.Now())
			fresh, err := r.store.Record(t.Context(), r.live(), nil)
			r.ok(err)
			r.world.Faults.Add(kernel.Fault{Action: "s3:PutObject", Times: 1, LoseAnswer: lose, Before: func() {
				if err := r.store.MarkKnownGood(t.Context(), fresh); err != nil {
					t.Error(err)
				}
			}})
			r.ok(r.store.MarkKnownGood(t.Context(), old))
			known, err := r.store.KnownGood(t.Context(), shop)
			r.ok(err)
			if known.ETag != fresh.ETag {
				t.Error("the older one lies over the newer")
			}
		})
	}
}

func TestALedgerRoleWithoutListBucketCannotTakeDeniedForNone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.world.Faults.Add(kernel.Fault{Action: "s3:GetObject*", Error: kernel.Errorf(403, "AccessDenied", "not allowed")})
	if known, err := r.store.KnownGood(t.Context(), shop); err == nil {
		t.Errorf("%v", known)
	}
}

func TestTheHistoryIsOfAllBaselinesAndNothingElse(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	now := r.world.Clock.Now()
	var want []string
	for i := range 3 {
		change := r.changed(fmt.Sprint("change ", i), now.Add(time.Duration(i-3)*time.Hour))
		saved, err := r.store.Record(t.Context(), r.live(), &change)
		r.ok(err)
		r.ok(r.store.MarkKnownGood(t.Context(), saved))
		want = append([]string{saved.Key}, want...)
	}
	history, err := r.store.History(t.Context(), shop)
	r.ok(err)
	var got []string
	for _, each := range history {
		got = append(got, each.Key)
		if !slices.Contains(want, each.Key) || each.ModifiedAt.IsZero() {
			t.Errorf("%+v", each)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEveryPublishedConfigurationIsTakenWithoutLoss(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("../../../shared/incidents/examples/*/distribution.json")
	if len(files) == 0 {
		t.Skip("the folder of recorded incidents is not here")
	}
	r := newRig(t)
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			r.ok(err)
			var recorded struct {
				Distribution struct{ DistributionConfig json.RawMessage }
			}
			r.ok(json.Unmarshal(raw, &recorded))
			r.ok(r.edge.PutDistribution(shop, recorded.Distribution.DistributionConfig, nil))
			want, err := distribution.Parse(recorded.Distribution.DistributionConfig)
			r.ok(err)
			live := r.live()
			if diff := cmp.Diff(string(want.Canonical()), string(live.Config)); diff != "" || !live.Restorable {
				t.Errorf("unknown %v\n%s", live.Unknown, diff)
			}
		})
	}
}
