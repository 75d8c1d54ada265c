// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package distribution

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAWholeConfigurationIsRead(t *testing.T) {
	c := shop(t)
	check := func(name string, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	check("aliases", c.Aliases(), []string{"shop.example.com", "www.shop.example.com"})
	check("origins", c.Origins(), []Origin{
		{ID: "inner", DomainName: "inner.example.internal", Kind: KindVPC, VPCOriginID: "vo_example"},
		{ID: "media", DomainName: "shop-media.s3.eu-west-1.amazonaws.com", Path: "/live", Kind: KindS3, Shield: true, AccessID: "E1OACEXAMPLE"},
		{ID: "web", DomainName: "shop-1234567890.eu-west-1.elb.amazonaws.com", Kind: KindELB,
			ClientCert: "arn:aws:acm:us-east-1:111122223333:certificate/0a1b2c3d"},
	})
	check("groups", c.OriginGroups(), []OriginGroup{{ID: "web-or-media", Members: []string{"web", "media"}, StatusCodes: []int{500, 503}}})
	check("error responses", c.CustomErrorResponses(), []CustomErrorResponse{
		{ErrorCode: 404, ResponseCode: 404, PagePath: "/media/404.html", MinTTL: 10}, {ErrorCode: 503, MinTTL: 5}})
	check("logging", c.Logging(), Logging{Enabled: true, Bucket: "shop-logs.s3.amazonaws.com", Prefix: "cdn/"})
	check("web ACL", c.WebACL(), "arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/aaaa")
	check("switches", []bool{c.Enabled(), c.Staging(), c.TenantOnly()}, []bool{true, false, false})
	check("mode", c.ConnectionMode(), "direct")
	check("policy", c.ContinuousDeploymentPolicyID(), "")
	check("root", c.DefaultRootObject(), "index.html")
}

func TestBehavioursAreReadInTheirOrder(t *testing.T) {
	want := []Behavior{
		{PathPattern: "/media/*.jpg", TargetOriginID: "media",
			Lambda: []Association{{EventType: "origin-response", ARN: "arn:aws:lambda:us-east-1:111122223333:function:resize:7"}}},
		{PathPattern: "/media/*", TargetOriginID: "media",
			Functions: []Association{{EventType: "viewer-request", ARN: "arn:aws:cloudfront::111122223333:function/rewrite"}}},
		{PathPattern: "*", Default: true, TargetOriginID: "web-or-media", CachePolicyID: "658327ea-f89d-4fab-a63d-7e88639e58f6", Methods: []string{"GET", "HEAD"}},
	}
	if diff := cmp.Diff(want, shop(t).Behaviors()); diff != "" {
		t.Error(diff)
	}
}

func TestTheFirstBehaviourThatFitsTakesTheRequest(t *testing.T) {
	for path, want := range map[string]string{
		"/media/a/b.jpg":   "/media/*.jpg",
		"/media/a.png":     "/media/*",
		"/media/a.jpg?x=1": "/media/*.jpg",
		"/MEDIA/a.jpg":     "*",
		"/":                "*",
		"":                 "*",
	} {
		if got := shop(t).Match(path).PathPattern; got != want {
			t.Errorf("%q is taken by %q, want %q", path, got, want)
		}
	}
}

func TestMatchPattern(t *testing.T) {
	tests := []struct {
		pattern, path string
		want          bool
	}{
		{"*", "", true}, {"*", "/a/b", true}, {"/a?c", "/abc", true}, {"/a?c", "/ac", false}, {"a/*", "/a/b", true},
		{"/*.jpg", "/x/y.jpg", true}, {"/*.jpg", "/x.jpeg", false}, {"/a*b*c", "/aXbYbZc", true}, {"/a*b*c", "/aXc", false},
		{"/a", "/A", false}, {"/**", "/a", true}, {"/a", "/ab", false},
	}
	for _, test := range tests {
		if got := MatchPattern(test.pattern, test.path); got != test.want {
			t.Errorf("%q on %q: %v", test.pattern, test.path, got)
		}
	}
}

func TestKindOfADomainName(t *testing.T) {
	for name, want := range map[string]Kind{
		"media.s3.amazonaws.com":                                       KindS3,
		"media.s3.eu-west-1.amazonaws.com":                             KindS3,
		"media.s3-eu-west-1.amazonaws.com":                             KindS3,
		"a.b.s3.dualstack.eu-west-1.amazonaws.com":                     KindS3,
		"media.s3.cn-north-1.amazonaws.com.cn":                         KindS3,
		"point-111122223333.s3-accesspoint.eu-west-1.amazonaws.com":    KindS3,
		"alias.accesspoint.s3-global.amazonaws.com":                    KindS3,
		"www.example.com.s3-website-us-east-1.amazonaws.com":           KindS3Website,
		"www.example.com.s3-website.eu-central-1.amazonaws.com":        KindS3Website,
		"shop-1234567890.eu-west-1.elb.amazonaws.com":                  KindELB,
		"shop-0123456789abcdef.elb.eu-west-1.amazonaws.com":            KindELB,
		"a1b2c3d4e5.execute-api.us-east-1.amazonaws.com":               KindAPIGateway,
		"abcdefghijklmnopqrstuvwxyz012345.lambda-url.us-east-1.on.aws": KindFunctionURL,
		"abc.data.mediastore.eu-west-1.amazonaws.com":                  KindMediaStore,
		"abc.mediapackage.eu-west-1.amazonaws.com":                     KindMediaPackage,
		"d111111abcdef8.cloudfront.net":                                KindCloudFront,
		"www.example.com":                                              KindOther,
		"ec2-203-0-113-25.compute-1.amazonaws.com":                     KindOther,
		"s3.amazonaws.com.example.com":                                 KindOther,
		"elb.amazonaws.com.example.net":                                KindOther,
		"":                                                             KindOther,
	} {
		if got := KindOf(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestReadersBearEveryOtherForm(t *testing.T) {
	c := parse(t, `{"Origins":{"Items":["x",{"Id":7}]},"CacheBehaviors":[1],"CustomErrorResponses":{"Items":[{"ErrorCode":"x"}]},
		"OriginGroups":{"Items":[{"Members":3}]},"Staging":"true","DefaultCacheBehavior":1,"ConnectionMode":"tenant-only"}`)
	if got := len(c.Origins()) + len(c.OriginGroups()) + len(c.CustomErrorResponses()); got != 4 {
		t.Errorf("read %d elements", got)
	}
	if len(c.Behaviors()) != 0 || c.Staging() || !c.TenantOnly() || c.Match("/").TargetOriginID != "" {
		t.Error("read something that is not there")
	}
	if _, found := c.Origin("none"); found {
		t.Error("found an origin that is not there")
	}
}

func TestTheRegionInADomainName(t *testing.T) {
	for name, want := range map[string]string{
		"media.s3.eu-west-1.amazonaws.com":                      "eu-west-1",
		"media.s3-ap-southeast-2.amazonaws.com":                 "ap-southeast-2",
		"media.s3.dualstack.ca-central-1.amazonaws.com":         "ca-central-1",
		"a.us-east-9.b.s3.eu-north-1.amazonaws.com":             "eu-north-1",
		"www.example.com.s3-website-us-east-1.amazonaws.com":    "us-east-1",
		"www.example.com.s3-website.eu-central-1.amazonaws.com": "eu-central-1",
		"media.s3.amazonaws.com":                                "",
		"shop-1234567890.eu-west-1.elb.amazonaws.com":           "eu-west-1",
		"shop-0a1b.elb.us-gov-west-1.amazonaws.com":             "us-gov-west-1",
		"a1b2c3d4e5.execute-api.sa-east-1.amazonaws.com":        "sa-east-1",
		"abc.lambda-url.us-west-2.on.aws":                       "us-west-2",
		"eu-west-1.example.com":                                 "",
		"x.eu-west-1.example.com":                               "",
		"":                                                      "",
	} {
		if got := RegionOf(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestWhereBehavioursStandAndWhatTheyTake(t *testing.T) {
	config, err := Parse([]byte(`{"DefaultCacheBehavior":{"AllowedMethods":{"Items":["HEAD","GET","POST"]},
		"LambdaFunctionAssociations":{"Items":[{"EventType":"viewer-request","LambdaFunctionARN":"arn:a:1"}]}},
		"CacheBehaviors":{"Items":[{"PathPattern":"/a]*","LambdaFunctionAssociations":{"Items":[{"EventType":"origin-request","LambdaFunctionARN":"arn:b:2"}]}}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	for i, behavior := range config.Behaviors() {
		event, want := behavior.Lambda[0].EventType, []string{`"arn:b:2"`, `"arn:a:1"`}[i]
		if got := string(config.Value(behavior.LambdaPath(event) + "/LambdaFunctionARN")); got != want {
			t.Errorf("%s: %s, want %s", behavior.LambdaPath(event), got, want)
		}
		if behavior.Writes() != behavior.Default {
			t.Errorf("%s: writes %v", behavior.Path(), behavior.Writes())
		}
	}
}
