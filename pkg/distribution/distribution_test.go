// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package distribution

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"cloudfront503/pkg/incident"

	"github.com/google/go-cmp/cmp"
)

// shop is a whole configuration as the AWS CLI prints it.
func shop(t testing.TB) Config {
	t.Helper()
	text, err := os.ReadFile("testdata/shop.json")
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(text))
}

func parse(t testing.TB, text string) Config {
	t.Helper()
	config, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("parse %s: %v", text, err)
	}
	return config
}

func TestParseRefusesWhatIsNoConfiguration(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                      ``,
		"null":                         `null`,
		"a list":                       `[]`,
		"two configurations":           `{} {}`,
		"what the CLI puts around one": `{"ETag":"E1","DistributionConfig":{}}`,
		"a cut off object":             `{"Comment":"x"`,
	} {
		t.Run(name, func(t *testing.T) {
			if config, err := Parse([]byte(text)); err == nil {
				t.Errorf("parsed as %s", config.Canonical())
			}
		})
	}
}

func TestCanonicalIsOneFormForOneMeaning(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"keys are sorted and white space goes", `{ "b": 1, "a": "x" }`, `{"a":"x","b":1}`},
		{"nulls go, in lists too", `{"a":null,"b":[null,1]}`, `{"b":[1]}`},
		{"an empty Items goes and its Quantity stays", `{"Aliases":{"Quantity":0,"Items":[]}}`, `{"Aliases":{"Quantity":0}}`},
		{"a null Items goes", `{"Aliases":{"Quantity":0,"Items":null}}`, `{"Aliases":{"Quantity":0}}`},
		{"an enum that the SDK has not set goes, an empty text stays", `{"HttpVersion":"","Comment":""}`, `{"Comment":""}`},
		{"Quantity is counted again", `{"Aliases":{"Quantity":7,"Items":["a"]}}`, `{"Aliases":{"Items":["a"],"Quantity":1}}`},
		{"a missing Quantity is added", `{"Aliases":{"Items":["a"]}}`, `{"Aliases":{"Items":["a"],"Quantity":1}}`},
		{"a set has no order and no doubles", `{"Aliases":{"Items":["b","a","b"]}}`, `{"Aliases":{"Items":["a","b"],"Quantity":2}}`},
		{"codes are sorted as numbers", `{"StatusCodes":{"Items":[1000,503]}}`, `{"StatusCodes":{"Items":[503,1000],"Quantity":2}}`},
		{"origins have no order", `{"Origins":{"Items":[{"Id":"b"},{"Id":"a"}]}}`, `{"Origins":{"Items":[{"Id":"a"},{"Id":"b"}],"Quantity":2}}`},
		{"behaviours keep theirs", `{"CacheBehaviors":{"Items":[{"PathPattern":"b"},{"PathPattern":"a"}]}}`,
			`{"CacheBehaviors":{"Items":[{"PathPattern":"b"},{"PathPattern":"a"}],"Quantity":2}}`},
		{"members of a group keep theirs: the primary is first", `{"Members":{"Items":[{"OriginId":"b"},{"OriginId":"a"}]}}`,
			`{"Members":{"Items":[{"OriginId":"b"},{"OriginId":"a"}],"Quantity":2}}`},
		{"numbers are kept to the digit", `{"a":12345678901234567890,"b":0.10}`, `{"a":12345678901234567890,"b":0.10}`},
		{"nothing is escaped for HTML", `{"a":"<&>"}`, `{"a":"<&>"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, string(parse(t, test.text).Canonical())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHashIsOfTheMeaning(t *testing.T) {
	a, b := parse(t, `{"a":1,"b":null}`), parse(t, ` {"a": 1}`)
	if a.Hash() != b.Hash() || len(a.Hash()) != 64 || a.Hash() == parse(t, `{"a":2}`).Hash() {
		t.Errorf("hashes %s and %s", a.Hash(), b.Hash())
	}
}

// changes are the difference in short: path, from, to.
func changes(list []incident.FieldChange) []string {
	var out []string
	for _, change := range list {
		out = append(out, change.Path+": "+string(change.From)+" -> "+string(change.To))
	}
	return out
}

func TestDiffNamesTheSmallestFields(t *testing.T) {
	tests := []struct {
		name, a, b string
		want       []string
	}{
		{"a changed member", `{"Comment":"x"}`, `{"Comment":"y"}`, []string{`Comment: "x" -> "y"`}},
		{"a member that comes and one that goes", `{"A":1}`, `{"B":2}`, []string{`A: 1 -> `, `B:  -> 2`}},
		{"an error response that comes", `{"CustomErrorResponses":{"Quantity":0}}`,
			`{"CustomErrorResponses":{"Quantity":1,"Items":[{"ErrorCode":404,"ResponseCode":"503"}]}}`,
			[]string{`CustomErrorResponses/Items/[ErrorCode=404]:  -> {"ErrorCode":404,"ResponseCode":"503"}`}},
		{"a member of an error response", `{"CustomErrorResponses":{"Items":[{"ErrorCode":404,"ResponseCode":"200"}]}}`,
			`{"CustomErrorResponses":{"Items":[{"ErrorCode":404,"ResponseCode":"503"}]}}`,
			[]string{`CustomErrorResponses/Items/[ErrorCode=404]/ResponseCode: "200" -> "503"`}},
		{"another origin's domain name", `{"Origins":{"Items":[{"Id":"a","DomainName":"x"},{"Id":"b","DomainName":"y"}]}}`,
			`{"Origins":{"Items":[{"Id":"b","DomainName":"z"},{"Id":"a","DomainName":"x"}]}}`,
			[]string{`Origins/Items/[Id=b]/DomainName: "y" -> "z"`}},
		{"an alias that comes and one that goes", `{"Aliases":{"Items":["a","b"]}}`, `{"Aliases":{"Items":["b","c"]}}`,
			[]string{`Aliases/Items/[a]: "a" -> `, `Aliases/Items/[c]:  -> "c"`}},
		{"behaviours in another order", `{"CacheBehaviors":{"Items":[{"PathPattern":"/a"},{"PathPattern":"/b"}]}}`,
			`{"CacheBehaviors":{"Items":[{"PathPattern":"/b"},{"PathPattern":"/a"}]}}`,
			[]string{`CacheBehaviors/Items/order: ["/a","/b"] -> ["/b","/a"]`}},
		{"a behaviour that comes first", `{"CacheBehaviors":{"Items":[{"PathPattern":"/b"}]}}`,
			`{"CacheBehaviors":{"Items":[{"PathPattern":"/a"},{"PathPattern":"/b"}]}}`,
			[]string{`CacheBehaviors/Items/[PathPattern=/a]:  -> {"PathPattern":"/a"}`, `CacheBehaviors/Items/order: ["/b"] -> ["/a","/b"]`}},
		{"a behaviour that comes last needs no order", `{"CacheBehaviors":{"Items":[{"PathPattern":"/b"}]}}`,
			`{"CacheBehaviors":{"Items":[{"PathPattern":"/b"},{"PathPattern":"/a"}]}}`,
			[]string{`CacheBehaviors/Items/[PathPattern=/a]:  -> {"PathPattern":"/a"}`}},
		{"an edge function of one behaviour",
			`{"CacheBehaviors":{"Items":[{"PathPattern":"/a","LambdaFunctionAssociations":{"Items":[{"EventType":"origin-request","LambdaFunctionARN":"arn:1"}]}}]}}`,
			`{"CacheBehaviors":{"Items":[{"PathPattern":"/a","LambdaFunctionAssociations":{"Items":[{"EventType":"origin-request","LambdaFunctionARN":"arn:2"}]}}]}}`,
			[]string{`CacheBehaviors/Items/[PathPattern=/a]/LambdaFunctionAssociations/Items/[EventType=origin-request]/LambdaFunctionARN: "arn:1" -> "arn:2"`}},
		{"the primary and the secondary change places", `{"Members":{"Items":[{"OriginId":"a"},{"OriginId":"b"}]}}`,
			`{"Members":{"Items":[{"OriginId":"b"},{"OriginId":"a"}]}}`,
			[]string{`Members/Items: [{"OriginId":"a"},{"OriginId":"b"}] -> [{"OriginId":"b"},{"OriginId":"a"}]`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, changes(Diff(parse(t, test.a), parse(t, test.b)))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestApplyChangesNothingWhereAFieldMoved(t *testing.T) {
	base, after := parse(t, `{"A":1,"B":1,"C":1}`), parse(t, `{"A":2,"B":2,"C":1}`)
	moved := parse(t, `{"A":1,"B":9,"C":7}`)
	got, err := Apply(moved, Diff(base, after))
	var conflict *MovedError
	if !errors.As(err, &conflict) || cmp.Diff([]string{"B"}, conflict.Paths) != "" {
		t.Errorf("applied as %s, %v", got.Canonical(), err)
	}
}

func TestApplyKeepsWhatItDoesNotName(t *testing.T) {
	before, after := parse(t, `{"A":1,"B":1}`), parse(t, `{"A":2,"B":1}`)
	got, err := Apply(parse(t, `{"A":1,"B":5}`), Diff(before, after))
	if err != nil || string(got.Canonical()) != `{"A":2,"B":5}` {
		t.Errorf("applied as %s, %v", got.Canonical(), err)
	}
}

func TestApplyTakesAChangeThatWasStoredAsJSON(t *testing.T) {
	a, b := parse(t, `{"A":"x&y"}`), parse(t, `{"A":"<z>"}`)
	stored, err := json.Marshal(Diff(a, b)) // escapes for HTML
	if err != nil || bytes.Contains(stored, []byte("&")) {
		t.Fatalf("stored %s, %v", stored, err)
	}
	var loaded []incident.FieldChange
	if err := json.Unmarshal(stored, &loaded); err != nil {
		t.Fatal(err)
	}
	if got, err := Apply(a, loaded); err != nil || !got.Equal(b) {
		t.Errorf("applied as %s, %v", got.Canonical(), err)
	}
}

func TestApplyRefusesAPathWithoutAPlace(t *testing.T) {
	for _, path := range []string{"A/B/C", "X/Items/[Id=a]", "A/Items/order"} {
		t.Run(path, func(t *testing.T) {
			got, err := Apply(parse(t, `{"A":1}`), []incident.FieldChange{{Path: path, To: json.RawMessage(`1`)}})
			if err == nil {
				t.Errorf("applied as %s", got.Canonical())
			}
		})
	}
}

func TestField(t *testing.T) {
	for path, want := range map[string]string{"Origins/Items/[Id=a/b]/X": "Origins", "Comment": "Comment", "": ""} {
		if got := Field(path); got != want {
			t.Errorf("Field(%q) = %q", path, got)
		}
	}
}

func TestPathsAreTakenApart(t *testing.T) {
	path := ElementPath("CacheBehaviors", "/Aliases/*") + "/TargetOriginId"
	if path != "CacheBehaviors/Items/[PathPattern=/Aliases/*]/TargetOriginId" {
		t.Error(path)
	}
	if diff := cmp.Diff([]string{"CacheBehaviors", "Items", "TargetOriginId"}, Members(path)); diff != "" {
		t.Error(diff)
	}
}

func TestValueFindsElementsWithSlashesInTheirNames(t *testing.T) {
	config := parse(t, `{"CacheBehaviors":{"Items":[{"PathPattern":"/a/*","TargetOriginId":"x"},{"PathPattern":"]%","TargetOriginId":"y"}]}}`)
	for path, want := range map[string]string{
		"CacheBehaviors/Items/[PathPattern=/a/*]/TargetOriginId":    `"x"`,
		"CacheBehaviors/Items/[PathPattern=%5D%25]/TargetOriginId":  `"y"`,
		"CacheBehaviors/Items/[PathPattern=/none]/TargetOriginId":   ``,
		"CacheBehaviors/Items/order":                                `["/a/*","]%"]`,
		"CacheBehaviors/Quantity":                                   `2`,
		"CacheBehaviors/Items/[PathPattern=/a/*]/TargetOriginId/No": ``,
	} {
		if got := string(config.Value(path)); got != want {
			t.Errorf("%s = %q, want %q", path, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"Origins":{"Quantity":1,"Items":[{"Id":"a"}]},"Aliases":{"Items":["b","a"]},"n":1e400}`))
	f.Add(shop(f).Canonical())
	f.Fuzz(func(t *testing.T, text []byte) {
		config, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(config.Canonical())
		if err != nil {
			t.Fatalf("canonical form %s: %v", config.Canonical(), err)
		}
		if !bytes.Equal(config.Canonical(), again.Canonical()) {
			t.Errorf("canonical twice:\n%s\n%s", config.Canonical(), again.Canonical())
		}
		if d := Diff(config, again); len(d) > 0 {
			t.Errorf("differs from itself in %v", changes(d))
		}
		for _, behavior := range config.Behaviors() {
			config.Match(behavior.PathPattern)
		}
		config.Origins()
		config.OriginGroups()
		config.CustomErrorResponses()
	})
}

func FuzzDiffThenApplyGivesTheOther(f *testing.F) {
	whole := string(shop(f).Canonical())
	f.Add(whole, `{}`)
	f.Add(whole, strings.ReplaceAll(whole, "404", "500"))
	f.Add(`{"Origins":{"Items":[{"Id":"a"},{"Id":"b","X":{"Items":[1]}}]}}`, `{"Origins":{"Items":[{"Id":"b","X":{"Quantity":0}},{"Id":"c"}]}}`)
	f.Add(`{"CacheBehaviors":{"Items":[{"PathPattern":"a"},{"PathPattern":"b"}]}}`, `{"CacheBehaviors":{"Items":[{"PathPattern":"c"},{"PathPattern":"a"}]}}`)
	f.Add(`{"Aliases":{"Items":["a",1]}}`, `{"Aliases":{"Items":{"order":1}}}`)
	f.Add(`{"Aliases":{"Items":{"order":1,"[a]":2}}}`, `{"Aliases":{"Items":{"order":2,"":3}}}`)
	f.Add(`{"a/b":{"Items":["%]"]}}`, `{"a/b":{"Items":["%5D"]}}`)
	f.Fuzz(func(t *testing.T, left, right string) {
		a, err := Parse([]byte(left))
		if err != nil {
			return
		}
		b, err := Parse([]byte(right))
		if err != nil {
			return
		}
		difference := Diff(a, b)
		got, err := Apply(a, difference)
		if err != nil || !got.Equal(b) {
			t.Errorf("%s with %v\ngives %s, %v\nnot   %s", a.Canonical(), changes(difference), got.Canonical(), err, b.Canonical())
		}
		if (len(difference) == 0) != a.Equal(b) {
			t.Errorf("difference %v between\n%s\n%s", changes(difference), a.Canonical(), b.Canonical())
		}
	})
}
