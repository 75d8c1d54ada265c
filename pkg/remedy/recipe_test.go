// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"

	"github.com/google/go-cmp/cmp"
)

const auth = "arn:aws:lambda:us-east-1:111122223333:function:auth:"

// shop has two behaviours and three origins, and a group of two of them; each edit replaces one text by another.
func shop(t *testing.T, edits ...string) distribution.Config {
	t.Helper()
	text := strings.NewReplacer(edits...).Replace(`{"CallerReference":"c","Comment":"shop","Enabled":true,"WebACLId":"acl",
		"Origins":{"Items":[{"Id":"web","DomainName":"web.eu-north-1.elb.amazonaws.com","OriginShield":{"Enabled":false}},
			{"Id":"spare","DomainName":"spare.example.com"},{"Id":"bucket","DomainName":"media.s3.eu-west-1.amazonaws.com"}]},
		"OriginGroups":{"Items":[]},
		"DefaultCacheBehavior":{"TargetOriginId":"web","AllowedMethods":{"Items":["GET","HEAD"]},"ViewerProtocolPolicy":"https-only",
			"LambdaFunctionAssociations":{"Items":[{"EventType":"viewer-request","LambdaFunctionARN":"` + auth + `7","IncludeBody":true}]}},
		"CacheBehaviors":{"Items":[{"PathPattern":"/api/*","TargetOriginId":"web","AllowedMethods":{"Items":["GET","HEAD","POST"]}}]},
		"CustomErrorResponses":{"Items":[]},
		"Restrictions":{"GeoRestriction":{"RestrictionType":"whitelist","Items":["CH"]}},
		"ViewerCertificate":{"MinimumProtocolVersion":"TLSv1.2_2021","ACMCertificateArn":"arn:cert"}}`)
	config, err := distribution.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// A group that the operator has made: web first, spare second, failing over on the codes.
func withGroup(codes string) []string {
	return []string{`"OriginGroups":{"Items":[]}`, `"OriginGroups":{"Items":[{"Id":"pair","FailoverCriteria":{"StatusCodes":{"Items":[` + codes + `]}},
		"Members":{"Items":[{"OriginId":"web"},{"OriginId":"spare"}]}}]}`}
}

func fails(cause incident.Cause, detail incident.Detail) incident.Diagnosis {
	return incident.Diagnosis{Verdict: incident.Verdict{Cause: cause}, Detail: detail}
}

const (
	defaultTarget = "DefaultCacheBehavior/TargetOriginId"
	defaultLambda = "DefaultCacheBehavior/LambdaFunctionAssociations/Items/[EventType=viewer-request]"
	error503      = "CustomErrorResponses/Items/[ErrorCode=503]"
)

func TestRecipes(t *testing.T) {
	version8 := []string{auth + "7", auth + "8"}
	lambda := fails(incident.LambdaEdgeError, incident.Detail{FunctionARN: auth + "8"})
	origin := fails(incident.Origin503, incident.Detail{Paths: []string{"*"}, OriginIDs: []string{"web"}})
	tests := []struct {
		name      string
		remedy    string
		diagnosis incident.Diagnosis
		ours      []string // edits
		theirs    []string
		none      bool // no known good
		prepared  Prepared
		flat      bool
		want      map[string]string // path → what it will hold
		refused   string
	}{
		{name: "the known good version", remedy: incident.RemedyEdge, diagnosis: lambda, theirs: version8,
			want: map[string]string{defaultLambda + "/LambdaFunctionARN": `"` + auth + `7"`}},
		{name: "the known good version of a behaviour that is new", remedy: incident.RemedyEdge, diagnosis: lambda,
			theirs: []string{`"DefaultCacheBehavior":{`, `"DefaultCacheBehavior":{"X":1,`, auth + "7", auth + "7", `"PathPattern":"/api/*",`,
				`"PathPattern":"/new","LambdaFunctionAssociations":{"Items":[{"EventType":"viewer-request","LambdaFunctionARN":"` + auth + `8"}]},`},
			want: map[string]string{"CacheBehaviors/Items/[PathPattern=/new]/LambdaFunctionAssociations/Items/[EventType=viewer-request]/LambdaFunctionARN": `"` + auth + `7"`}},
		{name: "the version that fails is the known good one", remedy: incident.RemedyEdge, diagnosis: lambda, ours: version8, theirs: version8,
			refused: "no earlier version of auth, version 8 is known"},
		{name: "another function stood there", remedy: incident.RemedyEdge, diagnosis: lambda, ours: []string{"function:auth:7", "function:old:7"}, theirs: version8,
			refused: "no earlier version of auth"},
		{name: "no known good", remedy: incident.RemedyEdge, diagnosis: lambda, theirs: version8, none: true, refused: "no earlier version of auth"},
		{name: "taken off, where that may be asked for", remedy: incident.RemedyEdge, diagnosis: lambda, theirs: version8, none: true, prepared: Prepared{MayDetach: true},
			want: map[string]string{defaultLambda: ""}},
		{name: "an earlier version rather than none", remedy: incident.RemedyEdge, diagnosis: lambda, theirs: version8, prepared: Prepared{MayDetach: true},
			want: map[string]string{defaultLambda + "/LambdaFunctionARN": `"` + auth + `7"`}},
		{name: "a function that is associated no more", remedy: incident.RemedyEdge, diagnosis: lambda, refused: "no behaviour has the function auth, version 8"},
		{name: "a function without a version", remedy: incident.RemedyEdge, diagnosis: fails(incident.LambdaEdgeError, incident.Detail{FunctionARN: auth + "$LATEST"}),
			refused: "the evidence does not name the version"},
		{name: "a flat-rate plan keeps versions all the same", remedy: incident.RemedyEdge, diagnosis: lambda, theirs: version8, flat: true,
			want: map[string]string{defaultLambda + "/LambdaFunctionARN": `"` + auth + `7"`}},

		{name: "a group that fails over on 503", remedy: incident.RemedyFailover, diagnosis: origin, theirs: withGroup("500,503"), want: map[string]string{defaultTarget: `"pair"`}},
		{name: "a group that does not yet", remedy: incident.RemedyFailover, diagnosis: origin, theirs: withGroup("500"),
			want: map[string]string{defaultTarget: `"pair"`, "OriginGroups/Items/[Id=pair]/FailoverCriteria/StatusCodes/Items/[503]": "503"}},
		{name: "a group that behaviours have, but for 503", remedy: incident.RemedyFailover, diagnosis: fails(incident.Origin503, incident.Detail{Paths: []string{"*"}, OriginIDs: []string{"web", "spare"}}),
			theirs: append(withGroup("500"), `"DefaultCacheBehavior":{"TargetOriginId":"web"`, `"DefaultCacheBehavior":{"TargetOriginId":"pair"`),
			want:   map[string]string{"OriginGroups/Items/[Id=pair]/FailoverCriteria/StatusCodes/Items/[503]": "503"}},
		{name: "a group that fails over already", remedy: incident.RemedyFailover, diagnosis: origin,
			theirs:  append(withGroup("503"), `"DefaultCacheBehavior":{"TargetOriginId":"web"`, `"DefaultCacheBehavior":{"TargetOriginId":"pair"`),
			refused: "origin group pair fails over on 503 already"},
		{name: "an origin that the tag names", remedy: incident.RemedyFailover, diagnosis: origin, prepared: Prepared{Standby: "spare"},
			want: map[string]string{defaultTarget: `"cloudfront503-web"`, "OriginGroups/Items/[Id=cloudfront503-web]": `{"FailoverCriteria":{"StatusCodes":{"Items":[500,502,503,504],"Quantity":4}},` +
				`"Id":"cloudfront503-web","Members":{"Items":[{"OriginId":"web"},{"OriginId":"spare"}],"Quantity":2},"SelectionCriteria":"default"}`}},
		{name: "nothing stands ready", remedy: incident.RemedyFailover, diagnosis: origin, refused: "no origin stands ready"},
		{name: "the tag names the origin that fails", remedy: incident.RemedyFailover, diagnosis: origin, prepared: Prepared{Standby: "web"}, refused: "the origin that the tag names as standby, web, is not another origin"},
		{name: "the tag names what is not there", remedy: incident.RemedyFailover, diagnosis: origin, prepared: Prepared{Standby: "gone"}, refused: "the origin that the tag names as standby, gone"},
		{name: "nothing but writes", remedy: incident.RemedyFailover, diagnosis: fails(incident.Origin503, incident.Detail{Paths: []string{"/api/*"}}), theirs: withGroup("503"),
			refused: "every behaviour that fails takes writes (/api/*)"},
		{name: "reads go over and writes stay", remedy: incident.RemedyFailover, diagnosis: fails(incident.Origin503, incident.Detail{}), theirs: withGroup("503"), want: map[string]string{defaultTarget: `"pair"`}},
		{name: "two origins may be meant", remedy: incident.RemedyFailover, diagnosis: fails(incident.Origin503, incident.Detail{}),
			theirs: []string{`"PathPattern":"/api/*","TargetOriginId":"web"`, `"PathPattern":"/api/*","TargetOriginId":"bucket"`}, refused: "the evidence does not tell which one"},
		{name: "a flat-rate plan", remedy: incident.RemedyFailover, diagnosis: origin, theirs: withGroup("503"), flat: true, refused: "origin failover is not part"},
		{name: "a premium plan", remedy: incident.RemedyFailover, diagnosis: origin, theirs: withGroup("503"), flat: true, prepared: Prepared{Premium: true}, want: map[string]string{defaultTarget: `"pair"`}},

		{name: "an overloaded origin", remedy: incident.RemedyProtect, diagnosis: origin,
			want: map[string]string{error503: `{"ErrorCachingMinTTL":60,"ErrorCode":503,"ResponseCode":"","ResponsePagePath":""}`}},
		{name: "an overloaded bucket", remedy: incident.RemedyProtect, diagnosis: fails(incident.S3SlowDown, incident.Detail{Paths: []string{"*"}, OriginIDs: []string{"web"}}),
			want: map[string]string{error503: `{"ErrorCachingMinTTL":60,"ErrorCode":503,"ResponseCode":"","ResponsePagePath":""}`,
				"Origins/Items/[Id=web]/OriginShield/Enabled": "true", "Origins/Items/[Id=web]/OriginShield/OriginShieldRegion": `"eu-west-2"`}},
		{name: "an overloaded bucket of a flat-rate plan", remedy: incident.RemedyProtect, flat: true, diagnosis: fails(incident.S3SlowDown, incident.Detail{Paths: []string{"*"}, OriginIDs: []string{"web"}}),
			want: map[string]string{error503: `{"ErrorCachingMinTTL":60,"ErrorCode":503,"ResponseCode":"","ResponsePagePath":""}`}},
		{name: "a page for the error stays", remedy: incident.RemedyProtect, diagnosis: origin,
			theirs: []string{`"CustomErrorResponses":{"Items":[]}`, `"CustomErrorResponses":{"Items":[{"ErrorCode":503,"ResponseCode":"503","ResponsePagePath":"/sorry","ErrorCachingMinTTL":10}]}`},
			want:   map[string]string{error503 + "/ErrorCachingMinTTL": "60"}},
		{name: "cached for long already", remedy: incident.RemedyProtect, diagnosis: origin,
			theirs: []string{`"CustomErrorResponses":{"Items":[]}`, `"CustomErrorResponses":{"Items":[{"ErrorCode":503,"ErrorCachingMinTTL":300}]}`}, refused: "errors are cached for 300 seconds already"},
		{name: "an error that is replayed for long", remedy: incident.RemedyProtect, diagnosis: fails(incident.Replayed503, incident.Detail{}),
			theirs: []string{`"CustomErrorResponses":{"Items":[]}`, `"CustomErrorResponses":{"Items":[{"ErrorCode":503,"ErrorCachingMinTTL":300}]}`},
			want:   map[string]string{error503 + "/ErrorCachingMinTTL": "10"}},
		{name: "an error that is replayed by the origin's wish", remedy: incident.RemedyProtect, diagnosis: fails(incident.Replayed503, incident.Detail{}), refused: "errors are cached for 10 seconds, which is short already"},
		{name: "nothing is cached", remedy: incident.RemedyProtect, diagnosis: origin, theirs: []string{`"DefaultCacheBehavior":{`, `"DefaultCacheBehavior":{"CachePolicyId":"` + cachingDisabled + `",`},
			refused: "nothing is cached"},
		{name: "a staging distribution", remedy: incident.RemedyProtect, diagnosis: origin, theirs: []string{`"Comment"`, `"Staging":true,"Comment"`}, refused: "distribution E1 is the staging part"},
		{name: "a distribution that is off", remedy: incident.RemedyEdge, diagnosis: lambda, theirs: append([]string{`"Enabled":true`, `"Enabled":false`}, version8...), refused: "distribution E1 is disabled"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := Inputs{Distribution: "E1", ETag: "T1", Theirs: shop(t, test.theirs...), FlatRate: test.flat}
			if !test.none {
				in.Ours = shop(t, test.ours...)
			}
			change, err := proposed(test.remedy, test.diagnosis, in, test.prepared)
			var refused *Refused
			if test.refused != "" {
				if !errors.As(err, &refused) || !strings.HasPrefix(refused.Why, test.refused) {
					t.Fatalf("want refusal %q, have %v", test.refused, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, field := range change.Difference {
				got[field.Path] = string(field.To)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			back, err := WayBack(change, change.Result, "T2")
			if err != nil || !back.Result.Equal(in.Theirs) {
				t.Errorf("the way back gives %s: %v", back.Result.Canonical(), err)
			}
		})
	}
}

// proposed is what a remedy would do, the recipe having been through the bucket.
func proposed(remedy string, diagnosis incident.Diagnosis, in Inputs, prepared Prepared) (Change, error) {
	recipe, err := Propose(remedy, diagnosis, in, prepared)
	if err != nil {
		return Change{}, err
	}
	plan := incident.Plan{Remedy: remedy, Recipe: recipe, Ours: &incident.ConfigRef{}}
	text, err := json.Marshal(plan)
	if err != nil {
		return Change{}, err
	}
	plan = incident.Plan{}
	if err := json.Unmarshal(text, &plan); err != nil {
		return Change{}, err
	}
	return Compute(plan, diagnosis, in)
}

func TestARecipeDoesNothingElseWhateverItSays(t *testing.T) {
	edge := func(r ...incident.Repoint) *incident.Recipe {
		return &incident.Recipe{Edge: &incident.EdgeRecipe{Repoint: r}}
	}
	from := incident.Repoint{Behavior: "*", EventType: "viewer-request", From: auth + "7"}
	to := func(arn string) incident.Repoint { r := from; r.To = arn; return r }
	failover := func(f incident.FailoverRecipe) *incident.Recipe { return &incident.Recipe{Failover: &f} }
	protect := func(p incident.ProtectRecipe) *incident.Recipe { return &incident.Recipe{Protect: &p} }
	tests := []struct {
		name, remedy string
		recipe       *incident.Recipe
		want         string
	}{
		{"no recipe for a function", incident.RemedyEdge, nil, "refused: the plan names no associations"},
		{"no recipe for an origin", incident.RemedyFailover, edge(from), "refused: the plan names no origin"},
		{"no recipe for a protection", incident.RemedyProtect, nil, "refused: the plan does not say how"},
		{"no association", incident.RemedyEdge, edge(), "refused: the live configuration is like that already"},
		{"another function", incident.RemedyEdge, edge(to(strings.Replace(auth, "auth", "evil", 1) + "7")), "refused: arn:aws:lambda:us-east-1:111122223333:function:evil:7 is no other version"},
		{"another account's function", incident.RemedyEdge, edge(to(strings.Replace(auth, "1111", "9999", 1) + "6")), "refused: "},
		{"no numbered version", incident.RemedyEdge, edge(to(auth + "$LATEST")), "refused: "},
		{"the same version", incident.RemedyEdge, edge(to(auth + "7")), "refused: "},
		{"an ARN that breaks out of its quotes", incident.RemedyEdge, edge(to(auth + `6","X":"`)), "refused: "},
		{"another version stands there", incident.RemedyEdge, edge(incident.Repoint{Behavior: "*", EventType: "viewer-request", From: auth + "5", To: auth + "4"}), "refused: changed by others since: " + defaultLambda + "/LambdaFunctionARN"},
		{"another version would be taken off", incident.RemedyEdge, edge(incident.Repoint{Behavior: "*", EventType: "viewer-request", From: auth + "5"}), "refused: changed by others since: " + defaultLambda},
		{"no such behaviour", incident.RemedyEdge, edge(incident.Repoint{Behavior: "/x", From: auth + "7", To: auth + "6"}), "refused: changed by others since: /x"},
		{"a group that is not there", incident.RemedyFailover, failover(incident.FailoverRecipe{Origin: "web", Standby: "spare", Group: "pair", Behaviors: []string{"*"}}), "refused: changed by others since: OriginGroups/Items/[Id=pair]"},
		{"an origin that is not there", incident.RemedyFailover, failover(incident.FailoverRecipe{Origin: "web", Standby: "gone", Group: "new", Make: true, Behaviors: []string{"*"}}), "refused: origin group new would point to origin gone"},
		{"a behaviour that takes writes", incident.RemedyFailover, failover(incident.FailoverRecipe{Origin: "web", Standby: "spare", Group: "new", Make: true, Behaviors: []string{"/api/*"}}), "refused: behaviour /api/* takes writes"},
		{"another origin's behaviour", incident.RemedyFailover, failover(incident.FailoverRecipe{Origin: "bucket", Standby: "spare", Group: "new", Make: true, Behaviors: []string{"*"}}), "refused: changed by others since: " + defaultTarget},
		{"errors cached for a day", incident.RemedyProtect, protect(incident.ProtectRecipe{ErrorCode: 503, ErrorTTL: 86400}), "refused: caching 503 for 86400 seconds"},
		{"another error", incident.RemedyProtect, protect(incident.ProtectRecipe{ErrorCode: 403, ErrorTTL: 60}), "refused: caching 403"},
		{"a Region without Origin Shield", incident.RemedyProtect, protect(incident.ProtectRecipe{Origin: "web", ShieldRegion: "eu-north-1"}), `refused: Origin Shield does not exist in Region "eu-north-1"`},
		{"an origin that is gone", incident.RemedyProtect, protect(incident.ProtectRecipe{Origin: "gone", ShieldRegion: "eu-west-1"}), "refused: the change does not fit"},
		{"a remedy of another kind", incident.RemedyQuota, nil, "refused: remedy"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			change, err := Compute(incident.Plan{Remedy: test.remedy, Recipe: test.recipe}, incident.Diagnosis{}, Inputs{Distribution: "E1", ETag: "T1", Theirs: shop(t)})
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("%v: %v", err, paths(change.Difference))
			}
		})
	}
}

func TestNothingThatProtectsIsTakenAway(t *testing.T) {
	tests := []struct {
		name   string
		edits  []string
		blamed []string
		want   string // the refusal's beginning; empty: allowed
		needed int
		away   string // the path that goes away
	}{
		{name: "nothing of the kind", edits: []string{`"shop"`, `"store"`}, needed: 1},
		{name: "switched off", edits: []string{`"Enabled":true`, `"Enabled":false`}, blamed: []string{"Enabled"}, want: "Enabled would be switched"},
		{name: "another distribution", edits: []string{`"c"`, `"d"`}, want: "CallerReference would be changed"},
		{name: "no web ACL", edits: []string{`"acl"`, `""`}, blamed: []string{"WebACLId"}, want: "WebACLId would be emptied"},
		{name: "another web ACL", edits: []string{`"acl"`, `"other"`}, want: "WebACLId would change, and is not what is blamed"},
		{name: "another web ACL that is blamed", edits: []string{`"acl"`, `"other"`}, blamed: []string{"WebACLId"}, needed: 2},
		{name: "older TLS", edits: []string{"TLSv1.2_2021", "TLSv1.2_2018"}, blamed: []string{"ViewerCertificate"}, want: "ViewerCertificate/MinimumProtocolVersion would be weakened"},
		{name: "newer TLS that is blamed", edits: []string{"TLSv1.2_2021", "TLSv1.3_2025"}, blamed: []string{"ViewerCertificate"}, needed: 2},
		{name: "TLS that nobody knows is not left", edits: []string{"TLSv1.2_2021", "TLSv1"}, want: "ViewerCertificate/MinimumProtocolVersion would be weakened"},
		{name: "no certificate", edits: []string{`"arn:cert"`, `""`}, blamed: []string{"ViewerCertificate"}, want: "ViewerCertificate/ACMCertificateArn would be emptied"},
		{name: "no geo limits", edits: []string{`{"RestrictionType":"whitelist","Items":["CH"]}`, `{"RestrictionType":"none"}`}, blamed: []string{"Restrictions"}, want: "Restrictions/GeoRestriction/RestrictionType would be taken off"},
		{name: "wider geo limits", edits: []string{`["CH"]`, `["CH","US"]`}, want: "Restrictions/GeoRestriction/Items would change"},
		{name: "plain HTTP", edits: []string{"https-only", "allow-all"}, want: "DefaultCacheBehavior/ViewerProtocolPolicy would be weaker"},
		{name: "plain HTTP that is blamed", edits: []string{"https-only", "allow-all"}, blamed: []string{"DefaultCacheBehavior/ViewerProtocolPolicy"}, needed: 2},
		{name: "a function away", away: defaultLambda, needed: 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			live, result := shop(t), shop(t, test.edits...)
			if test.away != "" {
				result = without(t, live, test.away)
			}
			err := harmless(live, result, test.blamed)
			if (test.want == "") != (err == nil) || err != nil && !strings.HasPrefix(err.Error(), "refused: "+test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
			if needed := Needed(live, result); err == nil && needed != test.needed {
				t.Errorf("%d people, want %d", needed, test.needed)
			}
		})
	}
	if tenants := shop(t, `"Comment"`, `"ConnectionMode":"tenant-only","Comment"`); Needed(tenants, tenants) != 2 {
		t.Error("one person may change what all tenants have")
	}
}

func without(t *testing.T, config distribution.Config, path string) distribution.Config {
	t.Helper()
	result, err := distribution.Apply(config, []incident.FieldChange{{Path: path, From: config.Value(path)}})
	if err != nil {
		t.Fatal(err)
	}
	return result
}
