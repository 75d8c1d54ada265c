// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package distribution

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const knownJSON = `{"Aliases":{"Quantity":1,"Items":["a"]},"Comment":"","Origins":{"Quantity":2,"Items":[{"Id":"a","DomainName":"x"},{"Id":"b","S3OriginConfig":{}}]},
	"TenantConfig":{"ParameterDefinitions":[{"Name":"n"}]}}`

func TestElementsThatTheSDKDropsAreNamed(t *testing.T) {
	tests := []struct {
		name, xml string
		want      []string
	}{
		{"nothing is unknown", `<?xml version="1.0"?><DistributionConfig xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">
			<Aliases><Quantity>1</Quantity><Items><CNAME>a</CNAME></Items></Aliases><Comment></Comment>
			<Origins><Quantity>2</Quantity><Items><Origin><Id>a</Id><DomainName>x</DomainName></Origin><Origin><Id>b</Id><S3OriginConfig/></Origin></Items></Origins>
			<TenantConfig><ParameterDefinitions><member><Name>n</Name></member></ParameterDefinitions></TenantConfig></DistributionConfig>`, nil},
		{"a new member at the top", `<DistributionConfig><Comment/><Novelty><A>1</A></Novelty></DistributionConfig>`, []string{"Novelty"}},
		{"a new member of an origin", `<DistributionConfig><Origins><Items><Origin><Id>a</Id><Speed>1</Speed></Origin></Items></Origins></DistributionConfig>`,
			[]string{"Origins/Items/Speed"}},
		{"a new list beside known ones", `<DistributionConfig><Aliases><Items><CNAME>a</CNAME></Items><More/></Aliases><Z/></DistributionConfig>`,
			[]string{"Aliases/More", "Z"}},
		{"an empty list is no loss", `<DistributionConfig><Comment><Items/></Comment></DistributionConfig>`, nil},
		{"an empty enum is no loss, one with a value is", `<DistributionConfig><PriceClass></PriceClass><HttpVersion>http9</HttpVersion></DistributionConfig>`, []string{"HttpVersion"}},
		{"the configuration inside a distribution", `<Distribution><Id>E1</Id><DistributionConfig><New/></DistributionConfig></Distribution>`, []string{"New"}},
		{"something else", `<html></html>`, []string{"(unreadable: no DistributionConfig element)"}},
		{"a cut off answer", `<DistributionConfig><Comment>`, []string{"(unreadable: XML syntax error on line 1: unexpected EOF)"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, UnknownElements([]byte(test.xml), parse(t, knownJSON))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzUnknownElements(f *testing.F) {
	f.Add([]byte(`<DistributionConfig><Aliases><Quantity>1</Quantity><Items><CNAME>a</CNAME></Items></Aliases></DistributionConfig>`))
	f.Add([]byte(`<DistributionConfig><a><b>`))
	config := parse(f, knownJSON)
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, path := range UnknownElements(raw, config) {
			if path == "" {
				t.Error("an unknown element without a name")
			}
		}
	})
}
