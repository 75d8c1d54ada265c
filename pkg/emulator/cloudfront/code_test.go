// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudfront

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"

	"cloudfront503/pkg/emulator/kernel"
)

const (
	oldCode = "function handler(e) { return e.request; }"
	newCode = "function handler(e) { return nothing; }"
)

// withFunction is the shop with the function rewrite attached to its default behaviour.
func withFunction(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	if err := r.edge.PutFunction("rewrite", "", []byte(`{"Comment":"","Runtime":"cloudfront-js-2.0"}`), []byte(oldCode)); err != nil {
		t.Fatal(err)
	}
	alice := kernel.Principal{ARN: "arn:aws:iam::111122223333:user/alice"}
	_, err := r.edge.Change("E1SHOP", alice, r.world.Clock.Now().Add(-time.Hour), func(c map[string]any) {
		c["DefaultCacheBehavior"].(map[string]any)["FunctionAssociations"] = map[string]any{"Items": []any{map[string]any{
			"FunctionARN": "arn:aws:cloudfront::111122223333:function/rewrite", "EventType": "viewer-request",
		}}}
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// stand fails the test unless the two stages hold this code.
func (r *rig) stand(t *testing.T, dev, live string) {
	t.Helper()
	for in, want := range map[string]string{development: dev, "LIVE": live} {
		code, _, _, ok := r.edge.Stage("rewrite", in)
		if !ok || string(code) != want {
			t.Errorf("%s holds %q, want %q", in, code, want)
		}
	}
}

func TestUpdatingOverwritesDevelopmentAndPublishingCopiesIt(t *testing.T) {
	r := withFunction(t)
	got, err := r.client.GetFunction(t.Context(), &sdk.GetFunctionInput{Name: aws.String("rewrite")})
	if err != nil {
		t.Fatal(err)
	}
	update := &sdk.UpdateFunctionInput{Name: aws.String("rewrite"), IfMatch: got.ETag, FunctionCode: []byte(newCode),
		FunctionConfig: &types.FunctionConfig{Comment: aws.String(""), Runtime: types.FunctionRuntimeCloudfrontJs20}}
	updated, err := r.client.UpdateFunction(t.Context(), update)
	if err != nil {
		t.Fatal(err)
	}
	r.stand(t, newCode, oldCode)
	if _, err := r.client.UpdateFunction(t.Context(), update); code(err) != "PreconditionFailed" {
		t.Errorf("updated under a stale ETag: %v", err)
	}
	before := r.config(t)
	if _, err := r.client.PublishFunction(t.Context(), &sdk.PublishFunctionInput{Name: aws.String("rewrite"), IfMatch: updated.ETag}); err != nil {
		t.Fatal(err)
	}
	r.stand(t, newCode, newCode)
	_, _, dev, _ := r.edge.Stage("rewrite", development)
	_, _, live, _ := r.edge.Stage("rewrite", "LIVE")
	if dev != aws.ToString(updated.ETag) || live == dev {
		t.Errorf("ETags: DEVELOPMENT %s, LIVE %s, updated %s", dev, live, aws.ToString(updated.ETag))
	}
	if after := r.config(t); aws.ToString(after.ETag) != aws.ToString(before.ETag) {
		t.Error("publishing changed the distribution's ETag")
	}
}

func TestEdgesRunWhatIsPublishedOnceTheDistributionIsDeployed(t *testing.T) {
	r := withFunction(t)
	if err := r.edge.ChangeFunction("rewrite", kernel.Principal{ARN: "arn:aws:iam::111122223333:user/alice"}, []byte(newCode), true); err != nil {
		t.Fatal(err)
	}
	status := func() string {
		out, err := r.client.GetDistribution(t.Context(), &sdk.GetDistributionInput{Id: aws.String("E1SHOP")})
		if err != nil {
			t.Fatal(err)
		}
		return aws.ToString(out.Distribution.Status)
	}
	now := r.world.Clock.Now()
	if status() != "InProgress" || string(r.edge.Served("rewrite", now)) != oldCode {
		t.Errorf("at once: %s, %s", status(), r.edge.Served("rewrite", now))
	}
	r.world.Clock.Advance(defaultPropagation + time.Second)
	if later := r.world.Clock.Now(); status() != "Deployed" || string(r.edge.Served("rewrite", later)) != newCode || string(r.edge.Served("rewrite", now)) != oldCode {
		t.Errorf("later: %s, %s", status(), r.edge.Served("rewrite", later))
	}
	var names []string
	for _, event := range r.trail.events {
		names = append(names, event.Name)
	}
	if len(names) < 2 || names[len(names)-2] != "UpdateFunction" || names[len(names)-1] != "PublishFunction" {
		t.Errorf("CloudTrail has %v", names)
	}
}

func TestATestFollowsTheCodeThroughTheStages(t *testing.T) {
	r := withFunction(t)
	if err := r.edge.SetCodeTest([]byte(newCode), []byte(`{"FunctionErrorMessage":"ReferenceError: \"nothing\" is not defined"}`)); err != nil {
		t.Fatal(err)
	}
	run := func(in types.FunctionStage) string {
		_, _, etag, _ := r.edge.Stage("rewrite", string(in))
		out, err := r.client.TestFunction(t.Context(), &sdk.TestFunctionInput{Name: aws.String("rewrite"), Stage: in, IfMatch: &etag, EventObject: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		return aws.ToString(out.TestResult.FunctionErrorMessage)
	}
	alice := kernel.Principal{ARN: "arn:aws:iam::111122223333:user/alice"}
	if err := r.edge.ChangeFunction("rewrite", alice, []byte(newCode), false); err != nil {
		t.Fatal(err)
	}
	if run(types.FunctionStageDevelopment) == "" || run(types.FunctionStageLive) != "" {
		t.Error("the test does not follow the code in DEVELOPMENT")
	}
	if err := r.edge.ChangeFunction("rewrite", alice, []byte(newCode), true); err != nil {
		t.Fatal(err)
	}
	if run(types.FunctionStageLive) == "" {
		t.Error("the test does not follow the code to LIVE")
	}
}

func TestAFunctionNeedsACommentARuntimeAndAtMostOneStore(t *testing.T) {
	r := withFunction(t)
	store := func(arns ...string) *types.KeyValueStoreAssociations {
		list := &types.KeyValueStoreAssociations{Quantity: aws.Int32(int32(len(arns)))}
		for _, arn := range arns {
			list.Items = append(list.Items, types.KeyValueStoreAssociation{KeyValueStoreARN: &arn})
		}
		return list
	}
	const arn = "arn:aws:cloudfront::111122223333:key-value-store/0a"
	for name, c := range map[string]struct {
		config types.FunctionConfig
		want   string
	}{
		"an unknown runtime":       {types.FunctionConfig{Comment: aws.String(""), Runtime: "node"}, "InvalidArgument"},
		"two stores":               {types.FunctionConfig{Comment: aws.String(""), Runtime: "cloudfront-js-2.0", KeyValueStoreAssociations: store(arn+"1", arn+"2")}, "InvalidArgument"},
		"a store in runtime 1.0":   {types.FunctionConfig{Comment: aws.String(""), Runtime: "cloudfront-js-1.0", KeyValueStoreAssociations: store(arn)}, "InvalidArgument"},
		"one store in runtime 2.0": {types.FunctionConfig{Comment: aws.String(""), Runtime: "cloudfront-js-2.0", KeyValueStoreAssociations: store(arn)}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, etag, _ := r.edge.Stage("rewrite", development)
			_, err := r.client.UpdateFunction(t.Context(), &sdk.UpdateFunctionInput{Name: aws.String("rewrite"), IfMatch: &etag, FunctionCode: []byte(newCode), FunctionConfig: &c.config})
			if code(err) != c.want {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
