// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package report_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/report"
)

var update = flag.Bool("update", false, "write the goldens anew")

var began = time.Date(2026, 11, 24, 3, 41, 0, 0, time.UTC)

func step(after time.Duration, writer string, kind incident.StepKind, note string, detail any) incident.Step {
	raw, err := json.Marshal(detail)
	if err != nil {
		panic(err)
	}
	if detail == nil {
		raw = nil
	}
	return incident.Step{Writer: writer, Kind: kind, At: began.Add(after), Note: note, Detail: raw}
}

// changed is an incident that was approved, changed and recovered.
func changed() report.Input {
	diagnosis := incident.Diagnosis{
		Verdict: incident.Verdict{Cause: incident.ErrorPage503, Confidence: 0.94},
		Candidates: []incident.Candidate{
			{Cause: incident.ErrorPage503, Confidence: 0.94, For: []incident.Fact{{Source: "distribution", Fact: "a custom error response turns 404 into 503"}, {Source: "probe", Fact: `the page says "Back soon"`}}},
			{Cause: incident.Origin503, Confidence: 0.04, Against: []incident.Fact{{Source: "probe", Fact: "server: CloudFront"}}, Missing: []incident.Fact{{Source: "access-logs", Fact: "x-edge-result-type"}}},
		},
		Change: &incident.BlamedEvent{EventName: "UpdateDistribution", At: began.Add(-10 * time.Minute), By: "arn:aws:iam::111122223333:user/deploy"},
		Gaps:   []incident.Gap{{Source: "access-logs", Why: "no object for the window yet", Next: "look again in an hour"}},
		Onset:  began.Add(-9 * time.Minute),
	}
	plan := incident.Plan{
		Cause: incident.ErrorPage503, Remedy: "restore-distribution", WayBack: "the same fields get the values that they have now",
		Difference: []incident.FieldChange{
			{Path: "CustomErrorResponses/Items/[ErrorCode=404]/ResponseCode", From: json.RawMessage(`"503"`), To: json.RawMessage(`"404"`)},
			{Path: "Origins/Items/[Id=web]/CustomHeaders/Items/[HeaderName=X-Verify]/HeaderValue", From: json.RawMessage(`"hunter2"`), To: json.RawMessage(`"hunter3"`)},
		},
	}
	request := incident.ApprovalRequest{Approvers: []string{"ana", "ben", "eve"}, Required: 1, Expires: began.Add(time.Hour)}
	return report.Input{
		Environment: "prod", Incident: incident.Reference{Distribution: "E2EXAMPLE", ID: "000007"}, DomainName: "d111111abcdef8.cloudfront.net", Tags: map[string]string{"aws:cloudformation:stack-name": "shop-cdn"},
		Bucket: "cf503-111122223333", MadeAt: began.Add(2 * time.Hour), Rate: rates(), Requests: requests(),
		Steps: []incident.Step{
			step(0, "respond", incident.StepOpened, "the alarm shop-5xx is in ALARM", nil),
			step(3*time.Second, "respond", incident.StepDiagnosed, "error-page-503, 94 % sure", diagnosis),
			step(4*time.Second, "respond", incident.StepPlanned, "2 fields would go back", plan),
			step(6*time.Second, "respond", incident.StepAsked, "approvers are asked", request),
			step(3*time.Minute, "approve", incident.StepRefused, "refused a reply through the topic of ben: not a reply", incident.Decision{Approver: "ben", At: began.Add(3 * time.Minute), Refusal: "not a reply"}),
			step(4*time.Minute, "approve", incident.StepDecision, "ana answered: approve", incident.Decision{Approver: "ana", Verb: incident.Approve, At: began.Add(4 * time.Minute), Reason: "looks right"}),
			step(5*time.Minute, "remediate", incident.StepWritten, "written as approved", incident.Written{Action: "apply", FromETag: "E2QWRUHEXAMPLE", ToETag: "E3UN6WX5EXAMPLE", At: began.Add(5 * time.Minute)}),
			step(9*time.Minute, "remediate", incident.StepDeployed, "all edges have the change", nil),
			step(20*time.Minute, "verify", incident.StepRecovery, "recovered", incident.Recovery{State: incident.Recovered, Why: "back in its earlier range", Before: 23.4, After: 0.02, Requests: 18250}),
			step(21*time.Minute, "verify", incident.StepClosed, "closed", incident.Outcome{Result: "changed", Why: "back in its earlier range"}),
		},
	}
}

func rates() report.Series {
	s := report.Series{Name: "503ErrorRate, percent"}
	for i := range 50 {
		value := 0.1
		if i > 11 && i < 28 {
			value = 23.4
		}
		if i > 30 && i < 36 { // a gap
			continue
		}
		s.Points = append(s.Points, report.Point{At: began.Add(time.Duration(i-20) * time.Minute), Value: value})
	}
	return s
}

func requests() report.Series {
	s := report.Series{Name: "Requests a minute"}
	for i := range 50 {
		s.Points = append(s.Points, report.Point{At: began.Add(time.Duration(29-i) * time.Minute), Value: 1200 + 10*float64(i%7)})
	}
	return s
}

// told is an incident in which nothing was touched and no metric was read.
func told() report.Input {
	return report.Input{
		Incident: incident.Reference{Distribution: "E2EXAMPLE", ID: "000008"}, MadeAt: began, Outcome: incident.Outcome{Result: "told"},
		Steps: []incident.Step{
			step(0, "respond", incident.StepOpened, "", nil),
			step(time.Second, "respond", incident.StepDiagnosed, "", incident.Diagnosis{Verdict: incident.Verdict{Cause: incident.CloudFrontIncident, Confidence: 0.9}}),
			step(time.Second, "respond", incident.StepPlanned, "", incident.Plan{TellOnly: "it is AWS's to repair"}),
		},
	}
}

func TestReportsAreAsTheGoldens(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]report.Input{"changed": changed(), "told": told(), "empty": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page, err := report.Page(in)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".html", page)
			golden(t, name+".md", report.Markdown(in))
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestAPageLoadsNothingAndRunsNothing(t *testing.T) {
	t.Parallel()
	page, err := report.Page(changed())
	if err != nil {
		t.Fatal(err)
	}
	for _, banned := range []string{"<script", "<link", "<img", "src=", "href=", "url(", "@import", "hunter"} {
		if strings.Contains(string(page), banned) {
			t.Errorf("the page has %q", banned)
		}
	}
	if markdown := string(report.Markdown(changed())); strings.Contains(markdown, "hunter") {
		t.Error("the Markdown shows a custom header's value")
	}
}

func TestMetricsBreakTheLineWhereTheyAreMissing(t *testing.T) {
	t.Parallel()
	page, err := report.Page(changed())
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), `stroke="currentColor" opacity=".3"/>`)
	_, rest, _ = strings.Cut(rest, `<path d="`)
	path, _, _ := strings.Cut(rest, `"`)
	if pieces := strings.Count(path, "M"); pieces != 2 {
		t.Errorf("%d pieces of line around one gap: %s", pieces, path)
	}
}

func TestOddMetricsDrawNoOddNumbers(t *testing.T) {
	t.Parallel()
	in := changed()
	in.Rate.Points = []report.Point{{began, math.NaN()}, {began, math.Inf(1)}, {began.Add(time.Minute), -1}, {began, 0}, {began, 5e300}}
	in.Requests.Points = nil
	for range 10_000 {
		in.Rate.Points = append(in.Rate.Points, report.Point{At: began, Value: 1})
	}
	page, err := report.Page(in)
	if err != nil || strings.Contains(string(page), "NaN") || strings.Contains(string(page), "Inf") || len(page) > 200_000 {
		t.Errorf("error %v, %d bytes", err, len(page))
	}
	if !strings.Contains(string(page), "not read") {
		t.Error("a series that was not read is drawn")
	}
}

func TestATimeThatNobodySetIsNotCounted(t *testing.T) {
	t.Parallel()
	in := changed()
	in.Steps = append(in.Steps, step(time.Minute, "approve", incident.StepDecision, "", incident.Decision{Approver: "eve", Verb: incident.Reject}))
	if markdown := string(report.Markdown(in)); !strings.Contains(markdown, "| eve | reject | after a time that is not known |") {
		t.Error(markdown)
	}
}

func TestTheLastLookAndTheRightWritersCount(t *testing.T) {
	t.Parallel()
	in := changed()
	in.Steps = append(in.Steps,
		step(7*time.Minute, "verify", incident.StepSecondLook, "", incident.Diagnosis{Verdict: incident.Verdict{Cause: incident.Target503, Confidence: 0.8}}),
		step(8*time.Minute, "approve", incident.StepPlanned, "", incident.Plan{TellOnly: "forged"}),
		step(8*time.Minute, "respond", incident.StepDecision, "", incident.Decision{Approver: "forged"}))
	page := string(report.Markdown(in))
	if !strings.Contains(page, "target-503") || strings.Contains(page, "forged") {
		t.Error(page)
	}
}

func TestARecordThatCannotBeReadIsSaid(t *testing.T) {
	t.Parallel()
	in := changed()
	in.Steps = append(in.Steps, incident.Step{Writer: "respond", N: 9, Kind: incident.StepPlanned, Detail: json.RawMessage(`{`)})
	if _, err := report.Page(in); err == nil || !strings.Contains(err.Error(), "respond/9") {
		t.Errorf("error %v", err)
	}
	if markdown := string(report.Markdown(in)); !strings.Contains(markdown, "could not be read") {
		t.Error(markdown)
	}
}

// hostile is an incident in which every text from outside is the same one.
func hostile(text string) report.Input {
	raw, _ := json.Marshal(text)
	facts := []incident.Fact{{Source: text, Fact: text}}
	in := report.Input{
		Environment: text, Incident: incident.Reference{Distribution: text, ID: text}, DomainName: text, Bucket: text,
		Rate: report.Series{Name: text, Points: rates().Points}, Requests: report.Series{Name: text}, Outcome: incident.Outcome{Result: text, Why: text},
	}
	in.Steps = []incident.Step{
		step(0, "respond", incident.StepOpened, text, nil),
		step(0, "respond", incident.StepDiagnosed, text, incident.Diagnosis{
			Verdict: incident.Verdict{Cause: incident.Cause(text)}, Gaps: []incident.Gap{{Source: text, Why: text, Next: text}},
			Candidates: []incident.Candidate{{Cause: incident.Cause(text), For: facts, Against: facts, Missing: facts}},
			Change:     &incident.BlamedEvent{EventName: text, At: began, By: text},
		}),
		step(0, "respond", incident.StepPlanned, text, incident.Plan{Remedy: text, WayBack: text, Difference: []incident.FieldChange{{Path: text, From: raw, To: raw}}}),
		step(0, "respond", incident.StepAsked, text, incident.ApprovalRequest{Approvers: []string{text}}),
		step(0, "approve", incident.StepDecision, text, incident.Decision{Approver: text, Verb: incident.Verb(text), Reason: text}),
		step(0, "remediate", incident.StepWritten, text, incident.Written{Action: text, FromETag: text, ToETag: text}),
		step(0, text, incident.StepKind(text), text, nil),
	}
	return in
}

// wellFormed reads the body as XML, which fails where a text from outside ends an element or begins one, and counts the
// elements.
func wellFormed(page []byte) (elements int, err error) {
	_, body, _ := strings.Cut(string(page), "<body>")
	decoder := xml.NewDecoder(strings.NewReader("<body>" + strings.TrimSuffix(strings.TrimSpace(body), "</html>")))
	decoder.Entity = xml.HTMLEntity
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return elements, nil
		}
		if err != nil {
			return elements, err
		}
		if _, begins := token.(xml.StartElement); begins {
			elements++
		}
	}
}

func FuzzHostileTextStaysText(f *testing.F) {
	f.Add(`<script>alert(1)</script>`)
	f.Add(`"><svg onload=alert(1)> | [x](javascript:y) ![](http://e.example/a.png) www.e.example`)
	f.Add("a\n\n# b\n- c\n\x1b[31m\u202e&lt;&#x41;")
	f.Add("")
	calm, err := report.Page(hostile("x"))
	if err != nil {
		f.Fatal(err)
	}
	want, err := wellFormed(calm)
	if err != nil {
		f.Fatal(err)
	}
	lines := strings.Count(string(report.Markdown(hostile("x"))), "\n")
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" || strings.TrimSpace(text) == "" || !utf8.ValidString(text) {
			text = "y" + strings.ToValidUTF8(text, "?")
		}
		page, err := report.Page(hostile(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := wellFormed(page); err != nil || got != want {
			t.Errorf("%q: %d elements, not %d, error %v", text, got, want, err)
		}
		markdown := string(report.Markdown(hostile(text)))
		if got := strings.Count(markdown, "\n"); got != lines || strings.Contains(markdown, "<") || strings.Contains(strings.ReplaceAll(markdown, `\]`, ""), "](") {
			t.Errorf("%q: %d lines, not %d\n%s", text, got, lines, markdown)
		}
	})
}
