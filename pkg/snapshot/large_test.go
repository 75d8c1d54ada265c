// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package snapshot

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/incident"
)

// memory is the key value stores' data plane.
type memory struct {
	etag   string
	items  map[string]string
	err    error
	reads  int
	moving bool // somebody changes it at every look
}

func (m *memory) Version(context.Context, string) (string, time.Time, error) {
	if m.moving {
		m.etag += "x"
	}
	return m.etag, time.Unix(1_800_000_000, 0), m.err
}

func (m *memory) Values(context.Context, string) (map[string]string, error) {
	m.reads++
	return maps.Clone(m.items), m.err
}

// tenanted is a rig whose distribution has tenants.
func tenanted(t *testing.T, n int) (*rig, Larger) {
	t.Helper()
	r := newRig(t)
	r.ok(r.edge.PutDistribution(shop, []byte(strings.Replace(config, `"Enabled": true,`, `"Enabled": true, "ConnectionMode": "tenant-only",`, 1)), nil))
	for i := range n {
		r.tenant(fmt.Sprintf("dt_%03d", i), shop, "a")
	}
	r.tenant("dt_other", "EOTHEREXAMPLE", "a")
	return r, Larger{CloudFront: r.cloudFront(), Values: &memory{}}
}

func (r *rig) tenant(id, of, value string) {
	r.Helper()
	r.ok(r.edge.PutTenant(id, []byte(fmt.Sprintf(`{"DistributionId":%q,"Name":"shop-%s","Enabled":true,"Status":"Deployed","Domains":[{"Domain":"%s.example.com","Status":"active"}],
		"Parameters":[{"Name":"colour","Value":%q}]}`, of, id, strings.ReplaceAll(id, "_", "-"), value))))
}

func (r *rig) keepLarge(from Larger) Large {
	r.Helper()
	large, err := r.store.KeepLarge(r.Context(), from, r.live())
	r.ok(err)
	return large
}

// calls counts the calls of an action so far.
func (r *rig) calls(action string) (n int) {
	for _, line := range r.world.Journal.Lines() {
		if line.Action == action {
			n++
		}
	}
	return n
}

func TestEachTenantIsKeptOnceForAsLongAsItDoesNotChange(t *testing.T) {
	t.Parallel()
	r, from := tenanted(t, 120) // more than a page
	first := r.keepLarge(from)
	if len(first.Tenants.Kept) != 120 || len(first.Tenants.Gaps) > 0 {
		t.Fatalf("%d kept, gaps %v", len(first.Tenants.Kept), first.Tenants.Gaps)
	}
	body, err := r.store.Thing(t.Context(), first.Tenants.Kept[7])
	if err != nil || !strings.Contains(string(body), `"Value":"a"`) || !strings.Contains(string(body), "shop-dt_007") {
		t.Errorf("%s, %v", body, err)
	}
	written := len(r.files.Keys(bucket, ""))
	if again := r.keepLarge(from); len(again.Tenants.Kept) != 120 || !again.SeenAt.Equal(first.SeenAt) {
		t.Errorf("%d kept, seen at %s", len(again.Tenants.Kept), again.SeenAt)
	}
	if n := r.calls("cloudfront:GetDistributionTenant"); n != 120 || len(r.files.Keys(bucket, "")) != written {
		t.Errorf("%d tenants were read, %d objects more", n, len(r.files.Keys(bucket, ""))-written)
	}
	r.tenant("dt_007", shop, "b")
	r.edge.DropTenant("dt_008")
	changed := r.keepLarge(from)
	now, before := known(changed.Tenants.Kept), known(first.Tenants.Kept)
	if len(now) != 119 || now["dt_007"].Key == before["dt_007"].Key || now["dt_009"] != before["dt_009"] {
		t.Errorf("%d kept: %+v", len(now), now["dt_007"])
	}
	for _, kept := range []incident.Pointed{before["dt_007"], before["dt_008"]} {
		if _, err := r.store.Thing(t.Context(), kept); err != nil {
			t.Errorf("what a tenant held before is gone: %v", err)
		}
	}
	if found, err := r.store.Large(t.Context(), shop); err != nil || !sameLarge(*found, changed) {
		t.Errorf("%+v, %v", found, err)
	}
	if violations := r.world.Violations(); len(violations) > 0 {
		t.Errorf("AWS would have refused: %v", violations)
	}
}

func TestWhatOfTheTenantsCannotBeReadIsAGap(t *testing.T) {
	t.Parallel()
	denial := func(action string) *kernel.APIError {
		return kernel.Errorf(403, "AccessDenied", "User: x is not authorized to perform: %s with an explicit deny in a service control policy", action)
	}
	for _, test := range []struct {
		name, action string
		fault        kernel.Fault
		kept         int // of four, of which one has changed since they were kept
		changed      bool
		gap          string
	}{
		{"all is read", "", kernel.Fault{}, 4, true, ""},
		{"listing is denied", "cloudfront:ListDistributionTenants", kernel.Fault{}, 4, false, "cloudfront:ListDistributionTenants is denied explicitly by a service control policy"},
		{"reading is denied", "cloudfront:GetDistributionTenant", kernel.Fault{}, 4, false, "1 could not be kept, as dt_001: cloudfront:GetDistributionTenant is denied explicitly"},
		{"it is gone before it is read", "cloudfront:GetDistributionTenant", kernel.Fault{Error: kernel.Errorf(404, "EntityNotFound", "gone")}, 3, false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, from := tenanted(t, 4)
			before := known(r.keepLarge(from).Tenants.Kept)
			r.tenant("dt_001", shop, "b")
			if test.action != "" {
				test.fault.Action = test.action
				if test.fault.Error == nil {
					test.fault.Error = denial(test.action)
				}
				r.world.Faults.Add(test.fault)
			}
			after := r.keepLarge(from).Tenants
			if now := known(after.Kept); len(now) != test.kept || test.kept == 4 && (now["dt_001"] != before["dt_001"]) != test.changed {
				t.Errorf("%d kept: %+v", len(now), now["dt_001"])
			}
			if gaps := string(mustJSON(t, after.Gaps)); (test.gap == "") != (len(after.Gaps) == 0) || !strings.Contains(gaps, test.gap) {
				t.Errorf("gaps %s, want %q", gaps, test.gap)
			}
		})
	}
}

func mustJSON(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestADistributionWithoutTenantsIsNotAskedForAny(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	large := r.keepLarge(Larger{CloudFront: r.cloudFront(), Values: &memory{}})
	if len(large.Tenants.Kept) > 0 || r.calls("cloudfront:ListDistributionTenants")+r.calls("cloudfront:ListKeyValueStores") > 0 {
		t.Errorf("%+v", large)
	}
	if len(r.files.Keys(bucket, "")) > 0 {
		t.Error("an inventory of nothing is kept")
	}
}

const storeARN = "arn:aws:cloudfront::111122223333:key-value-store/0a"

// stored is a distribution whose function reads a key value store.
func stored(t *testing.T) (*rig, incident.Snapshot) {
	t.Helper()
	r, from := pointingRig(t)
	r.edge.PutKeyValueStore("flags", "0a", "what is on")
	return r, r.store.RecordPointed(t.Context(), from, r.live())
}

func TestTheStoresThatFunctionsReadAreKeptWhole(t *testing.T) {
	t.Parallel()
	r, snap := stored(t)
	data := &memory{etag: "E1", items: map[string]string{"b": "2", "a": "1"}}
	from := Larger{CloudFront: r.cloudFront(), Values: data}
	keep := func() Large {
		large, err := r.store.KeepLarge(t.Context(), from, snap)
		r.ok(err)
		return large
	}
	first := keep()
	if len(first.Stores.Kept) != 1 || first.Stores.Kept[0].ETag != "E1" || len(first.Stores.Gaps) > 0 {
		t.Fatalf("%+v", first.Stores)
	}
	body, err := r.store.Thing(t.Context(), first.Stores.Kept[0])
	if want := `{"ARN":"` + storeARN + `","Name":"flags","Comment":"what is on","ETag":"E1","Items":[{"Key":"a","Value":"1"},{"Key":"b","Value":"2"}]}`; string(body) != want || err != nil {
		t.Errorf("%s, %v", body, err)
	}
	if keep(); data.reads != 1 {
		t.Errorf("read %d times, though it has not changed", data.reads)
	}
	data.etag, data.items["a"] = "E2", "3"
	if second := keep(); second.Stores.Kept[0].Key == first.Stores.Kept[0].Key || second.Stores.Kept[0].ETag != "E2" {
		t.Errorf("%+v", second.Stores)
	}
	if _, err := r.store.Thing(t.Context(), first.Stores.Kept[0]); err != nil {
		t.Errorf("what it held before is gone: %v", err)
	}
}

func TestWhatOfTheStoresCannotBeReadIsAGap(t *testing.T) {
	t.Parallel()
	denied := &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "User: x is not authorized to perform: cloudfront-keyvaluestore:ListKeys because no identity-based policy allows the cloudfront-keyvaluestore:ListKeys action"}
	for _, test := range []struct {
		name    string
		before  bool // it was kept once
		prepare func(*rig, *memory)
		holds   string
		gap     string
	}{
		{"its keys are denied: what it is called is kept", false, func(_ *rig, m *memory) { m.err = denied }, `"Items":null`, "cloudfront-keyvaluestore:ListKeys is not allowed by the caller's own policies"},
		{"its keys are denied now: what was kept stays", true, func(_ *rig, m *memory) { m.err = denied }, `"Key":"a"`, "not allowed by the caller's own policies"},
		{"the names are denied: what it holds is kept", false, func(r *rig, _ *memory) {
			r.world.Faults.Add(kernel.Fault{Action: "cloudfront:ListKeyValueStores", Error: kernel.Errorf(403, "AccessDenied", "no")})
		}, `"Key":"a"`, "their names"},
		{"it changes all the time", true, func(_ *rig, m *memory) { m.moving = true }, `"Key":"a"`, "does not hold still"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r, snap := stored(t)
			data := &memory{etag: "E1", items: map[string]string{"a": "1"}}
			from := Larger{CloudFront: r.cloudFront(), Values: data}
			if test.before {
				_, err := r.store.KeepLarge(t.Context(), from, snap)
				r.ok(err)
			}
			test.prepare(r, data)
			large, err := r.store.KeepLarge(t.Context(), from, snap)
			r.ok(err)
			if gaps := string(mustJSON(t, large.Stores.Gaps)); !strings.Contains(gaps, test.gap) {
				t.Errorf("gaps %s", gaps)
			}
			if len(large.Stores.Kept) != 1 {
				t.Fatalf("%+v", large.Stores)
			}
			if body, err := r.store.Thing(t.Context(), large.Stores.Kept[0]); err != nil || !strings.Contains(string(body), test.holds) {
				t.Errorf("%s, %v", body, err)
			}
		})
	}
}

func TestWhatIsLargeIsNotKeptUnlessReadBack(t *testing.T) {
	t.Parallel()
	r, from := tenanted(t, 1)
	r.store.objects = falsifying{r.s3(), ".json"}
	large, err := r.store.KeepLarge(t.Context(), from, r.live())
	if err == nil {
		t.Errorf("kept: %+v", large)
	}
}

func TestATenantsChangeLeavesTheStoresAsTheyWereKept(t *testing.T) {
	t.Parallel()
	r, snap := stored(t)
	data := &memory{etag: "E1", items: map[string]string{"a": "1"}}
	from := Larger{CloudFront: r.cloudFront(), Values: data}
	_, err := r.store.KeepLarge(t.Context(), from, snap)
	r.ok(err)
	large, err := r.store.KeepTenants(t.Context(), from, snap)
	if err != nil || len(large.Stores.Kept) != 1 || data.reads != 1 {
		t.Errorf("%+v, %v, %d reads", large, err, data.reads)
	}
}
