// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package pattern

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestPatternMatchesAsDocumented(t *testing.T) {
	tests := []struct {
		name, pattern, event string
		want                 bool
	}{
		{"an exact string", `{"source":["aws.health"]}`, `{"source":"aws.health"}`, true},
		{"an exact string in another case", `{"source":["aws.health"]}`, `{"source":"AWS.health"}`, false},
		{"any of several", `{"s":["a","b"]}`, `{"s":"b"}`, true},
		{"all fields must match", `{"a":["1"],"b":["2"]}`, `{"a":"1","b":"3"}`, false},
		{"a nested field", `{"detail":{"state":{"value":["ALARM"]}}}`, `{"detail":{"state":{"value":"ALARM"}}}`, true},
		{"a nested field that is absent", `{"detail":{"state":{"value":["ALARM"]}}}`, `{"detail":{}}`, false},
		{"a number written another way", `{"n":[5]}`, `{"n":5.0}`, true},
		{"a number is not its text", `{"n":[5]}`, `{"n":"5"}`, false},
		{"null", `{"n":[null]}`, `{"n":null}`, true},
		{"null is not absence", `{"n":[null]}`, `{}`, false},
		{"true", `{"b":[true]}`, `{"b":true}`, true},
		{"a list matches by any element", `{"resources":["x"]}`, `{"resources":["w","x"]}`, true},
		{"an empty list matches nothing", `{"resources":[{"exists":true}]}`, `{"resources":[]}`, false},
		{"objects in a list match each by itself", `{"a":{"x":["1"],"y":["2"]}}`, `{"a":[{"x":"1","y":"3"},{"x":"2","y":"2"}]}`, false},
		{"one object in a list matches whole", `{"a":{"x":["1"],"y":["2"]}}`, `{"a":[{"x":"3"},{"x":"1","y":"2"}]}`, true},
		{"prefix", `{"s":[{"prefix":"cf503-"}]}`, `{"s":"cf503-x"}`, true},
		{"prefix of something else", `{"s":[{"prefix":"cf503-"}]}`, `{"s":"x-cf503-"}`, false},
		{"prefix without regard to case", `{"s":[{"prefix":{"equals-ignore-case":"CF"}}]}`, `{"s":"cfx"}`, true},
		{"suffix", `{"s":[{"suffix":".png"}]}`, `{"s":"a.png"}`, true},
		{"suffix without regard to case", `{"s":[{"suffix":{"equals-ignore-case":".PNG"}}]}`, `{"s":"a.png"}`, true},
		{"equals without regard to case", `{"s":[{"equals-ignore-case":"ALARM"}]}`, `{"s":"alarm"}`, true},
		{"anything but one", `{"s":[{"anything-but":"a"}]}`, `{"s":"b"}`, true},
		{"anything but this one", `{"s":[{"anything-but":"a"}]}`, `{"s":"a"}`, false},
		{"anything but a list", `{"s":[{"anything-but":["a","b"]}]}`, `{"s":"b"}`, false},
		{"anything but a number", `{"s":[{"anything-but":[1,2]}]}`, `{"s":1.0}`, false},
		{"anything but needs the field", `{"s":[{"anything-but":"a"}]}`, `{}`, false},
		{"anything but a prefix", `{"s":[{"anything-but":{"prefix":"a"}}]}`, `{"s":"ab"}`, false},
		{"anything but prefixes", `{"s":[{"anything-but":{"prefix":["a","b"]}}]}`, `{"s":"cb"}`, true},
		{"anything but a suffix", `{"s":[{"anything-but":{"suffix":"b"}}]}`, `{"s":"ab"}`, false},
		{"anything but a wildcard", `{"s":[{"anything-but":{"wildcard":"*/lib/*"}}]}`, `{"s":"a/lib/b"}`, false},
		{"anything but a word in any case", `{"s":[{"anything-but":{"equals-ignore-case":"A"}}]}`, `{"s":"a"}`, false},
		{"numeric at the bound", `{"n":[{"numeric":["<=",5]}]}`, `{"n":5}`, true},
		{"numeric range", `{"n":[{"numeric":[">",0,"<",5]}]}`, `{"n":5}`, false},
		{"numeric does not take text", `{"n":[{"numeric":["=",5]}]}`, `{"n":"5"}`, false},
		{"address in its block", `{"ip":[{"cidr":"10.0.0.0/24"}]}`, `{"ip":"10.0.0.255"}`, true},
		{"address outside its block", `{"ip":[{"cidr":"10.0.0.0/24"}]}`, `{"ip":"10.0.1.1"}`, false},
		{"an IPv6 address in its block", `{"ip":[{"cidr":"2001:db8::/32"}]}`, `{"ip":"2001:db8::1"}`, true},
		{"exists", `{"d":{"x":[{"exists":true}]}}`, `{"d":{"x":null}}`, true},
		{"exists does not see an object", `{"d":[{"exists":true}]}`, `{"d":{"x":1}}`, false},
		{"does not exist", `{"d":{"x":[{"exists":false}]}}`, `{"d":{"y":1}}`, true},
		{"does not exist, with its parent absent", `{"d":{"x":[{"exists":false}]}}`, `{"e":1}`, true},
		{"does not exist but does", `{"d":{"x":[{"exists":false}]}}`, `{"d":{"x":1}}`, false},
		{"absent or a value", `{"x":[{"exists":false},"a"]}`, `{"x":"a"}`, true},
		{"a wildcard in the middle", `{"s":[{"wildcard":"a*c*e"}]}`, `{"s":"abcde"}`, true},
		{"a wildcard needs its parts in order", `{"s":[{"wildcard":"a*e*c"}]}`, `{"s":"abcde"}`, false},
		{"a wildcard does not use a part twice", `{"s":[{"wildcard":"ab*b"}]}`, `{"s":"ab"}`, false},
		{"a literal star", `{"s":[{"wildcard":"a\\*b"}]}`, `{"s":"a*b"}`, true},
		{"a literal star is not any text", `{"s":[{"wildcard":"a\\*b"}]}`, `{"s":"axb"}`, false},
		{"or takes its first alternative", `{"$or":[{"a":["1"]},{"b":["2"]}]}`, `{"a":"1"}`, true},
		{"or takes its second alternative", `{"$or":[{"a":["1"]},{"b":["2"]}]}`, `{"b":"2"}`, true},
		{"or with neither", `{"$or":[{"a":["1"]},{"b":["2"]}]}`, `{"a":"2"}`, false},
		{"or beside a field", `{"c":["x"],"$or":[{"a":["1"]},{"b":["2"]}]}`, `{"a":"1","c":"y"}`, false},
		{"an event that is no object", `{"a":["1"]}`, `["a"]`, false},
		{"an event that is no JSON", `{"a":["1"]}`, `{`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := Parse([]byte(test.pattern))
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Match([]byte(test.event)); got != test.want {
				t.Errorf("%s on %s: got %v, want %v", test.pattern, test.event, got, test.want)
			}
		})
	}
}

func TestPatternThatAWSRefusesIsRefused(t *testing.T) {
	tests := []struct{ name, pattern, want string }{
		{"no JSON", `{`, "not JSON"},
		{"two values", `{"a":["b"]} {}`, "more than one value"},
		{"no object", `[]`, "not an object"},
		{"empty", `{}`, "empty object"},
		{"empty below", `{"detail":{}}`, "detail: an empty object"},
		{"a bare value", `{"source":"aws.health"}`, "source: a value must be"},
		{"an empty list", `{"source":[]}`, "empty list"},
		{"a list within a list", `{"a":[["b"]]}`, "list within a list"},
		{"an unknown operator", `{"detail":{"a":[{"prefx":"b"}]}}`, `detail.a: unknown operator "prefx"`},
		{"two operators", `{"a":[{"prefix":"b","suffix":"c"}]}`, "2 operators"},
		{"prefix of a number", `{"a":[{"prefix":1}]}`, "not a string"},
		{"prefix with a strange operator", `{"a":[{"prefix":{"suffix":"a"}}]}`, "only equals-ignore-case"},
		{"exists with text", `{"a":[{"exists":"true"}]}`, "true or false"},
		{"a block that is none", `{"a":[{"cidr":"10.0.0.0"}]}`, "address block"},
		{"numeric with an unknown comparison", `{"a":[{"numeric":["==",1]}]}`, "unknown comparison"},
		{"numeric with text", `{"a":[{"numeric":["=","1"]}]}`, "not a number"},
		{"numeric with too large a number", `{"a":[{"numeric":["=",5000000001]}]}`, "not a number of at most"},
		{"numeric with three parts", `{"a":[{"numeric":["=",1,"<"]}]}`, "wants an operator"},
		{"a range the wrong way round", `{"a":[{"numeric":["<",1,">",0]}]}`, "a range has"},
		{"a range that is empty", `{"a":[{"numeric":[">",2,"<",1]}]}`, "a range has"},
		{"anything but nothing", `{"a":[{"anything-but":[]}]}`, "empty list"},
		{"anything but an object", `{"a":[{"anything-but":{"exists":true}}]}`, "may not stand inside"},
		{"anything but true", `{"a":[{"anything-but":true}]}`, "strings and numbers"},
		{"two stars", `{"a":[{"wildcard":"a**b"}]}`, "two stars"},
		{"a stray backslash", `{"a":[{"wildcard":"a\\b"}]}`, "backslash"},
		{"or with one alternative", `{"$or":[{"a":["b"]}]}`, "two objects"},
		{"or of texts", `{"$or":["a","b"]}`, "not an object"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse([]byte(test.pattern))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

// FuzzPattern looks for a panic, and for a pattern that matches although the values it asks for are nowhere in the event.
func FuzzPattern(f *testing.F) {
	f.Add([]byte(`{"a":[{"wildcard":"a*\\*b"}],"$or":[{"b":["c"]},{"d":[{"numeric":[">",1,"<",3]}]}]}`), []byte(`{"a":"ax*b","d":2}`))
	f.Add([]byte(`{"a":[{"anything-but":{"prefix":["a"]}}]}`), []byte(`{"a":[["b"],{"c":1}]}`))
	f.Add([]byte(`{"a":{"b":[{"exists":false}]}}`), []byte(`{"a":[]}`))
	f.Fuzz(func(t *testing.T, pattern, event []byte) {
		p, err := Parse(pattern)
		if err != nil {
			return
		}
		matched := p.Match(event)
		if matched && !json.Valid(event) {
			t.Errorf("%s matched %q, which is not JSON", pattern, event)
		}
		if again := p.Match(event); again != matched {
			t.Errorf("%s on %s gives %v, then %v", pattern, event, matched, again)
		}
	})
}

// FuzzExact matches every scalar against itself.
func FuzzExact(f *testing.F) {
	f.Add("a", "b")
	f.Add("é\n", "")
	f.Fuzz(func(t *testing.T, key, value string) {
		if key == "$or" {
			return
		}
		pattern, _ := json.Marshal(map[string][]string{key: {value}})
		event, _ := json.Marshal(map[string]string{key: value})
		other, _ := json.Marshal(map[string]string{key: value + "x"})
		p, err := Parse(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if !p.Match(event) || p.Match(other) {
			t.Errorf("%s: %v on %s, %v on %s", pattern, p.Match(event), event, p.Match(other), other)
		}
	})
}
