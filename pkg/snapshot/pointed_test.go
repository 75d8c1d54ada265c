// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package snapshot

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-cmp/cmp"

	edge "cloudfront503/pkg/emulator/cloudfront"
	rolesservice "cloudfront503/pkg/emulator/iam"
	"cloudfront503/pkg/emulator/kernel"
	lambdaservice "cloudfront503/pkg/emulator/lambda"
	"cloudfront503/pkg/incident"
)

const (
	edgeARN  = "arn:aws:lambda:us-east-1:111122223333:function:auth:7"
	edgeRole = "arn:aws:iam::111122223333:role/edge/auth"
	trusts   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com","edgelambda.amazonaws.com"]},"Action":"sts:AssumeRole"}]}`
	goodJS   = "function handler(event) { return event.request; }"
	badJS    = "function handler(event) { return request; }"
)

// pointingRig is a rig whose distribution points to one of everything.
func pointingRig(t *testing.T) (*rig, Pointing) {
	t.Helper()
	r := newRig(t)
	functions := lambdaservice.New(r.world)
	rolesservice.New(r.world)
	functions.AddForeign("us-east-1", "auth", nil, json.RawMessage(`{"FunctionName":"auth","FunctionArn":"`+edgeARN+`","Version":"7","Runtime":"nodejs22.x","Role":"`+edgeRole+
		`","Handler":"index.handler","Timeout":5,"MemorySize":128,"State":"Active","LastUpdateStatus":"Successful","Environment":{"Variables":{"SECRET":"hush"}}}`))
	r.world.Identity.AddRole(kernel.Role{Name: "auth", ARN: edgeRole, Trust: &kernel.Policy{Raw: []byte(trusts)}})
	r.ok(r.edge.PutFunction("rewrite", "", []byte(`{"Comment":"rewrites","Runtime":"cloudfront-js-2.0","KeyValueStoreAssociations":{"Quantity":1,"Items":[{"KeyValueStoreARN":"arn:aws:cloudfront::111122223333:key-value-store/0a"}]}}`), []byte(goodJS)))
	r.ok(r.edge.ChangeFunction("rewrite", kernel.Principal{}, []byte(badJS), false))
	for kind, id := range resourceIDs {
		r.ok(r.edge.PutResource(kind, id, "", []byte(`{"Id":"`+id+`"}`)))
	}
	r.ok(r.edge.PutDistribution(shop, []byte(pointing), nil))
	keyed := func(o *iam.Options) { o.BaseEndpoint = aws.String(r.world.Endpoint) }
	return r, Pointing{
		CloudFront: r.cloudFront(),
		Lambda:     lambda.New(lambda.Options{Region: "us-east-1", BaseEndpoint: aws.String(r.world.Endpoint), Credentials: keys, Retryer: noRetry()}),
		IAM:        iam.New(iam.Options{Region: "us-east-1", Credentials: keys, Retryer: noRetry()}, keyed),
	}
}

var resourceIDs = map[edge.Kind]string{
	edge.CachePolicy: "cache-1", edge.OriginRequestPolicy: "request-1", edge.ResponseHeadersPolicy: "response-1", edge.OriginAccessControl: "EACCESS1",
	edge.KeyGroup: "keys-1", edge.VpcOrigin: "vo_1", edge.ContinuousDeploymentPolicy: "deploy-1",
}

// pointing is a configuration that points to one of everything, to some twice.
var pointing = strings.NewReplacer(
	`"CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6", "FunctionAssociations": {"Quantity": 0}`,
	`"CachePolicyId": "cache-1", "OriginRequestPolicyId": "request-1", "ResponseHeadersPolicyId": "response-1",
	 "TrustedKeyGroups": {"Enabled": true, "Quantity": 1, "Items": ["keys-1"]},
	 "FunctionAssociations": {"Quantity": 1, "Items": [{"EventType": "viewer-request", "FunctionARN": "arn:aws:cloudfront::111122223333:function/rewrite"}]},
	 "LambdaFunctionAssociations": {"Quantity": 1, "Items": [{"EventType": "origin-request", "LambdaFunctionARN": "`+edgeARN+`", "IncludeBody": false}]}`,
	`"S3OriginConfig": {"OriginAccessIdentity": ""}`, `"OriginAccessControlId": "EACCESS1", "S3OriginConfig": {"OriginAccessIdentity": ""}`,
	`"CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}`, `"VpcOriginConfig": {"VpcOriginId": "vo_1"}`,
	`"OriginGroups": {"Quantity": 0},`, `"OriginGroups": {"Quantity": 0}, "ContinuousDeploymentPolicyId": "deploy-1",
	 "WebACLId": "arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/0a",
	 "CacheBehaviors": {"Quantity": 1, "Items": [{"PathPattern": "/api/*", "TargetOriginId": "api", "ViewerProtocolPolicy": "https-only", "CachePolicyId": "cache-1"}]},`,
).Replace(config)

// everything is what the configuration points to.
var everything = []string{
	"CachePolicy/cache-1", "ContinuousDeploymentPolicy/deploy-1", "Function/rewrite/DEVELOPMENT", "Function/rewrite/LIVE", "KeyGroup/keys-1",
	"LambdaVersion/" + edgeARN, "OriginAccessControl/EACCESS1", "OriginRequestPolicy/request-1", "ResponseHeadersPolicy/response-1",
	"Role/" + edgeRole, "VpcOrigin/vo_1", "WebACL/arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/0a",
}

func names(kept []incident.Pointed) []string {
	var all []string
	for _, p := range kept {
		all = append(all, target{p.Kind, p.ID, p.Stage}.String())
	}
	return all
}

func TestEverythingThatAConfigurationPointsToIsKept(t *testing.T) {
	t.Parallel()
	r, from := pointingRig(t)
	snap := r.store.KeepPointed(t.Context(), from, stem, r.live())
	if diff := cmp.Diff(everything, names(snap.Pointed)); diff != "" || len(snap.Gaps) > 0 {
		t.Fatalf("gaps %v\n%s", snap.Gaps, diff)
	}
	for _, kept := range snap.Pointed {
		if kept.Kind == incident.PointedWebACL {
			continue
		}
		body, err := r.store.Thing(t.Context(), kept)
		if err != nil || !strings.HasPrefix(kept.Key, stem+"/") || strings.Contains(string(body), "hush") {
			t.Errorf("%s: %v\n%s", kept.Key, err, body)
		}
	}
	role, _ := snap.Holds(incident.PointedRole, edgeRole, "")
	if body, _ := r.store.Thing(t.Context(), role); string(body) != trusts {
		t.Errorf("trust %s", body)
	}
}

func TestBothStagesOfAFunctionAreKeptWhole(t *testing.T) {
	t.Parallel()
	r, from := pointingRig(t)
	snap := r.store.KeepPointed(t.Context(), from, stem, r.live())
	for stage, js := range map[string]string{incident.StageDevelopment: badJS, incident.StageLive: goodJS} {
		kept, there := snap.Holds(incident.PointedFunction, "rewrite", stage)
		_, _, etag, _ := r.edge.Stage("rewrite", stage)
		if !there || kept.ETag != etag || kept.ModifiedAt.IsZero() {
			t.Errorf("%s: %+v, its ETag is %s", stage, kept, etag)
		}
		code, err := r.store.Code(t.Context(), kept)
		want := incident.FunctionCode{Comment: "rewrites", Runtime: "cloudfront-js-2.0", Stores: []string{"arn:aws:cloudfront::111122223333:key-value-store/0a"}, Code: []byte(js)}
		if diff := cmp.Diff(want, code); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", stage, err, diff)
		}
	}
}

func TestWhatCannotBeReadIsAGapAndTheRestIsKept(t *testing.T) {
	t.Parallel()
	denied := kernel.Errorf(http.StatusForbidden, "AccessDenied", "not allowed")
	for name, c := range map[string]struct {
		fault kernel.Fault
		gaps  []string
	}{
		"a policy":                    {kernel.Fault{Action: "cloudfront:GetCachePolicy", Error: denied}, []string{"pointed/CachePolicy/cache-1"}},
		"a function's code":           {kernel.Fault{Action: "cloudfront:GetFunction", Error: denied}, []string{"pointed/Function/rewrite/DEVELOPMENT", "pointed/Function/rewrite/LIVE"}},
		"a version, so its role too":  {kernel.Fault{Action: "lambda:GetFunctionConfiguration", Error: denied}, []string{"pointed/LambdaVersion/" + edgeARN}},
		"a role":                      {kernel.Fault{Action: "iam:GetRole", Error: denied}, []string{"pointed/Role/" + edgeRole}},
		"the bucket does not take it": {kernel.Fault{Action: "s3:PutObject", Resource: "*/KeyGroup/*", Error: denied}, []string{"pointed/KeyGroup/keys-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, from := pointingRig(t)
			r.world.Faults.Add(c.fault)
			snap := r.store.KeepPointed(t.Context(), from, stem, r.live())
			var gaps []string
			for _, gap := range snap.Gaps {
				gaps = append(gaps, gap.Source)
				if gap.Why == "" {
					t.Errorf("%s: no reason", gap.Source)
				}
			}
			if diff := cmp.Diff(c.gaps, gaps); diff != "" {
				t.Error(diff)
			}
			if len(snap.Pointed) < len(everything)-2 {
				t.Errorf("only %v", names(snap.Pointed))
			}
		})
	}
}

func TestAThingThatWasNotWrittenAsReadIsAGap(t *testing.T) {
	t.Parallel()
	r, from := pointingRig(t)
	r.store.objects = falsifying{r.store.objects, "Function/rewrite/LIVE.json"}
	snap := r.store.KeepPointed(t.Context(), from, stem, r.live())
	if _, there := snap.Holds(incident.PointedFunction, "rewrite", incident.StageLive); there || len(snap.Gaps) != 1 {
		t.Errorf("gaps %v", snap.Gaps)
	}
}

func TestAStageThatMovesBetweenItsTwoReadsIsReadAnew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ moves, gaps int }{"once": {1, 0}, "all the time": {9, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, from := pointingRig(t)
			n := 0
			r.world.Faults.Add(kernel.Fault{Action: "cloudfront:GetFunction", Times: c.moves, Before: func() {
				n++
				r.ok(r.edge.ChangeFunction("rewrite", kernel.Principal{}, []byte(fmt.Sprint("// ", n)), true))
			}})
			found := 0
			for _, stage := range []string{incident.StageDevelopment, incident.StageLive} {
				read, err := readFunction(t.Context(), from, target{incident.PointedFunction, "rewrite", stage})
				if err != nil {
					found++
					continue
				}
				_, _, etag, _ := r.edge.Stage("rewrite", stage)
				if c.moves == 1 && stage == incident.StageDevelopment && read.etag != etag {
					t.Errorf("%s is read as %s, and is %s", stage, read.etag, etag)
				}
			}
			if (found > 0) != (c.gaps > 0) {
				t.Errorf("%d stages could not be read", found)
			}
		})
	}
}

func TestContentIsRecordedOnceForAsLongAsItDoesNotChange(t *testing.T) {
	t.Parallel()
	r, from := pointingRig(t)
	first := r.store.RecordPointed(t.Context(), from, r.live())
	count := func() int { return len(r.files.Keys(bucket, "snapshots/"+shop+"/pointed/")) }
	if n := count(); n != len(everything)-1 || len(first.Gaps) > 0 {
		t.Fatalf("%d objects, gaps %v", n, first.Gaps)
	}
	again := r.store.RecordPointed(t.Context(), from, r.live())
	if diff := cmp.Diff(first.Pointed, again.Pointed); diff != "" || count() != len(everything)-1 {
		t.Errorf("%d objects\n%s", count(), diff)
	}
	r.ok(r.edge.ChangeFunction("rewrite", kernel.Principal{}, []byte(badJS), true))
	third := r.store.RecordPointed(t.Context(), from, r.live())
	if n := count(); n != len(everything) || len(third.Gaps) > 0 {
		t.Errorf("%d objects after a change of LIVE, gaps %v", n, third.Gaps)
	}
	before, _ := first.Holds(incident.PointedFunction, "rewrite", incident.StageLive)
	if code, err := r.store.Code(t.Context(), before); err != nil || string(code.Code) != goodJS {
		t.Errorf("the code of before: %s, %v", code.Code, err)
	}
}

func TestTheLastGoodCodeIsTheOneThatWasSeenToBeGoodLast(t *testing.T) {
	t.Parallel()
	r, from := pointingRig(t)
	if good, err := r.store.GoodCode(t.Context(), shop, "rewrite"); good != nil || err != nil {
		t.Fatalf("%v, %v", good, err)
	}
	now := r.world.Clock.Now().Round(time.Second)
	mark := func(at time.Time) error {
		snap := r.store.RecordPointed(t.Context(), from, r.live())
		kept, _ := snap.Holds(incident.PointedFunction, "rewrite", incident.StageLive)
		return r.store.MarkGoodCode(t.Context(), shop, incident.GoodCode{Pointed: kept, GoodAt: at})
	}
	is := func(js string) {
		t.Helper()
		good, err := r.store.GoodCode(t.Context(), shop, "rewrite")
		r.ok(err)
		code, err := r.store.Code(t.Context(), good.Pointed)
		if err != nil || string(code.Code) != js {
			t.Errorf("%s, %v, want %s", code.Code, err, js)
		}
	}
	r.ok(mark(now))
	is(goodJS)
	r.ok(r.edge.ChangeFunction("rewrite", kernel.Principal{}, []byte("// two"), true))
	r.ok(mark(now.Add(-time.Hour))) // told late
	is(goodJS)
	r.ok(mark(now.Add(time.Hour)))
	is("// two")
	r.ok(r.edge.ChangeFunction("rewrite", kernel.Principal{}, []byte(goodJS), true)) // put back
	r.ok(mark(now.Add(2 * time.Hour)))
	is(goodJS)
	if r.store.MarkGoodCode(t.Context(), shop, incident.GoodCode{Pointed: incident.Pointed{Kind: incident.PointedFunction, ID: "rewrite", Stage: incident.StageLive, Key: "no/where", SHA256: "00"}, GoodAt: now}) == nil {
		t.Error("what is not kept was marked")
	}
}

func TestAConfigurationOfAFunctionThatThisSoftwareWouldLoseIsNoticed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		xml  string
		want []string
	}{
		"all known":          {`<FunctionSummary><Name>a</Name><FunctionConfig><Comment/><Runtime>cloudfront-js-2.0</Runtime></FunctionConfig><Status>DEPLOYED</Status></FunctionSummary>`, nil},
		"a further element":  {`<FunctionSummary><FunctionConfig><Comment/><Runtime>x</Runtime><Limits><Memory>2</Memory></Limits></FunctionConfig></FunctionSummary>`, []string{"Limits", "Memory"}},
		"one beside it":      {`<FunctionSummary><FunctionConfig><Comment/></FunctionConfig><Tier>gold</Tier></FunctionSummary>`, nil},
		"it ends in between": {`<FunctionSummary><FunctionConfig><Comment>`, []string{"(unreadable)"}},
		"nothing":            {``, []string{"(unreadable)"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := unknownMembers([]byte(c.xml)); !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func FuzzUnknownMembers(f *testing.F) {
	f.Add([]byte(`<FunctionSummary><FunctionConfig><Comment/><New>1</New></FunctionConfig></FunctionSummary>`))
	f.Add([]byte(`<FunctionConfig><FunctionConfig>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, name := range unknownMembers(raw) {
			if slices.Contains(configMembers, name) {
				t.Errorf("%s is known", name)
			}
		}
	})
}

func FuzzTargets(f *testing.F) {
	f.Add([]byte(pointing))
	f.Add([]byte(`{"TrustedKeyGroups":{"Items":[7,"a"]},"FunctionARN":"/"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		found := targetsOf(raw)
		for i, one := range found {
			if slices.Contains(found[:i], one) {
				t.Errorf("%s is named twice", one)
			}
		}
	})
}
