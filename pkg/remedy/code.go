// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// CodeInputs are what the change of a CloudFront Function's code is made from.
type CodeInputs struct {
	Diagnosis incident.Diagnosis
	Snapshot  incident.Snapshot  // with what it points to
	Good      *incident.GoodCode // the last good code; nil: none is known
	Fault     string             // what TestFunction says of the code in LIVE; empty: it runs well, or was not tried
	Now       time.Time
}

// residual is how long the throttling of a function lingers after it was mended [facts F9: 5 to 15 minutes, whichever code
// is published meanwhile].
const residual = 15 * time.Minute

// ProposeCode finds the code that goes back into LIVE. A *Refused says what is missing, or that nothing would be gained.
func ProposeCode(in CodeInputs) (*incident.CodeRecipe, error) {
	arn := in.Diagnosis.Detail.FunctionARN
	name := arn[strings.LastIndex(arn, "/")+1:]
	event, err := eventOf(in.Snapshot, arn)
	if err != nil {
		return nil, err
	}
	live, keptLive := in.Snapshot.Holds(incident.PointedFunction, name, incident.StageLive)
	development, keptDevelopment := in.Snapshot.Holds(incident.PointedFunction, name, incident.StageDevelopment)
	switch {
	case !keptLive || !keptDevelopment:
		return nil, refuse("both stages of function %s could not be saved, and publishing would overwrite them", name)
	case in.Good == nil:
		return nil, refuse("no code is known with which function %s has served well: publishing keeps no history", name)
	case in.Good.SHA256 == live.SHA256:
		return nil, refuse("function %s has its last good code already", name)
	case in.Fault == "" && in.Diagnosis.Verdict.Cause == incident.FunctionThrottled && in.Now.Sub(live.ModifiedAt) < residual:
		return nil, refuse("function %s was published %d minutes ago and runs well: throttling lingers for a quarter of an hour, and another change would prolong it",
			name, int(in.Now.Sub(live.ModifiedAt).Minutes()))
	}
	return &incident.CodeRecipe{Function: arn, Event: event, Live: live, Development: development, To: in.Good.Pointed}, nil
}

// eventOf is the event at which a distribution runs a function.
func eventOf(snapshot incident.Snapshot, arn string) (string, error) {
	config, err := distribution.Parse(snapshot.Config)
	if err != nil {
		return "", refuse("the live configuration cannot be read: %v", err)
	}
	for _, behavior := range config.Behaviors() {
		for _, association := range behavior.Functions {
			if association.ARN == arn && events[association.EventType] != "" {
				return association.EventType, nil
			}
		}
	}
	return "", refuse("no behaviour runs the function %s", arn)
}

// CodeDifference shows people which code goes and which comes.
func CodeDifference(recipe incident.CodeRecipe) []incident.FieldChange {
	path := func(stage string) string {
		return "CloudFrontFunctions/" + recipe.Live.ID + "/" + stage + "/FunctionCode"
	}
	changes := []incident.FieldChange{{Path: path(incident.StageLive), From: codeText(recipe.Live), To: codeText(recipe.To)}}
	if recipe.Development.SHA256 != recipe.To.SHA256 {
		kept := codeText(recipe.Development)
		changes = append(changes, incident.FieldChange{Path: path(incident.StageDevelopment) + " (overwritten, then put back)", From: kept, To: kept})
	}
	return changes
}

// codeText names code by the beginning of its hash, as nobody compares sixty-four characters.
func codeText(code incident.Pointed) []byte {
	return quoted(fmt.Sprintf("code %.12s of %s", code.SHA256, code.ModifiedAt.UTC().Format("2006-01-02 15:04 MST")))
}

// checkCode refuses a recipe that is not about one function, or whose stages are not what the incident's snapshot holds.
func checkCode(plan incident.Plan, snapshot incident.Snapshot) (incident.CodeRecipe, error) {
	if plan.Recipe == nil || plan.Recipe.Code == nil {
		return incident.CodeRecipe{}, refuse("the plan names no code")
	}
	recipe := *plan.Recipe.Code
	name := recipe.Function[strings.LastIndex(recipe.Function, "/")+1:]
	for stage, planned := range map[string]incident.Pointed{incident.StageLive: recipe.Live, incident.StageDevelopment: recipe.Development} {
		if kept, there := snapshot.Holds(incident.PointedFunction, name, stage); !there || kept != planned {
			return recipe, refuse("stage %s of function %s is not in the incident's snapshot", stage, name)
		}
	}
	switch {
	case recipe.To.Kind != incident.PointedFunction || recipe.To.ID != name || recipe.To.Key == "":
		return recipe, refuse("the code to publish is not kept, or another function's")
	case recipe.To.SHA256 == recipe.Live.SHA256:
		return recipe, refuse("function %s has that code already", name)
	case events[recipe.Event] == "":
		return recipe, refuse("nothing is known to test event %q with", recipe.Event)
	}
	if event, err := eventOf(snapshot, recipe.Function); err != nil || event != recipe.Event {
		return recipe, refuse("no behaviour runs function %s at %s", name, recipe.Event)
	}
	return recipe, nil
}

// events are what code is tested with: a plain GET, and its answer [CloudFront guide, "CloudFront Functions event
// structure"].
var events = map[string]string{
	"viewer-request":  `{"version":"1.0","context":{"eventType":"viewer-request"},"viewer":{"ip":"198.51.100.11"},` + plainGet + `}`,
	"viewer-response": `{"version":"1.0","context":{"eventType":"viewer-response"},"viewer":{"ip":"198.51.100.11"},` + plainGet + `,"response":{"statusCode":200,"statusDescription":"OK","headers":{},"cookies":{}}}`,
}

const plainGet = `"request":{"method":"GET","uri":"/","querystring":{},"headers":{"host":{"value":"www.example.com"}},"cookies":{}}`

// mostUtilization is the highest compute utilization, in percent of the time that a function may take, at which it is
// unlikely to be throttled [CloudFront guide, "Test functions": 71 to 100 are likely to be].
const mostUtilization = 70

// Unfit says why tested code must not be published; empty where it may be. A test that does not say how long the code
// took is no test.
func Unfit(message, utilization string) string {
	if message != "" {
		return "fails its test: " + incident.Line(message, 200)
	}
	percent, err := strconv.Atoi(strings.TrimSpace(utilization))
	switch {
	case err != nil:
		return "was tested, and the test does not say how long it took"
	case percent > mostUtilization:
		return fmt.Sprintf("takes %d %% of the time that it may take; above %d %% it is likely to be throttled", percent, mostUtilization)
	}
	return ""
}

// sameStage reports whether two stages hold the same.
func sameStage(a, b incident.FunctionCode) bool {
	return a.Comment == b.Comment && a.Runtime == b.Runtime && slices.Equal(a.Stores, b.Stores) && slices.Equal(a.Code, b.Code)
}
