// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ssm_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"
)

var background = context.Background()

const typedParameters = `{"schemaVersion": "0.3", "assumeRole": "{{ Role }}", "parameters": {
	"Role": {"type": "String", "default": "` + roleARN + `"},
	"Text": {"type": "String", "default": "x", "minChars": 1, "maxChars": 5, "allowedPattern": "^[a-z]+$"},
	"Size": {"type": "String", "default": "small", "allowedValues": ["small", "large"]},
	"Number": {"type": "Integer", "default": 1}, "Flag": {"type": "Boolean", "default": false},
	"Map": {"type": "StringMap", "default": {}}, "Maps": {"type": "MapList", "default": []},
	"List": {"type": "StringList", "default": [], "maxItems": 2}, "Long": {"type": "String", "default": "x"},
	"From": {"type": "String", "default": "{{ssm:where}}"}},
	"mainSteps": [{"name": "Rest", "action": "aws:sleep", "inputs": {"Duration": "PT1M"}}]}`

func TestParametersOfAStart(t *testing.T) {
	const bad, limit = "InvalidAutomationExecutionParametersException", "ValidationException"
	tests := map[string]struct {
		name   string
		values []string
		want   string
	}{
		"a text that fits":                  {"Text", []string{"abc"}, ""},
		"a text that is too long":           {"Text", []string{"abcdef"}, bad},
		"a text of another pattern":         {"Text", []string{"ABC"}, bad},
		"two texts for one":                 {"Text", []string{"a", "b"}, bad},
		"an empty text":                     {"Long", []string{""}, limit},
		"a text of 512 characters":          {"Long", []string{strings.Repeat("ü", 512)}, ""},
		"a text of 513 characters":          {"Long", []string{strings.Repeat("ü", 513)}, limit},
		"a list of 51":                      {"List", strings.Split(strings.Repeat("a", 51), ""), limit},
		"a list beyond maxItems":            {"List", []string{"a", "b", "c"}, bad},
		"an empty list":                     {"List", []string{}, ""},
		"a value that is allowed":           {"Size", []string{"large"}, ""},
		"a value that is not allowed":       {"Size", []string{"huge"}, bad},
		"an integer":                        {"Number", []string{"12"}, ""},
		"an integer that is none":           {"Number", []string{"twelve"}, bad},
		"a boolean":                         {"Flag", []string{"true"}, ""},
		"a boolean that is none":            {"Flag", []string{"yes"}, bad},
		"a map":                             {"Map", []string{`{"a": "b"}`}, ""},
		"a map that is none":                {"Map", []string{"a=b"}, bad},
		"a list of maps":                    {"Maps", []string{`{"a": "b"}`, `{}`}, ""},
		"a parameter that is unknown":       {"Colour", []string{"red"}, bad},
		"a parameter with too long a name":  {strings.Repeat("n", 51), []string{"red"}, limit},
		"a role that does not exist":        {"Role", []string{"arn:aws:iam::111122223333:role/nobody"}, bad},
		"a role that does not trust SSM":    {"Role", []string{"arn:aws:iam::111122223333:role/closed"}, bad},
		"a role that trusts another's SSM":  {"Role", []string{"arn:aws:iam::111122223333:role/other"}, bad},
		"a reference in a value stays text": {"Long", []string{"{{ Text }}"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := newAccount(t)
			a.world.Identity.AddRole(role("closed", strings.Replace(trust, "ssm.amazonaws.com", "ec2.amazonaws.com", 1)))
			a.world.Identity.AddRole(role("other", strings.ReplaceAll(trust, accountID, "444455556666")))
			if _, err := a.operator().PutParameter(background, &client.PutParameterInput{Name: new("where"), Value: new("here"), Type: types.ParameterTypeString}); err != nil {
				t.Fatal(err)
			}
			a.putText("Typed", typedParameters)
			out, err := a.operator().StartAutomationExecution(background, &client.StartAutomationExecutionInput{
				DocumentName: new("Typed"), Parameters: map[string][]string{test.name: test.values}})
			if got := code(err); got != test.want {
				t.Fatalf("answered %q (%v), want %q", got, err, test.want)
			}
			if err != nil {
				return
			}
			shown := a.get(*out.AutomationExecutionId).Parameters
			if diff := cmp.Diff(test.values, shown[test.name]); diff != "" {
				t.Errorf("shown (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"here"}, shown["From"]); diff != "" {
				t.Errorf("default from Parameter Store (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARequiredParameter(t *testing.T) {
	a := newAccount(t)
	a.putText("Gated", gated)
	_, err := a.operator().StartAutomationExecution(background, &client.StartAutomationExecutionInput{DocumentName: new("Gated")})
	if got := code(err); got != "InvalidAutomationExecutionParametersException" {
		t.Errorf("answered %q", got)
	}
}

func TestDocumentAndParametersShareOneSize(t *testing.T) {
	a := newAccount(t)
	text := strings.Replace(typedParameters, `"schemaVersion"`, `"description": "`+strings.Repeat("d", 63*1024)+`", "schemaVersion"`, 1)
	a.putText("Large", text)
	values := map[string][]string{"List": {strings.Repeat("a", 512), strings.Repeat("b", 512)}}
	if _, err := a.operator().StartAutomationExecution(background, &client.StartAutomationExecutionInput{DocumentName: new("Large"), Parameters: values}); code(err) != "InvalidAutomationExecutionParametersException" {
		t.Errorf("answered %v", err)
	}
}

func TestClientTokens(t *testing.T) {
	const token = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
	a := newAccount(t)
	a.putText("Typed", strings.Replace(typedParameters, "{{ssm:where}}", "here", 1))
	start := func(token, text string) (string, error) {
		out, err := a.operator().StartAutomationExecution(background, &client.StartAutomationExecutionInput{
			DocumentName: new("Typed"), ClientToken: &token, Parameters: map[string][]string{"Text": {text}}})
		if err != nil {
			return "", err
		}
		return *out.AutomationExecutionId, nil
	}
	first, err := start(token, "abc")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := start(strings.ToUpper(token), "abc"); err != nil || again != first {
		t.Errorf("the same token gave %q, %v, want the first execution", again, err)
	}
	if _, err := start(token, "other"); code(err) != "IdempotentParameterMismatch" {
		t.Errorf("other parameters were answered %v", err)
	}
	for _, bad := range []string{"not-a-uuid", token + "0", strings.ReplaceAll(token, "-", "")} {
		if _, err := start(bad, "abc"); code(err) != "ValidationException" {
			t.Errorf("token %q was answered %v", bad, err)
		}
	}
	a.world.Settle()
	a.world.Switches.TokenMemoryMinutes = 10
	a.advance(11 * time.Minute)
	if again, err := start(token, "other"); err != nil || again == first {
		t.Errorf("a forgotten token gave %q, %v, want a new execution", again, err)
	}
}

func TestStartsAreThrottled(t *testing.T) {
	a := newAccount(t)
	a.ssm.Throttle(true)
	a.putText("Gated", gated)
	start := func() string {
		_, err := a.operator().StartAutomationExecution(background, &client.StartAutomationExecutionInput{DocumentName: new("Gated"), Parameters: map[string][]string{"Approvers": {"ana"}}})
		return code(err)
	}
	if got := []string{start(), start()}; got[0] != "" || got[1] != "ThrottlingException" {
		t.Errorf("answered %q", got)
	}
	a.advance(time.Second)
	if got := start(); got != "" {
		t.Errorf("a second later answered %q", got)
	}
}

// starter is a client whose only permissions are these statements.
func (a *account) starter(statements string) *client.Client {
	a.Helper()
	a.world.Identity.AddRole(kernel.Role{Name: "starter", Trust: &kernel.Policy{Raw: json.RawMessage(trust)},
		Policies: map[string]json.RawMessage{"own": json.RawMessage(`{"Version":"2012-10-17","Statement":[` + statements + `]}`)}})
	return a.session("starter", "s")
}

func allowed(action, resource string) string {
	return `{"Effect":"Allow","Action":"` + action + `","Resource":"` + resource + `"}`
}

func TestWhatAStartNeeds(t *testing.T) {
	all := map[string]string{
		"the document":   allowed("ssm:StartAutomationExecution", "arn:aws:ssm:us-east-1:111122223333:document/Gated"),
		"the execution":  allowed("ssm:StartAutomationExecution", "arn:aws:ssm:us-east-1:111122223333:automation-execution/*"),
		"the definition": allowed("ssm:StartAutomationExecution", "arn:aws:ssm:us-east-1:111122223333:automation-definition/Gated:*"),
		"tagging":        allowed("ssm:AddTagsToResource", "arn:aws:ssm:us-east-1:111122223333:automation-execution/*"),
		"passing the role": `{"Effect":"Allow","Action":"iam:PassRole","Resource":"` + roleARN + `",
			"Condition":{"StringEquals":{"iam:PassedToService":"ssm.amazonaws.com"}}}`,
	}
	start := func(a *account, without string) string {
		var statements []string
		for name, statement := range all {
			if name != without {
				statements = append(statements, statement)
			}
		}
		_, err := a.starter(strings.Join(statements, ",")).StartAutomationExecution(background, &client.StartAutomationExecutionInput{
			DocumentName: new("Gated"), Parameters: map[string][]string{"Approvers": {"ana"}}, Tags: []types.Tag{{Key: new("incident"), Value: new("E1/000001")}}})
		return code(err)
	}
	a := newAccount(t)
	a.putText("Gated", gated)
	for name := range all {
		if got := start(a, name); got != "AccessDeniedException" {
			t.Errorf("without %s answered %q", name, got)
		}
	}
	if got := start(a, "nothing"); got != "" {
		t.Errorf("with everything answered %q", got)
	}
	a.world.Settle()
	a.world.Switches.DefinitionResource = false
	if got := start(a, "the definition"); got != "" {
		t.Errorf("without the definition, which the switch says is not needed, answered %q", got)
	}
}

func TestSignallingCanBeLimitedByTag(t *testing.T) {
	a := newAccount(t)
	id := a.gated("1", "arn:aws:iam::111122223333:role/starter")
	c := a.starter(`{"Effect":"Allow","Action":"ssm:SendAutomationSignal","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"edge"}}}`)
	if got := code(a.signal(c, id, types.SignalTypeApprove)); got != "AccessDeniedException" {
		t.Errorf("an execution without the tag was answered %q", got)
	}
	if _, err := a.operator().AddTagsToResource(background, &client.AddTagsToResourceInput{
		ResourceType: types.ResourceTypeForTaggingAutomation, ResourceId: &id, Tags: []types.Tag{{Key: new("team"), Value: new("edge")}}}); err != nil {
		t.Fatal(err)
	}
	a.mustSignal(c, id, types.SignalTypeApprove)
}

func TestAnExecutionMayDoWhatItsRoleMay(t *testing.T) {
	a := newAccount(t)
	a.world.Identity.AddRole(kernel.Role{Name: "automation", Trust: &kernel.Policy{Raw: json.RawMessage(trust)}})
	a.putText("Steps", steps("{name: Ask, action: aws:executeAwsApi, inputs: {Service: cloudfront, Api: GetDistribution, Id: E1EXAMPLE}}"))
	e := a.ended(a.start("Steps", nil), "Failed")
	if !strings.Contains(*e.FailureMessage, "AccessDenied") {
		t.Errorf("failure is %q", *e.FailureMessage)
	}
}

func TestWithoutARoleTheCallersSessionGoesOn(t *testing.T) {
	a := newAccount(t)
	a.putText("Steps", strings.Replace(steps(
		"{name: Ask, action: aws:executeAwsApi, inputs: {Service: cloudfront, Api: GetDistribution, Id: E1EXAMPLE}}",
		"{name: Gate, action: aws:approve, inputs: {Approvers: [ana]}}"), "assumeRole: "+roleARN+"\n", "", 1))
	out, err := a.user("eve").StartAutomationExecution(background, &client.StartAutomationExecutionInput{DocumentName: new("Steps")})
	if err != nil {
		t.Fatal(err)
	}
	a.world.Settle()
	for _, line := range a.world.Journal.Lines() {
		if line.Action == "cloudfront:GetDistribution" && line.Principal != "arn:aws:iam::111122223333:user/eve" {
			t.Errorf("called by %s, want the caller", line.Principal)
		}
	}
	a.advance(12*time.Hour + time.Second)
	a.ended(*out.AutomationExecutionId, "TimedOut")
}

func TestDocuments(t *testing.T) {
	a := newAccount(t)
	c := a.operator()
	create := func(name, content string, format types.DocumentFormat) string {
		_, err := c.CreateDocument(background, &client.CreateDocumentInput{Name: &name, Content: &content, DocumentType: types.DocumentTypeAutomation, DocumentFormat: format})
		return code(err)
	}
	rest := steps("{name: Rest, action: aws:sleep, inputs: {Duration: PT1M}}")
	tests := []struct {
		what, name, content string
		format              types.DocumentFormat
		want                string
	}{
		{"a document in YAML", "Rest", rest, types.DocumentFormatYaml, ""},
		{"a document in JSON", "Gated", gated, types.DocumentFormatJson, ""},
		{"the same name again", "Rest", rest, types.DocumentFormatYaml, "DocumentAlreadyExists"},
		{"YAML that is called JSON", "Other", rest, types.DocumentFormatJson, "InvalidDocumentContent"},
		{"a reserved name", "AWS-Rest", rest, types.DocumentFormatYaml, "ValidationException"},
		{"a name that is too short", "R", rest, types.DocumentFormatYaml, "ValidationException"},
		{"a hyphen in a step", "Other", strings.Replace(rest, "Rest", "Rest-a-while", 1), types.DocumentFormatYaml, "InvalidDocumentContent"},
		{"an action that does not exist", "Other", strings.Replace(rest, "aws:sleep", "aws:snooze", 1), types.DocumentFormatYaml, "InvalidDocumentContent"},
		{"an {{ssm:}} in an input", "Other", strings.Replace(rest, "PT1M", "'{{ssm:rest}}'", 1), types.DocumentFormatYaml, "InvalidDocumentContent"},
		{"more than 64 KB", "Other", rest + "# " + strings.Repeat("x", 64*1024), types.DocumentFormatYaml, "MaxDocumentSizeExceeded"},
	}
	for _, test := range tests {
		if got := create(test.name, test.content, test.format); got != test.want {
			t.Errorf("%s was answered %q, want %q", test.what, got, test.want)
		}
	}
	got, err := c.GetDocument(background, &client.GetDocumentInput{Name: new("Rest"), DocumentFormat: types.DocumentFormatJson})
	if err != nil || !json.Valid([]byte(aws.ToString(got.Content))) {
		t.Errorf("as JSON: %v, %q", err, aws.ToString(got.Content))
	}
	list, err := c.ListDocuments(background, &client.ListDocumentsInput{Filters: []types.DocumentKeyValuesFilter{{Key: new("Owner"), Values: []string{"Self"}}}, MaxResults: new(int32(1))})
	if err != nil || len(list.DocumentIdentifiers) != 1 || *list.DocumentIdentifiers[0].Name != "Gated" || list.NextToken == nil {
		t.Errorf("listed %+v, %v", list, err)
	}
}

func TestVersionsOfADocument(t *testing.T) {
	a := newAccount(t)
	c := a.operator()
	first := steps("{name: Rest, action: aws:sleep, inputs: {Duration: PT1M}}")
	second := steps("{name: Rest, action: aws:sleep, inputs: {Duration: PT2M}}")
	a.putText("Rest", first)
	id := a.start("Rest", nil)
	update := func(content, version string) string {
		_, err := c.UpdateDocument(background, &client.UpdateDocumentInput{Name: new("Rest"), Content: &content, DocumentVersion: &version, DocumentFormat: types.DocumentFormatYaml})
		return code(err)
	}
	if got := update(first, "$LATEST"); got != "DuplicateDocumentContent" {
		t.Errorf("the same content was answered %q", got)
	}
	if got := update(second, "$LATEST"); got != "" {
		t.Errorf("other content was answered %q", got)
	}
	if got := update(first+"\n", "1"); got != "InvalidDocumentVersion" {
		t.Errorf("updating from an old version was answered %q", got)
	}
	started := func(version string) (string, string) {
		out, err := c.StartAutomationExecution(background, &client.StartAutomationExecutionInput{DocumentName: new("Rest"), DocumentVersion: &version})
		if err != nil {
			return "", code(err)
		}
		return *a.get(*out.AutomationExecutionId).DocumentVersion, ""
	}
	for version, want := range map[string]string{"$DEFAULT": "1", "$LATEST": "2", "1": "1", "2": "2"} {
		if got, failure := started(version); got != want {
			t.Errorf("%s started %s (%s), want %s", version, got, failure, want)
		}
	}
	if _, failure := started("3"); failure != "AutomationDefinitionVersionNotFoundException" {
		t.Errorf("an unknown version was answered %q", failure)
	}
	if _, err := c.UpdateDocumentDefaultVersion(background, &client.UpdateDocumentDefaultVersionInput{Name: new("Rest"), DocumentVersion: new("2")}); err != nil {
		t.Fatal(err)
	}
	if got, _ := started("$DEFAULT"); got != "2" {
		t.Errorf("$DEFAULT started %s, want 2", got)
	}
	a.advance(61 * time.Second)
	if e := a.ended(id, "Success"); *e.DocumentVersion != "1" {
		t.Errorf("the first execution has version %s, want the one it began with", *e.DocumentVersion)
	}
	described, err := c.DescribeDocument(background, &client.DescribeDocumentInput{Name: new("Rest")})
	if err != nil || *described.Document.DefaultVersion != "2" || *described.Document.LatestVersion != "2" {
		t.Errorf("described %+v, %v", described, err)
	}
	if _, err := c.DeleteDocument(background, &client.DeleteDocumentInput{Name: new("Rest")}); err != nil {
		t.Fatal(err)
	}
	if _, failure := started("1"); failure != "AutomationDefinitionNotFoundException" {
		t.Errorf("a deleted document was answered %q", failure)
	}
}

func TestDescribing(t *testing.T) {
	a := newAccount(t)
	waiting := a.gated("1", "ana")
	done := a.gated("1", "ana")
	a.mustSignal(a.user("ana"), done, types.SignalTypeApprove)
	ids := func(key types.AutomationExecutionFilterKey, value string) []string {
		out, err := a.operator().DescribeAutomationExecutions(background, &client.DescribeAutomationExecutionsInput{
			Filters: []types.AutomationExecutionFilter{{Key: key, Values: []string{value}}}})
		if err != nil {
			return []string{code(err)}
		}
		var found []string
		for _, e := range out.AutomationExecutionMetadataList {
			found = append(found, *e.AutomationExecutionId)
		}
		return found
	}
	tests := []struct {
		key   types.AutomationExecutionFilterKey
		value string
		want  []string
	}{
		{types.AutomationExecutionFilterKeyDocumentNamePrefix, "Ga", []string{done, waiting}},
		{types.AutomationExecutionFilterKeyExecutionStatus, "Waiting", []string{waiting}},
		{types.AutomationExecutionFilterKeyExecutionId, done, []string{done}},
		{types.AutomationExecutionFilterKeyCurrentAction, "aws:approve", []string{waiting}},
		{types.AutomationExecutionFilterKeyStartTimeAfter, "2100-01-01T00:00:00Z", nil},
		{types.AutomationExecutionFilterKeyOpsItemId, "x", []string{"InvalidFilterKey"}},
	}
	for _, test := range tests {
		if diff := cmp.Diff(test.want, ids(test.key, test.value)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", test.key, test.value, diff)
		}
	}
	out, err := a.operator().DescribeAutomationStepExecutions(background, &client.DescribeAutomationStepExecutionsInput{AutomationExecutionId: &done, ReverseOrder: new(true)})
	if err != nil || len(out.StepExecutions) != 2 || *out.StepExecutions[0].StepName != "Write" || out.StepExecutions[0].Inputs["DesiredState"] != `"stopped"` {
		t.Errorf("steps %+v, %v", out, err)
	}
}

const maintenance = "BEGIN:VCALENDAR\r\nPRODID:-//AWS//Change Calendar 1.0//EN\r\nVERSION:2.0\r\nX-CALENDAR-TYPE:DEFAULT_OPEN\r\n" +
	"BEGIN:VEVENT\r\nDTSTART:20261124T020000Z\r\nDTEND:20261124T060000Z\r\nRRULE:FREQ=DAILY\r\nSUMMARY:no changes\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

func TestChangeCalendars(t *testing.T) {
	a := newAccount(t)
	a.putText("Runbook", gated)
	weekend := strings.Replace(strings.Replace(strings.Replace(maintenance, "DEFAULT_OPEN", "DEFAULT_CLOSED", 1), "DAILY", "WEEKLY", 1), "DTSTART:20261124T020000Z", "DTSTART;TZID=Europe/Berlin:20261124T000000", 1)
	for name, content := range map[string]string{"Nights": maintenance, "Tuesdays": weekend} {
		if err := a.ssm.PutDocument(name, []byte(content), "ChangeCalendar"); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		names, at, want, next string
	}{
		{"Nights", "2026-11-24T01:59:59Z", "OPEN", "2026-11-24T02:00:00Z"},
		{"Nights", "2026-11-24T02:00:00Z", "CLOSED", "2026-11-24T06:00:00Z"},
		{"Nights", "2026-11-30T05:59:59Z", "CLOSED", "2026-11-30T06:00:00Z"},
		{"Nights", "2026-11-24T06:00:00Z", "OPEN", "2026-11-25T02:00:00Z"},
		{"Nights", "2020-01-01T03:00:00Z", "OPEN", "2026-11-24T02:00:00Z"},
		{"Tuesdays", "2026-11-24T00:30:00Z", "OPEN", "2026-11-24T06:00:00Z"},
		{"Tuesdays", "2026-11-25T00:30:00Z", "CLOSED", "2026-11-30T23:00:00Z"},
		{"Nights Tuesdays", "2026-11-24T00:30:00Z", "OPEN", "2026-11-24T02:00:00Z"},
		{"Nights Tuesdays", "2026-11-24T12:00:00Z", "CLOSED", "2026-11-30T23:00:00Z"},
		{"Runbook", "2026-11-24T12:00:00Z", "InvalidDocumentType", ""},
		{"Nobody", "2026-11-24T12:00:00Z", "InvalidDocument", ""},
	}
	for _, test := range tests {
		out, err := a.operator().GetCalendarState(background, &client.GetCalendarStateInput{CalendarNames: strings.Fields(test.names), AtTime: &test.at})
		got, next := code(err), ""
		if err == nil {
			got, next = string(out.State), aws.ToString(out.NextTransitionTime)
		}
		if got != test.want || next != test.next {
			t.Errorf("%s at %s: %s until %q, want %s until %q", test.names, test.at, got, next, test.want, test.next)
		}
	}
}

func TestACalendarThatCannotBeReadIsRefused(t *testing.T) {
	a := newAccount(t)
	for _, content := range []string{
		"", "no calendar", strings.Replace(maintenance, "X-CALENDAR-TYPE:DEFAULT_OPEN\r\n", "", 1),
		strings.Replace(maintenance, "FREQ=DAILY", "FREQ=MONTHLY;BYDAY=1MO", 1), strings.Replace(maintenance, "20261124T060000Z", "yesterday", 1),
		strings.Replace(maintenance, "20261124T060000Z", "20261123T060000Z", 1), strings.Replace(maintenance, "20261124T060000Z", "20261126T060000Z", 1),
	} {
		if err := a.ssm.PutDocument("Calendar", []byte(content), "ChangeCalendar"); err == nil {
			t.Errorf("took %q", content)
		}
	}
}

func TestARunbookAsksACalendar(t *testing.T) {
	a := newAccount(t)
	a.world.Clock.SetNow(time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC))
	if err := a.ssm.PutDocument("Nights", []byte(maintenance), "ChangeCalendar"); err != nil {
		t.Fatal(err)
	}
	a.putText("Steps", steps("{name: Open, action: aws:assertAwsResourceProperty, inputs: {Service: ssm, Api: GetCalendarState, CalendarNames: [Nights], PropertySelector: $.State, DesiredValues: [OPEN]}}"))
	a.ended(a.start("Steps", nil), "Failed")
	a.advance(4 * time.Hour)
	a.ended(a.start("Steps", nil), "Success")
}

func TestTags(t *testing.T) {
	a := newAccount(t)
	a.putText("Gated", gated)
	c := a.operator()
	add := func(kind types.ResourceTypeForTagging, id, value string) string {
		_, err := c.AddTagsToResource(background, &client.AddTagsToResourceInput{ResourceType: kind, ResourceId: &id, Tags: []types.Tag{{Key: new("why"), Value: &value}}})
		return code(err)
	}
	if got := add(types.ResourceTypeForTaggingDocument, "Gated", "an approved change"); got != "" {
		t.Errorf("a document was answered %q", got)
	}
	if got := add(types.ResourceTypeForTaggingDocument, "Gated", "a, b"); got != "ValidationException" {
		t.Errorf("a comma was answered %q", got)
	}
	if got := add(types.ResourceTypeForTaggingAutomation, "nobody", "x"); got != "InvalidResourceId" {
		t.Errorf("nothing was answered %q", got)
	}
	out, err := c.ListTagsForResource(background, &client.ListTagsForResourceInput{ResourceType: types.ResourceTypeForTaggingDocument, ResourceId: new("Gated")})
	if err != nil || len(out.TagList) != 1 || *out.TagList[0].Value != "an approved change" {
		t.Errorf("listed %+v, %v", out, err)
	}
}

func TestParameterStore(t *testing.T) {
	a := newAccount(t)
	c := a.operator()
	put := func(value string, overwrite bool) string {
		_, err := c.PutParameter(background, &client.PutParameterInput{Name: new("/edge/where"), Value: &value, Type: types.ParameterTypeString, Overwrite: &overwrite})
		return code(err)
	}
	if got := []string{put("a", false), put("b", false), put("c", true)}; got[0] != "" || got[1] != "ParameterAlreadyExists" || got[2] != "" {
		t.Errorf("answered %q", got)
	}
	out, err := c.GetParameter(background, &client.GetParameterInput{Name: new("/edge/where")})
	if err != nil || *out.Parameter.Value != "c" || out.Parameter.Version != 2 {
		t.Errorf("got %+v, %v", out, err)
	}
	if _, err := c.GetParameter(background, &client.GetParameterInput{Name: new("nothing")}); code(err) != "ParameterNotFound" {
		t.Errorf("answered %v", err)
	}
}

func TestAnUnknownOperationOrParameterIsNoted(t *testing.T) {
	a := &account{T: t, world: newWorld(t)}
	if _, err := a.operator().DescribeInstanceInformation(background, &client.DescribeInstanceInformationInput{}); code(err) != "UnknownOperationException" {
		t.Errorf("an operation was answered %v", err)
	}
	if _, err := a.operator().GetDocument(background, &client.GetDocumentInput{Name: new("Gated"), VersionName: new("x")}); code(err) != "ValidationException" {
		t.Errorf("a parameter was answered %v", err)
	}
	if got := a.world.Violations(); len(got) != 2 {
		t.Errorf("noted %q, want two", got)
	}
}
