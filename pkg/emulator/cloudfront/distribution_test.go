// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudfront

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/emulator/kernel"
)

func TestGetUpdateGetGivesTheSameConfiguration(t *testing.T) {
	r := newRig(t)
	before := r.config(t)
	config := *before.DistributionConfig
	config.Comment = aws.String("changed & <kept>")
	updated, err := r.client.UpdateDistribution(context.Background(), &sdk.UpdateDistributionInput{
		Id: aws.String("E1SHOP"), IfMatch: before.ETag, DistributionConfig: &config,
	})
	if err != nil {
		t.Fatal(err)
	}
	after := r.config(t)
	if diff := cmp.Diff(asJSON(t, &config), asJSON(t, after.DistributionConfig)); diff != "" {
		t.Error(diff)
	}
	if *after.ETag == *before.ETag || *after.ETag != *updated.ETag {
		t.Errorf("etags before %s, answered %s, after %s", *before.ETag, *updated.ETag, *after.ETag)
	}
	if *updated.Distribution.Status != "InProgress" {
		t.Errorf("status %s, want InProgress", *updated.Distribution.Status)
	}
	r.world.Clock.Advance(defaultPropagation)
	got, err := r.client.GetDistribution(context.Background(), &sdk.GetDistributionInput{Id: aws.String("E1SHOP")})
	if err != nil {
		t.Fatal(err)
	}
	if *got.Distribution.Status != "Deployed" {
		t.Errorf("status after the propagation delay %s, want Deployed", *got.Distribution.Status)
	}
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	data, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestUpdateKeepsTheBytesOfTheRequest(t *testing.T) {
	r := newRig(t)
	r.config(t)
	raw := []byte(`<DistributionConfig xmlns="` + namespace + `"><Unknown2027><Inside>kept</Inside></Unknown2027><Comment/></DistributionConfig>`)
	if err := r.edge.PutDistribution("E2RAW", raw, nil); err != nil {
		t.Fatal(err)
	}
	r.edge.mu.Lock()
	got := string(r.edge.distributions["E2RAW"].live().raw)
	r.edge.mu.Unlock()
	if got != string(raw) {
		t.Errorf("kept %s, want the same bytes", got)
	}
}

func TestUpdateIsRefused(t *testing.T) {
	stale := func(in *sdk.UpdateDistributionInput) { in.IfMatch = aws.String("E0000000000000") }
	for _, test := range []struct {
		name, code string
		change     func(*sdk.UpdateDistributionInput)
	}{
		{"without If-Match", "InvalidIfMatchVersion", func(in *sdk.UpdateDistributionInput) { in.IfMatch = nil }},
		{"with garbage in If-Match", "InvalidIfMatchVersion", func(in *sdk.UpdateDistributionInput) { in.IfMatch = aws.String("*") }},
		{"with another ETag", "PreconditionFailed", stale},
		{"for a distribution that is not there", "NoSuchDistribution", func(in *sdk.UpdateDistributionInput) { in.Id = aws.String("E0NONE") }},
		{"with another caller reference", "IllegalUpdate", func(in *sdk.UpdateDistributionInput) { in.DistributionConfig.CallerReference = aws.String("x") }},
		{"with a wrong quantity", "InconsistentQuantities", func(in *sdk.UpdateDistributionInput) { in.DistributionConfig.Aliases.Quantity = aws.Int32(2) }},
		{"with an empty list element", "MalformedInput", func(in *sdk.UpdateDistributionInput) {
			in.DistributionConfig.OriginGroups = &types.OriginGroups{Quantity: aws.Int32(0), Items: []types.OriginGroup{}}
		}},
		{"with a behaviour to no origin", "NoSuchOrigin", func(in *sdk.UpdateDistributionInput) {
			in.DistributionConfig.DefaultCacheBehavior.TargetOriginId = aws.String("gone")
		}},
		{"with writes to an origin group", "InvalidArgument", func(in *sdk.UpdateDistributionInput) {
			origin := in.DistributionConfig.Origins.Items[0].Id
			in.DistributionConfig.OriginGroups = &types.OriginGroups{Quantity: aws.Int32(1), Items: []types.OriginGroup{{
				Id: aws.String("pair"), FailoverCriteria: &types.OriginGroupFailoverCriteria{StatusCodes: &types.StatusCodes{Quantity: aws.Int32(1), Items: []int32{503}}},
				Members: &types.OriginGroupMembers{Quantity: aws.Int32(2), Items: []types.OriginGroupMember{{OriginId: origin}, {OriginId: origin}}},
			}}}
			in.DistributionConfig.DefaultCacheBehavior.TargetOriginId = aws.String("pair")
			in.DistributionConfig.DefaultCacheBehavior.AllowedMethods = &types.AllowedMethods{Quantity: aws.Int32(7), Items: types.MethodDelete.Values()}
		}},
		{"with an unversioned edge function", "InvalidLambdaFunctionAssociation", func(in *sdk.UpdateDistributionInput) {
			in.DistributionConfig.DefaultCacheBehavior.LambdaFunctionAssociations.Items[0].LambdaFunctionARN = aws.String("arn:aws:lambda:us-east-1:111122223333:function:edge")
		}},
		{"with an error code that has no pages", "InvalidErrorCode", func(in *sdk.UpdateDistributionInput) {
			in.DistributionConfig.CustomErrorResponses.Items[0].ErrorCode = aws.Int32(418)
		}},
		{"with a response code that is not allowed", "InvalidResponseCode", func(in *sdk.UpdateDistributionInput) {
			in.DistributionConfig.CustomErrorResponses.Items[0].ResponseCode = aws.String("299")
		}},
		{"with a slash before the root object", "InvalidDefaultRootObject", func(in *sdk.UpdateDistributionInput) {
			in.DistributionConfig.DefaultRootObject = aws.String("/index.html")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t)
			before := r.config(t)
			in := &sdk.UpdateDistributionInput{Id: aws.String("E1SHOP"), IfMatch: before.ETag, DistributionConfig: before.DistributionConfig}
			test.change(in)
			if _, err := r.client.UpdateDistribution(context.Background(), in); code(err) != test.code {
				t.Errorf("error %v, want code %s", err, test.code)
			}
			if after := r.config(t); *after.ETag != *before.ETag {
				t.Error("the refused update changed the ETag")
			}
		})
	}
}

func TestChangeIsRecordedAndServedFromItsTime(t *testing.T) {
	r := newRig(t)
	at := r.world.Clock.Now().Add(-20 * time.Minute)
	alice := kernel.Principal{ARN: "arn:aws:sts::111122223333:assumed-role/Deployer/alice"}
	if _, err := r.edge.Change("E1SHOP", alice, at, func(config map[string]any) {
		config["CustomErrorResponses"] = map[string]any{"Items": []any{
			map[string]any{"ErrorCode": 404, "ResponsePagePath": "/sorry.html", "ResponseCode": "503", "ErrorCachingMinTTL": 10},
			map[string]any{"ErrorCode": 403, "ErrorCachingMinTTL": 10},
		}}
	}); err != nil {
		t.Fatal(err)
	}
	got := r.config(t).DistributionConfig.CustomErrorResponses
	if *got.Quantity != 2 || *got.Items[0].ResponseCode != "503" {
		t.Errorf("custom error responses %+v", got)
	}
	event := r.trail.events[0]
	parameters := event.Request.(map[string]any)
	config := parameters["distributionConfig"].(map[string]any)
	if event.Name != "UpdateDistribution" || !event.At.Equal(at) || event.Caller.ARN != alice.ARN || parameters["id"] != "E1SHOP" {
		t.Errorf("recorded %+v", event)
	}
	if config["comment"] != hidden || config["callerReference"] != "shop-1" {
		t.Errorf("configuration recorded with comment %v and reference %v", config["comment"], config["callerReference"])
	}
	live, etag, ok := r.edge.Live("E1SHOP")
	if !ok || etag != *r.config(t).ETag || !json.Valid(live) {
		t.Errorf("live %s %s %v", live, etag, ok)
	}
}

func TestCreateListAndTag(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	config := r.config(t).DistributionConfig
	config.Aliases = nil
	config.CallerReference = aws.String("second")
	created, err := r.client.CreateDistribution(ctx, &sdk.CreateDistributionInput{DistributionConfig: config})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.client.TagResource(ctx, &sdk.TagResourceInput{
		Resource: created.Distribution.ARN, Tags: &types.Tags{Items: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}},
	}); err != nil {
		t.Fatal(err)
	}
	tags, err := r.client.ListTagsForResource(ctx, &sdk.ListTagsForResourceInput{Resource: created.Distribution.ARN})
	if err != nil || len(tags.Tags.Items) != 1 || *tags.Tags.Items[0].Value != "b" {
		t.Errorf("tags %+v, %v", tags, err)
	}
	first, err := r.client.ListDistributions(ctx, &sdk.ListDistributionsInput{MaxItems: aws.Int32(1)})
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.client.ListDistributions(ctx, &sdk.ListDistributionsInput{Marker: first.DistributionList.NextMarker})
	if err != nil {
		t.Fatal(err)
	}
	if !*first.DistributionList.IsTruncated || len(second.DistributionList.Items) != 1 || *second.DistributionList.Items[0].Id == *first.DistributionList.Items[0].Id {
		t.Errorf("pages %+v and %+v", first.DistributionList, second.DistributionList)
	}
	by, err := r.client.ListDistributionsByCachePolicyId(ctx, &sdk.ListDistributionsByCachePolicyIdInput{CachePolicyId: aws.String(cachingDisabled)})
	if err != nil || len(by.DistributionIdList.Items) != 2 {
		t.Errorf("by cache policy %+v, %v", by, err)
	}
}

func TestEveryPartOfTheControlPlaneAnswersTheSDK(t *testing.T) {
	r := newRig(t)
	ctx := context.Background()
	if err := r.edge.PutFunction("rewrite", "", []byte(`{"Comment":"","Runtime":"cloudfront-js-2.0"}`), []byte("function handler(e){return e.request}")); err != nil {
		t.Fatal(err)
	}
	if err := r.edge.PutResource(ContinuousDeploymentPolicy, "p1", "", []byte(`{"Id":"p1","LastModifiedTime":"2026-01-01T00:00:00Z","ContinuousDeploymentPolicyConfig":{"Enabled":true,"StagingDistributionDnsNames":{"Quantity":1,"Items":["d1.cloudfront.net"]}}}`)); err != nil {
		t.Fatal(err)
	}
	described, err := r.client.DescribeFunction(ctx, &sdk.DescribeFunctionInput{Name: aws.String("rewrite"), Stage: types.FunctionStageLive})
	if err != nil || described.FunctionSummary.FunctionMetadata.Stage != types.FunctionStageLive {
		t.Fatalf("described %+v, %v", described, err)
	}
	tested, err := r.client.TestFunction(ctx, &sdk.TestFunctionInput{Name: aws.String("rewrite"), Stage: types.FunctionStageLive, IfMatch: described.ETag, EventObject: []byte("{}")})
	if err != nil || *tested.TestResult.ComputeUtilization != "10" {
		t.Errorf("tested %+v, %v", tested, err)
	}
	dev, err := r.client.GetFunction(ctx, &sdk.GetFunctionInput{Name: aws.String("rewrite")})
	if err != nil || string(dev.FunctionCode) != "function handler(e){return e.request}" {
		t.Fatalf("got %+v, %v", dev, err)
	}
	updated, err := r.client.UpdateFunction(ctx, &sdk.UpdateFunctionInput{Name: aws.String("rewrite"), IfMatch: dev.ETag, FunctionCode: []byte("new"), FunctionConfig: described.FunctionSummary.FunctionConfig})
	if err != nil || updated.ETag == nil {
		t.Fatalf("updated %+v, %v", updated, err)
	}
	if _, err := r.client.PublishFunction(ctx, &sdk.PublishFunctionInput{Name: aws.String("rewrite"), IfMatch: dev.ETag}); code(err) != "PreconditionFailed" {
		t.Errorf("published with a stale ETag: %v", err)
	}
	if _, err := r.client.PublishFunction(ctx, &sdk.PublishFunctionInput{Name: aws.String("rewrite"), IfMatch: updated.ETag}); err != nil {
		t.Error(err)
	}
	policy, err := r.client.GetContinuousDeploymentPolicyConfig(ctx, &sdk.GetContinuousDeploymentPolicyConfigInput{Id: aws.String("p1")})
	if err != nil || policy.ContinuousDeploymentPolicyConfig.StagingDistributionDnsNames.Items[0] != "d1.cloudfront.net" {
		t.Fatalf("policy %+v, %v", policy, err)
	}
	policy.ContinuousDeploymentPolicyConfig.Enabled = aws.Bool(false)
	off, err := r.client.UpdateContinuousDeploymentPolicy(ctx, &sdk.UpdateContinuousDeploymentPolicyInput{Id: aws.String("p1"), IfMatch: policy.ETag, ContinuousDeploymentPolicyConfig: policy.ContinuousDeploymentPolicyConfig})
	if err != nil || *off.ContinuousDeploymentPolicy.ContinuousDeploymentPolicyConfig.Enabled {
		t.Errorf("policy %+v, %v", off, err)
	}
	if _, err := r.client.GetCachePolicy(ctx, &sdk.GetCachePolicyInput{Id: aws.String("none")}); code(err) != "NoSuchCachePolicy" {
		t.Errorf("cache policy: %v", err)
	}
	if _, err := r.client.GetMonitoringSubscription(ctx, &sdk.GetMonitoringSubscriptionInput{DistributionId: aws.String("E1SHOP")}); code(err) != "NoSuchMonitoringSubscription" {
		t.Errorf("monitoring: %v", err)
	}
	enabled := &types.MonitoringSubscription{RealtimeMetricsSubscriptionConfig: &types.RealtimeMetricsSubscriptionConfig{RealtimeMetricsSubscriptionStatus: types.RealtimeMetricsSubscriptionStatusEnabled}}
	for _, want := range []string{"", "MonitoringSubscriptionAlreadyExists"} {
		_, err := r.client.CreateMonitoringSubscription(ctx, &sdk.CreateMonitoringSubscriptionInput{DistributionId: aws.String("E1SHOP"), MonitoringSubscription: enabled})
		if code(err) != want {
			t.Errorf("create monitoring: %v, want %q", err, want)
		}
	}
	for _, want := range []string{"", "NoSuchMonitoringSubscription"} {
		if _, err := r.client.DeleteMonitoringSubscription(ctx, &sdk.DeleteMonitoringSubscriptionInput{DistributionId: aws.String("E1SHOP")}); code(err) != want {
			t.Errorf("delete monitoring: %v, want %q", err, want)
		}
	}
	cleared, err := r.client.CreateInvalidation(ctx, &sdk.CreateInvalidationInput{DistributionId: aws.String("E1SHOP"), InvalidationBatch: &types.InvalidationBatch{CallerReference: aws.String("1"), Paths: &types.Paths{Quantity: aws.Int32(1), Items: []string{"/*"}}}})
	if err != nil || *cleared.Invalidation.Status != "InProgress" {
		t.Errorf("invalidation %+v, %v", cleared, err)
	}
}

func TestRefusedWritesAreRecordedToo(t *testing.T) {
	r := newRig(t)
	r.world.Faults.Add(kernel.Fault{Action: "cloudfront:UpdateDistribution", Error: kernel.Errorf(400, "Throttling", "Rate exceeded")})
	before := r.config(t)
	_, err := r.client.UpdateDistribution(context.Background(), &sdk.UpdateDistributionInput{Id: aws.String("E1SHOP"), IfMatch: before.ETag, DistributionConfig: before.DistributionConfig})
	if code(err) != "Throttling" {
		t.Errorf("error %v", err)
	}
	if got := r.trail.events; len(got) != 1 || got[0].Error == nil || got[0].Error.Code != "Throttling" {
		t.Errorf("recorded %+v", got)
	}
}

func FuzzReadConfiguration(f *testing.F) {
	f.Add([]byte(shop))
	f.Add([]byte(`<DistributionConfig><Aliases><Quantity>1</Quantity><Items><CNAME>a</CNAME></Items></Aliases></DistributionConfig>`))
	f.Add([]byte(`<DistributionConfig><Items></Items><Quantity>x</Quantity></DistributionConfig>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		w := kernel.NewWorld(account, "us-east-1")
		s := New(w)
		if s.PutDistribution("E1", data, nil) != nil {
			return
		}
		if config, _, ok := s.Live("E1"); !ok || !json.Valid(config) {
			t.Errorf("accepted but not readable: %s", config)
		}
		alice := kernel.Principal{ARN: "arn:aws:iam::111122223333:user/alice"}
		_, _ = s.Change("E1", alice, w.Clock.Now(), func(c map[string]any) { c["Comment"] = "x" })
	})
}
