// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package automation

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/runbook/document"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-cmp/cmp"
)

func TestInputsAreFilledByExactNameAndType(t *testing.T) {
	config := map[string]any{
		"CallerReference": "r", "Comment": "", "Enabled": true, "PriceClass": "PriceClass_100",
		"Origins": map[string]any{"Quantity": 1, "Items": []any{map[string]any{"Id": "o", "DomainName": "o.example.com", "ConnectionTimeout": 5}}},
	}
	var in cloudfront.UpdateDistributionInput
	if err := fill(reflect.ValueOf(&in).Elem(), map[string]any{"Id": "E1EXAMPLE", "IfMatch": "E2", "DistributionConfig": config}, "UpdateDistribution"); err != nil {
		t.Fatal(err)
	}
	if *in.Id != "E1EXAMPLE" || !*in.DistributionConfig.Enabled || *in.DistributionConfig.Origins.Items[0].ConnectionTimeout != 5 || in.DistributionConfig.PriceClass != "PriceClass_100" {
		t.Errorf("filled %+v", in.DistributionConfig)
	}
	bad := map[string]map[string]any{
		`unknown parameter in input: "id"`: {"id": "E1"},
		"Op.Id: int":                       {"Id": 5},
		"Op.DistributionConfig: string":    {"DistributionConfig": "x"},
		`"Quantiti"`:                       {"DistributionConfig": map[string]any{"Origins": map[string]any{"Quantiti": 1}}},
		"Items: map":                       {"DistributionConfig": map[string]any{"Origins": map[string]any{"Items": map[string]any{}}}},
		"Enabled: string":                  {"DistributionConfig": map[string]any{"Enabled": "true"}},
	}
	for want, inputs := range bad {
		err := fill(reflect.ValueOf(&cloudfront.UpdateDistributionInput{}).Elem(), inputs, "Op")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v gave %v, want %q", inputs, err, want)
		}
	}
}

func TestInputsOfOtherKinds(t *testing.T) {
	var metric cloudwatch.GetMetricStatisticsInput
	err := fill(reflect.ValueOf(&metric).Elem(), map[string]any{"StartTime": "2026-11-24T03:00:00Z", "Period": 60, "Statistics": []any{"Sum"}}, "Op")
	if err != nil || !metric.StartTime.Equal(time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)) || metric.Statistics[0] != "Sum" {
		t.Errorf("filled %+v, %v", metric, err)
	}
	var invoke lambda.InvokeInput
	if err := fill(reflect.ValueOf(&invoke).Elem(), map[string]any{"Payload": `{"a":1}`}, "Op"); err != nil || string(invoke.Payload) != `{"a":1}` {
		t.Errorf("filled %q, %v", invoke.Payload, err)
	}
	var tags lambda.TagResourceInput
	if err := fill(reflect.ValueOf(&tags).Elem(), map[string]any{"Tags": map[string]any{"a": "b"}}, "Op"); err != nil || tags.Tags["a"] != "b" {
		t.Errorf("filled %v, %v", tags.Tags, err)
	}
	if err := fill(reflect.ValueOf(&metric).Elem(), map[string]any{"StartTime": "yesterday"}, "Op"); err == nil {
		t.Error("yesterday was taken for a time")
	}
}

func TestAnAnswerHasOnlyWhatCame(t *testing.T) {
	type inner struct {
		Text  *string
		Count *int32
		Blob  []byte
		When  *time.Time
		Kind  string
		Many  []string
		Map   map[string]float64
		None  []string
	}
	out := inner{Text: new(""), Count: new(int32(3)), Blob: []byte("b"), When: new(time.Unix(0, 0)), Many: []string{"x"}, Map: map[string]float64{"a": 1.5}}
	got, err := plainAnswer(reflect.ValueOf(struct{ Inner *inner }{&out}))
	want := map[string]any{"Inner": map[string]any{
		"Text": "", "Count": 3, "Blob": "b", "When": "1970-01-01T00:00:00Z", "Many": []any{"x"}, "Map": map[string]any{"a": 1.5},
	}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestDurations(t *testing.T) {
	tests := map[string]time.Duration{
		"PT1S": time.Second, "PT15M": 15 * time.Minute, "P1D": 24 * time.Hour, "P1DT2H3M4S": 26*time.Hour + 3*time.Minute + 4*time.Second, "PT0S": 0,
	}
	for text, want := range tests {
		if got, err := parseDuration(text); got != want || err != nil {
			t.Errorf("%s is %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "P", "PT", "P1DT", "1S", "P1M", "PT1.5S", "-PT1S", "PT9999999S"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q was taken as %s", text, got)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"PT1S", "P1DT2H3M4S", "P", "PT"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := parseDuration(text); err == nil && d < 0 {
			t.Errorf("%q is %s", text, d)
		}
	})
}

func TestComparisonsOfWhatDoesNotCompare(t *testing.T) {
	for _, c := range []document.Condition{
		{Variable: 5, Operator: "StringEquals", Operand: "5"},
		{Variable: "five", Operator: "NumericEquals", Operand: 5},
		{Variable: "yes", Operator: "BooleanEquals", Operand: true},
		{Variable: []any{"a"}, Operator: "Contains", Operand: "a"},
	} {
		if is, err := holds(c); err == nil {
			t.Errorf("%+v was found %t", c, is)
		}
	}
}

func TestCutKeepsCharactersWhole(t *testing.T) {
	for n := range 8 {
		if got := cut("aüöä", n); !utf8.ValidString(got) || len(got) > n {
			t.Errorf("cut to %d is %q", n, got)
		}
	}
	if got := cut(strings.Repeat("x", payloadLimit+1), payloadLimit); len(got) != 200<<10 {
		t.Errorf("a payload keeps %d bytes, want 200 KB", len(got))
	}
}

func TestOperationsAreToldFromOtherMethods(t *testing.T) {
	client := reflect.ValueOf(&cloudfront.Client{})
	for name, want := range map[string]bool{"GetDistribution": true, "Options": false, "Nothing": false} {
		if got := isOperation(client.MethodByName(name)); got != want {
			t.Errorf("%s: %t, want %t", name, got, want)
		}
	}
}

func TestVariableLimits(t *testing.T) {
	long := make([]any, 51)
	for name, value := range map[string]any{"an empty text": "", "a text of 513": strings.Repeat("x", 513), "a list of 51": long} {
		if variableLimits(value) == nil {
			t.Errorf("%s was taken", name)
		}
	}
	for name, value := range map[string]any{"a text of 512": strings.Repeat("ü", 512), "a list of 50": long[:50], "a number": 7} {
		if err := variableLimits(value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatOutputsMayBe(t *testing.T) {
	tests := []struct {
		kind  string
		value any
		ok    bool
	}{
		{"String", "x", true}, {"String", 1, false}, {"Integer", 2.0, true}, {"Integer", 2.5, false}, {"Boolean", true, true},
		{"Boolean", "true", false}, {"StringList", []any{"a"}, true}, {"StringList", []any{1}, false}, {"StringList", []any{}, true},
		{"StringMap", map[string]any{}, true}, {"MapList", []any{map[string]any{}}, true}, {"MapList", []any{"a"}, false}, {"Text", "x", false},
	}
	for _, test := range tests {
		if _, err := typed(test.kind, test.value); (err == nil) != test.ok {
			t.Errorf("%v as %s: %v", test.value, test.kind, err)
		}
	}
}

func TestAnAPIThatIsNotThereIsNoted(t *testing.T) {
	w := kernel.NewWorld("111122223333", "us-east-1")
	x := New(w)
	d, err := document.Parse([]byte(`{"schemaVersion": "0.3", "mainSteps": [{"name": "Ask", "action": "aws:executeAwsApi", "inputs": {"Service": "ec2", "Api": "DescribeInstances"}}, {"name": "Do", "action": "aws:runInstances"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	d.Steps[0].OnFailure = "Continue"
	id, err := x.Start(Start{Definition: d, Name: "Ask", Version: "1", Region: "us-east-1", Caller: kernel.Principal{ARN: "arn:aws:iam::111122223333:user/operator", Operator: true}})
	if err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if e, _ := x.Get(id); e.Status != Failed || e.Steps[0].Status != Failed {
		t.Errorf("execution %+v", e)
	}
	if got := w.Violations(); len(got) != 2 {
		t.Errorf("noted %q, want the service and the action", got)
	}
}
