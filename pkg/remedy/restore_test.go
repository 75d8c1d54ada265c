// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"errors"
	"strings"
	"testing"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"

	"github.com/google/go-cmp/cmp"
)

// site is a small configuration; each edit replaces one text by another.
func site(t *testing.T, edits ...string) distribution.Config {
	t.Helper()
	text := strings.NewReplacer(edits...).Replace(`{"CallerReference":"c","Comment":"site","Enabled":true,"WebACLId":"acl",
		"Aliases":{"Items":["www.example.com"]},
		"Origins":{"Items":[{"Id":"web","DomainName":"web.example.com","CustomOriginConfig":{"OriginReadTimeout":30,"OriginMtlsConfig":{"ClientCertificateArn":"arn:cert"}}}]},
		"DefaultCacheBehavior":{"TargetOriginId":"web","LambdaFunctionAssociations":{"Items":[{"EventType":"viewer-request","LambdaFunctionARN":"arn:auth:1"}]}},
		"CacheBehaviors":{"Items":[{"PathPattern":"/a","TargetOriginId":"web"}]},
		"CustomErrorResponses":{"Items":[{"ErrorCode":404,"ResponseCode":"404","ResponsePagePath":"/404.html"}]}}`)
	config, err := distribution.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func paths(changes []incident.FieldChange) []string {
	var out []string
	for _, change := range changes {
		out = append(out, change.Path)
	}
	return out
}

var errorPage = []string{`"ResponseCode":"404"`, `"ResponseCode":"503"`}

const responseCode = "CustomErrorResponses/Items/[ErrorCode=404]/ResponseCode"

func TestRestore(t *testing.T) {
	with := func(edits ...string) distribution.Config { return site(t, edits...) }
	both := func(edits ...string) distribution.Config { return site(t, append(edits, errorPage...)...) }
	tests := []struct {
		name         string
		base         *distribution.Config
		ours, theirs distribution.Config
		blamed       []string
		want         []string // paths that go back
		left         []string
		conflict     []string
		refused      string
	}{
		{name: "the blamed change goes back", base: new(both()), ours: with(), theirs: both(), want: []string{responseCode}},
		{name: "what others did since stays", base: new(both()), ours: with(), theirs: both(`"Comment":"site"`, `"Comment":"new"`), want: []string{responseCode}},
		{name: "a field that others changed since is a conflict", base: new(both()), ours: with(),
			theirs: with(`"ResponseCode":"404"`, `"ResponseCode":"200"`), conflict: []string{responseCode}},
		{name: "one conflict stops the rest", base: new(both(`"Comment":"site"`, `"Comment":"base"`)), ours: with(),
			theirs: both(`"Comment":"site"`, `"Comment":"other"`), conflict: []string{"Comment"}},
		{name: "a field that is back already is no conflict", base: new(both(`"Comment":"site"`, `"Comment":"base"`)), ours: with(),
			theirs: both(), want: []string{responseCode}},
		{name: "nothing is left to do", base: new(both()), ours: with(), theirs: with(), refused: "there is nothing to put back"},
		{name: "protected fields stay", base: new(both(`"acl"`, `""`, "www.example.com", "x.example.com")), ours: with(), theirs: both(`"acl"`, `""`, "www.example.com", "x.example.com"),
			want: []string{responseCode}, left: []string{"Aliases/Items/[www.example.com]", "Aliases/Items/[x.example.com]", "WebACLId"}},
		{name: "a protected field goes back where it is blamed", base: new(with(`"acl"`, `"other"`)), ours: with(), theirs: with(`"acl"`, `"other"`),
			blamed: []string{"WebACLId"}, want: []string{"WebACLId"}},
		{name: "Enabled stays even where it is blamed", base: new(with(`"site"`, `"x"`)), ours: with(`"Enabled":true`, `"Enabled":false`),
			theirs: with(`"site"`, `"x"`), blamed: []string{"Enabled"}, want: []string{"Comment"}, left: []string{"Enabled"}},
		{name: "a path pattern that is called like a protected field is none", base: new(with(`"/a"`, `"/WebACLId/x"`)), ours: with(), theirs: with(`"/a"`, `"/WebACLId/x"`),
			want: []string{"CacheBehaviors/Items/[PathPattern=/WebACLId/x]", "CacheBehaviors/Items/[PathPattern=/a]"}},
		{name: "without a base only the blamed fields go back", ours: with(), theirs: both(`"Comment":"site"`, `"Comment":"new"`),
			blamed: []string{"CustomErrorResponses/Items/[ErrorCode=404]"}, want: []string{responseCode}},
		{name: "without a base and blame nothing does", ours: with(), theirs: both(), refused: "there is nothing to put back"},
		{name: "an error response that came goes away", ours: with(`"Items":[{"ErrorCode":404,"ResponseCode":"404","ResponsePagePath":"/404.html"}]`, `"Quantity":0`), theirs: both(),
			blamed: []string{"CustomErrorResponses/Items/[ErrorCode=404]"}, want: []string{"CustomErrorResponses/Items/[ErrorCode=404]"}},
		{name: "an origin that somebody uses since does not go away",
			base:    new(with(`"Origins":{"Items":[`, `"Origins":{"Items":[{"Id":"new"},`)),
			ours:    with(),
			theirs:  with(`"Origins":{"Items":[`, `"Origins":{"Items":[{"Id":"new"},`, `"PathPattern":"/a","TargetOriginId":"web"`, `"PathPattern":"/a","TargetOriginId":"new"`),
			refused: "behaviour /a would point to origin new, which would not exist"},
		{name: "multi-tenant, for two approvals", base: new(both()), ours: with(), theirs: both(`"Comment"`, `"ConnectionMode":"tenant-only","Comment"`), want: []string{responseCode}},
		{name: "staging", base: new(both()), ours: with(), theirs: both(`"Comment"`, `"Staging":true,"Comment"`), refused: "distribution E1 is the staging part"},
		{name: "continuous deployment", base: new(both()), ours: with(), theirs: both(`"Comment"`, `"ContinuousDeploymentPolicyId":"p","Comment"`), refused: "distribution E1 has a continuous deployment"},
		{name: "disabled", base: new(both()), ours: with(), theirs: both(`"Enabled":true`, `"Enabled":false`), refused: "distribution E1 is disabled"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			change, err := Restore(Inputs{Distribution: "E1", ETag: "T1", Base: test.base, Ours: test.ours, Theirs: test.theirs, Blamed: test.blamed})
			var refused *Refused
			if test.refused != "" && (!errors.As(err, &refused) || !strings.HasPrefix(refused.Why, test.refused)) {
				t.Errorf("want refusal %q, have %v", test.refused, err)
			}
			var conflict *Conflict
			if test.conflict != nil && (!errors.As(err, &conflict) || cmp.Diff(test.conflict, conflict.Fields) != "") {
				t.Errorf("want conflict over %q, have %v", test.conflict, err)
			}
			if test.want != nil && err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(test.want, paths(change.Difference)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.left, change.Left); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRestoreRefusesFlatRatePlans(t *testing.T) {
	_, err := Restore(Inputs{Distribution: "E1", Base: new(site(t, errorPage...)), Ours: site(t), Theirs: site(t, errorPage...), FlatRate: true})
	if err == nil || !strings.Contains(err.Error(), "flat-rate") {
		t.Error(err)
	}
}

func TestRestoreGivesExactlyTheLiveConfigurationWithTheFieldsPutBack(t *testing.T) {
	theirs := site(t, append([]string{`"Comment":"site"`, `"Comment":"new"`}, errorPage...)...)
	change, err := Restore(Inputs{Distribution: "E1", ETag: "T1", Base: new(site(t, errorPage...)), Ours: site(t), Theirs: theirs})
	if err != nil {
		t.Fatal(err)
	}
	if want := site(t, `"Comment":"site"`, `"Comment":"new"`); !change.Result.Equal(want) {
		t.Errorf("result %s", change.Result.Canonical())
	}
	if change.Hash != incident.ChangeHash("E1", "T1", change.Difference, nil) {
		t.Error("the hash is of something else")
	}
}

func TestTheWayBackUndoesTheSameFieldsAndNothingElse(t *testing.T) {
	before := site(t, append([]string{`[{"PathPattern":"/a"`, `[{"PathPattern":"/new","TargetOriginId":"web"},{"PathPattern":"/a"`}, errorPage...)...)
	change, err := Restore(Inputs{Distribution: "E1", ETag: "T1", Base: &before, Ours: site(t), Theirs: before})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("on what we wrote it gives what was there, order included", func(t *testing.T) {
		back, err := WayBack(change, change.Result, "T2")
		if err != nil || !back.Result.Equal(before) || back.ETag != "T2" {
			t.Errorf("%v: %s", err, back.Result.Canonical())
		}
	})
	t.Run("what others did since stays", func(t *testing.T) {
		back, err := WayBack(change, site(t, `"site"`, `"since"`), "T3")
		if err != nil || string(back.Result.Value("Comment")) != `"since"` || string(back.Result.Value(responseCode)) != `"503"` {
			t.Errorf("%v: %s", err, back.Result.Canonical())
		}
	})
	t.Run("a field that does not hold our value any more is a conflict", func(t *testing.T) {
		_, err := WayBack(change, site(t, `"ResponseCode":"404"`, `"ResponseCode":"200"`), "T3")
		var conflict *Conflict
		if !errors.As(err, &conflict) || cmp.Diff([]string{responseCode}, conflict.Fields) != "" {
			t.Error(err)
		}
	})
	t.Run("a staging distribution is refused", func(t *testing.T) {
		if _, err := WayBack(change, site(t, `"Comment"`, `"Staging":true,"Comment"`), "T3"); err == nil {
			t.Error("not refused")
		}
	})
}

func TestBlamedPaths(t *testing.T) {
	diagnosis := func(cause incident.Cause) incident.Diagnosis {
		return incident.Diagnosis{Verdict: incident.Verdict{Cause: cause}, Detail: incident.Detail{ErrorCodes: []int{404, 403, 404}, OriginIDs: []string{"w]b"}}}
	}
	for cause, want := range map[incident.Cause][]string{
		incident.ErrorPage503: {"CustomErrorResponses/Items/[ErrorCode=403]", "CustomErrorResponses/Items/[ErrorCode=404]"},
		incident.OriginMTLS:   {"Origins/Items/[Id=w%5Db]/CustomOriginConfig/OriginMtlsConfig"},
		incident.WAF503:       nil,
		incident.Undetermined: nil,
	} {
		if diff := cmp.Diff(want, Blamed(diagnosis(cause))); diff != "" {
			t.Errorf("%s: %s", cause, diff)
		}
	}
}

func TestExposesNamesWhatProtected(t *testing.T) {
	tests := []struct {
		name  string
		edits []string
		want  []string
	}{
		{"nothing", errorPage, nil},
		{"another version of the function", []string{"arn:auth:1", "arn:auth:2"}, nil},
		{"a function that goes", []string{`"LambdaFunctionAssociations"`, `"Nothing"`},
			[]string{"Detaches the Lambda@Edge function at viewer-request of behaviour *; if it checks who may come in, content is open to everybody."}},
		{"mutual TLS that goes", []string{`"OriginMtlsConfig"`, `"Nothing"`}, []string{"Takes mutual TLS off origin web, which is less protected then."}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Exposes(site(t), site(t, test.edits...))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
