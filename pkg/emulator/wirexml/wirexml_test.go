// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package wirexml

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var shape = &Shape{
	Item:    map[string]string{"Aliases": "CNAME"},
	List:    map[string]string{"Logs": "member"},
	Numbers: map[string]bool{"Quantity": true},
	Bools:   map[string]bool{"Enabled": true},
}

func TestElementAndValueAreInverse(t *testing.T) {
	for _, test := range []struct{ name, json, xml string }{
		{"lists are named by their parent", `{"Aliases":{"Items":["a.example.com"],"Quantity":1}}`,
			"<C><Aliases><Items><CNAME>a.example.com</CNAME></Items><Quantity>1</Quantity></Aliases></C>"},
		{"booleans and numbers keep their type", `{"Enabled":false,"Quantity":0}`, "<C><Enabled>false</Enabled><Quantity>0</Quantity></C>"},
		{"text is escaped", `{"Comment":"a < b & c"}`, "<C><Comment>a &lt; b &amp; c</Comment></C>"},
		{"an element can be a list itself", `{"Logs":["one","two"]}`, "<C><Logs><member>one</member><member>two</member></Logs></C>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			value, err := JSON([]byte(test.json))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(shape.Element("C", value)); got != test.xml {
				t.Errorf("xml %s, want %s", got, test.xml)
			}
			node, err := Parse([]byte(test.xml))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(value, shape.Value(node)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestElementLeavesOutWhatIsNotThere(t *testing.T) {
	value := map[string]any{"Aliases": map[string]any{"Quantity": 0, "Items": []any{}}, "Gone": nil}
	if got, want := string(shape.Element("C", value)), "<C><Aliases><Quantity>0</Quantity></Aliases></C>"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{"", "<a>", "<a></b>", "<a/><b/>", "plain"} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestFormNestsAndCounts(t *testing.T) {
	values, err := url.ParseQuery("Action=X&Names.member.2=b&Names.member.10=c&Names.member.1=a&Q.member.1.Metric.Name=n")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Form(values)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"Action": "X", "Names": []any{"a", "b", "c"},
		"Q": []any{map[string]any{"Metric": map[string]any{"Name": "n"}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("<C><Aliases><Items><CNAME>a</CNAME></Items><Quantity>1</Quantity></Aliases></C>"))
	f.Add([]byte(`<?xml version="1.0"?><C xmlns="x"><Enabled>true</Enabled><Logs/></C>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		node, err := Parse(data)
		if err != nil {
			return
		}
		value := shape.Value(node)
		if _, err := json.Marshal(value); err != nil {
			t.Fatalf("not JSON: %v", err)
		}
		if _, err := Parse(shape.Element(node.Name, value)); err != nil {
			t.Fatalf("own XML does not parse: %v", err)
		}
	})
}
