// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/rehearsal"
	"cloudfront503/pkg/snapshot"
)

const (
	baseline = rehearsal.StackName + "-baseline"
	flags    = "arn:aws:cloudfront::" + account + ":key-value-store/0a"
)

// tenanted is a multi-tenant distribution with a function that reads a key value store of more than two pages of keys.
func tenanted(o *rehearsal.Options) {
	plain, prepare := o.Scenario.Config, o.Scenario.Prepare
	o.Scenario.Config = func() []byte {
		var config map[string]any
		_ = json.Unmarshal(plain(), &config) // the scenario's own
		config["ConnectionMode"] = "tenant-only"
		config["DefaultCacheBehavior"].(map[string]any)["FunctionAssociations"] = map[string]any{"Quantity": 1, "Items": []any{
			map[string]any{"FunctionARN": "arn:aws:cloudfront::" + account + ":function/flagged", "EventType": "viewer-request"}}}
		text, _ := json.Marshal(config) // strings, numbers and maps
		return text
	}
	o.Scenario.Prepare = func(r *rehearsal.Rehearsal) {
		prepare(r)
		arn := r.CloudFront.PutKeyValueStore("flags", "0a", "what is on")
		pairs := map[string]string{}
		for i := range 120 {
			pairs[fmt.Sprintf("flag-%03d", i)] = "on"
		}
		r.KeyValues.Put(arn, pairs)
		err := r.CloudFront.PutFunction("flagged", "", []byte(`{"Comment":"","Runtime":"cloudfront-js-2.0","KeyValueStoreAssociations":{"Quantity":1,"Items":[{"KeyValueStoreARN":"`+arn+`"}]}}`),
			[]byte("function handler(e) { return e.request; }"))
		if err != nil {
			r.World.Strict("function: %v", err)
		}
		putTenant(r, "dt_01", "red")
		putTenant(r, "dt_02", "red")
	}
}

func putTenant(r *rehearsal.Rehearsal, id, colour string) {
	err := r.CloudFront.PutTenant(id, []byte(fmt.Sprintf(`{"DistributionId":%q,"Name":%q,"Enabled":true,"Parameters":[{"Name":"colour","Value":%q}]}`, rehearsal.Distribution, id, colour)))
	if err != nil {
		r.World.Strict("tenant: %v", err)
	}
}

// large is what baseline last kept of what is large.
func large(t *testing.T, r *rehearsal.Rehearsal) (kept snapshot.Large) {
	t.Helper()
	body, _ := r.S3.Get(r.Bucket, "snapshots/"+rehearsal.Distribution+"/large.json")
	if err := json.Unmarshal(body, &kept); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
	return kept
}

func TestBaselineKeepsTenantsAndKeyValueStores(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503", tenanted)
	r.World.Clock.Advance(time.Hour)
	first := large(t, r)
	if len(first.Tenants.Kept) != 2 || len(first.Stores.Kept) != 1 || len(first.Tenants.Gaps)+len(first.Stores.Gaps) > 0 {
		t.Fatalf("%+v", first)
	}
	store, _ := r.S3.Get(r.Bucket, first.Stores.Kept[0].Key)
	tenant, _ := r.S3.Get(r.Bucket, first.Tenants.Kept[0].Key)
	if strings.Count(string(store), `"Value":"on"`) != 120 || !strings.Contains(string(store), `"Comment":"what is on"`) || !strings.Contains(string(tenant), `"Value":"red"`) {
		t.Errorf("kept %s and %s", store, tenant)
	}
	read, listed := count(r, baseline, "cloudfront:GetDistributionTenant", "ok"), count(r, baseline, "cloudfront-keyvaluestore:ListKeys", "ok")
	r.World.Clock.Advance(3 * time.Hour)
	if now := count(r, baseline, "cloudfront:GetDistributionTenant", "ok"); now != read || count(r, baseline, "cloudfront-keyvaluestore:ListKeys", "ok") != listed {
		t.Errorf("what has not changed was read again: tenants %d times more", now-read)
	}
	putTenant(r, "dt_02", "blue")
	described := count(r, baseline, "cloudfront:GetDistribution", "ok")
	tellChange(t, r, "UpdateDistributionTenant", `{"id":"dt_02"}`)
	r.World.Clock.Advance(time.Second)
	second := large(t, r)
	if second.Tenants.Kept[1].Key == first.Tenants.Kept[1].Key || second.Tenants.Kept[0] != first.Tenants.Kept[0] || len(second.Stores.Kept) != 1 {
		t.Errorf("after a tenant's change: %+v", second)
	}
	if now := count(r, baseline, "cloudfront:GetDistribution", "ok"); now != described {
		t.Errorf("a tenant's change has all distributions read: %d calls", now-described)
	}
}

// tellChange delivers a change of CloudFront as CloudTrail tells of it.
func tellChange(t *testing.T, r *rehearsal.Rehearsal, name, parameters string) {
	t.Helper()
	now := r.World.Clock.Now().UTC().Format(time.RFC3339)
	err := r.Events.Inject([]byte(fmt.Sprintf(`{"version":"0","id":"0a1b2c3d-0000-4000-8000-00000000aaaa","detail-type":"AWS API Call via CloudTrail","source":"aws.cloudfront","account":%q,"time":%q,"region":"us-east-1","resources":[],
		"detail":{"eventVersion":"1.11","eventSource":"cloudfront.amazonaws.com","eventName":%q,"eventTime":%q,"eventID":"0a1b2c3d-0000-4000-8000-00000000bbbb","awsRegion":"us-east-1","readOnly":false,"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::%s:user/deployer"},"requestParameters":%s,"responseElements":{}}}`,
		account, now, name, now, account, parameters)))
	if err != nil {
		t.Fatal(err)
	}
	r.World.Settle()
}

func TestWhatIsLargeAndDeniedFailsNoBaseline(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503", tenanted)
	for _, action := range []string{"cloudfront:ListDistributionTenants", "cloudfront-keyvaluestore:*"} {
		r.World.Faults.Add(kernel.Fault{Action: action, Caller: sessionsOf(baseline), Error: denies(action, "because no identity-based policy allows the "+strings.TrimSuffix(action, "*")+"x action")})
	}
	r.CloudFront.PutKeyValueStore("flags", "0a", "what is on")
	putTenant(r, "dt_03", "green")
	r.KeyValues.Put(flags, map[string]string{"flag": "off"})
	r.World.Clock.Advance(2 * time.Hour)
	kept := large(t, r)
	if len(kept.Tenants.Gaps) != 1 || len(kept.Stores.Gaps) != 1 || !strings.Contains(kept.Tenants.Gaps[0].Why, "not allowed by the caller's own policies") {
		t.Errorf("%+v", kept)
	}
	if n := len(r.SQS.Messages(r.Stack.Resources["DeadLetters"].Attributes["Arn"])); n > 0 {
		t.Errorf("%d messages could not be handled", n)
	}
}
