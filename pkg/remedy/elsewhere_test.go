// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	watchservice "cloudfront503/pkg/emulator/cloudwatch"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/incident"
)

const (
	edgeConfig = `{"DefaultCacheBehavior":{"LambdaFunctionAssociations":{"Quantity":1,"Items":[{"EventType":"viewer-request","LambdaFunctionARN":"` + authARN + `"}]}}}`
	irishTopic = "arn:aws:sns:eu-west-1:444455556666:quotas"

	requestsAlarm = "stack-quota-E1EXAMPLE-requests"
	homeAlarm     = "stack-quota-E1EXAMPLE-concurrency"
	irishAlarm    = homeAlarm + "-eu-west-1"
)

// concurrency is Lambda's quota in Regions.
func concurrency(regions ...string) (quotas []incident.QuotaValue) {
	for _, region := range regions {
		quotas = append(quotas, incident.QuotaValue{Region: region, Service: "lambda", Name: "Concurrent executions", Value: 1000})
	}
	return quotas
}

// seen is a metric of a Lambda function in a Region; an empty function stands for the whole account.
func seen(region, name, function string, values ...float64) incident.Series {
	series := incident.Series{Region: region, Namespace: "AWS/Lambda", Name: name, Dimensions: map[string]string{}}
	if function != "" {
		series.Dimensions["FunctionName"] = function
	}
	for _, value := range values {
		series.Points = append(series.Points, incident.Point{Value: value})
	}
	return series
}

// listed is the stack's place with a topic in Ireland.
func listed() Place {
	return NewPlace("stack", "kept", testPlace.Topic, []string{irishTopic})
}

// inIreland are inputs in which the function ran in Ireland, where a topic is listed.
func inIreland() EvidenceInputs {
	return EvidenceInputs{
		Place: listed(), Regions: []string{"us-east-1", "eu-west-1"},
		Found: incident.Evidence{
			Read: []string{"metrics/eu-west-1", "metrics/us-east-1"}, Quotas: append(concurrency("us-east-1", "eu-west-1"), quotasNow...),
			Series: []incident.Series{seen("eu-west-1", "Invocations", "us-east-1.auth", 0, 7)},
		},
	}
}

func TestAPlaceKnowsItsTopicsByTheirRegion(t *testing.T) {
	got := NewPlace("stack", "kept", testPlace.Topic, []string{irishTopic, "arn:aws:sns:us-west-2:111122223333:quotas", "nonsense"})
	want := map[string]string{"eu-west-1": irishTopic, "us-west-2": "arn:aws:sns:us-west-2:111122223333:quotas"}
	if got.Topic != testPlace.Topic || got.Target != testPlace.Target || !maps.Equal(got.Topics, want) {
		t.Errorf("%+v", got)
	}
	if china := NewPlace("stack", "kept", "arn:aws-cn:sns:us-east-1:1:t", nil); china.Target != "arn:aws-cn:s3:::kept/access-logs" {
		t.Errorf("%+v", china)
	}
}

// alarmCases are spoiled inputs, which alarms there are then, and what is said of those that there are not.
var alarmCases = []struct {
	name   string
	config string
	spoil  func(*EvidenceInputs)
	alarms []string
	says   []string
}{
	{"it ran there", edgeConfig, func(*EvidenceInputs) {}, []string{requestsAlarm, homeAlarm, irishAlarm}, nil},
	{"it was throttled there", edgeConfig, func(in *EvidenceInputs) {
		in.Found.Series = []incident.Series{seen("eu-west-1", "Throttles", "us-east-1.auth", 3)}
	}, []string{requestsAlarm, homeAlarm, irishAlarm}, nil},
	{"it was at work there", edgeConfig, func(in *EvidenceInputs) {
		in.Found.Series = []incident.Series{seen("eu-west-1", "ConcurrentExecutions", "us-east-1.auth", 3)}
	}, []string{requestsAlarm, homeAlarm, irishAlarm}, nil},
	{"it did not run there", edgeConfig, func(in *EvidenceInputs) {
		in.Found.Series = []incident.Series{seen("eu-west-1", "Invocations", "us-east-1.auth", 0, 0), seen("eu-west-1", "Throttles", "us-east-1.auth")}
	}, []string{requestsAlarm, homeAlarm}, nil},
	{"only others use the account's concurrency there", edgeConfig, func(in *EvidenceInputs) {
		in.Found.Series = []incident.Series{seen("eu-west-1", "ConcurrentExecutions", "", 700), seen("eu-west-1", "Invocations", "us-east-1.other", 7), seen("eu-west-1", "Invocations", "auth", 7)}
	}, []string{requestsAlarm, homeAlarm}, nil},
	{"the distribution runs no function", `{}`, func(in *EvidenceInputs) { in.Found.Read = nil }, []string{requestsAlarm}, nil},
	{"no topic is listed there", edgeConfig, func(in *EvidenceInputs) { in.Place.Topics = nil }, []string{requestsAlarm, homeAlarm},
		[]string{"The quota Concurrent executions is used in eu-west-1 too, and gets no alarm there: list a topic of each such Region in QuotaTopics."}},
	{"it ran in several Regions without a topic", edgeConfig, func(in *EvidenceInputs) {
		in.Found.Read = append(in.Found.Read, "metrics/us-west-2", "metrics/ap-south-1")
		in.Found.Series = append(in.Found.Series, seen("us-west-2", "Invocations", "us-east-1.auth", 1), seen("ap-south-1", "Invocations", "us-east-1.auth", 1))
	}, []string{requestsAlarm, homeAlarm, irishAlarm}, []string{"is used in ap-south-1, us-west-2 too"}},
	{"the quota there could not be read", edgeConfig, func(in *EvidenceInputs) { in.Found.Quotas = append(concurrency("us-east-1"), quotasNow...) },
		[]string{requestsAlarm, homeAlarm}, []string{"The quota Concurrent executions could not be read in eu-west-1, and gets no alarm there."}},
	{"nor at home", edgeConfig, func(in *EvidenceInputs) { in.Found.Quotas = quotasNow },
		[]string{requestsAlarm}, []string{"The quota Concurrent executions could not be read in us-east-1, eu-west-1, and"}},
	{"the metrics there could not be read", edgeConfig, func(in *EvidenceInputs) {
		in.Found.Read, in.Found.Series = []string{"metrics/us-east-1"}, nil
	}, []string{requestsAlarm, homeAlarm}, []string{"Whether Lambda@Edge runs in eu-west-1 could not be read, so that there is no alarm."}},
	{"a topic is listed where it does not run", edgeConfig, func(in *EvidenceInputs) { in.Place.Topics["sa-east-1"] = "t" }, []string{requestsAlarm, homeAlarm, irishAlarm}, nil},
}

func TestAlarmsLieWhereTheFunctionsRanAndATopicIsListed(t *testing.T) {
	t.Parallel()
	for _, c := range alarmCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := inIreland()
			in.Snapshot = incident.Snapshot{Distribution: "E1EXAMPLE", ARN: siteARN, Config: []byte(c.config)}
			c.spoil(&in)
			proposed, err := ProposeEvidence(t.Context(), lookingFunc(func(context.Context, Part) (Standing, error) { return Absent, nil }), in)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, alarm := range proposed.Recipe.Alarms {
				names = append(names, alarm.Name)
				if elsewhere := alarm.Name == irishAlarm; elsewhere != (alarm.Topic == irishTopic) || elsewhere != (alarm.Region == "eu-west-1") || alarm.Topic == "" {
					t.Errorf("%+v", alarm)
				}
			}
			if diff := cmp.Diff(c.alarms, names); diff != "" {
				t.Errorf("alarms (-want +got):\n%s", diff)
			}
			if len(proposed.Unwatched) != len(c.says) || !slices.ContainsFunc(append(proposed.Unwatched, ""), func(said string) bool {
				return strings.Contains(said, strings.Join(c.says, ""))
			}) {
				t.Errorf("said: %q, want %q", proposed.Unwatched, c.says)
			}
		})
	}
}

func TestARegionThatDoesNotAnswerKeepsNothingElseFromBeingSwitchedOn(t *testing.T) {
	t.Parallel()
	in := inIreland()
	in.Snapshot = incident.Snapshot{Distribution: "E1EXAMPLE", ARN: siteARN, Config: []byte(edgeConfig)}
	for _, c := range []struct {
		silent string // the alarm of which nobody can tell how it stands
		fails  bool
	}{{irishAlarm, false}, {"stack-quota-E1EXAMPLE-concurrency", true}} {
		looks := lookingFunc(func(_ context.Context, part Part) (Standing, error) {
			if part.Name == c.silent {
				return Absent, errors.New("denied")
			}
			return Absent, nil
		})
		proposed, err := ProposeEvidence(t.Context(), looks, in)
		if (err != nil) != c.fails {
			t.Fatalf("%s: %v", c.silent, err)
		}
		if c.fails {
			continue
		}
		if n := len(proposed.Recipe.Alarms); n != 2 || len(proposed.Left) > 0 ||
			!slices.Equal(proposed.Unwatched, []string{"Whether Concurrent executions in eu-west-1 has an alarm could not be read: denied."}) {
			t.Errorf("%d alarms, left %q, said %q", n, proposed.Left, proposed.Unwatched)
		}
	}
}

func TestPeopleSeeWhereAnAlarmLiesAndWhomItTells(t *testing.T) {
	t.Parallel()
	s := newSwitchSceneOf(t, []byte(edgeConfig), inIreland())
	difference := EvidenceDifference(*s.record.Plan.Recipe.Evidence)
	last := difference[len(difference)-1]
	if want := `"more than 800 of AWS/Lambda ConcurrentExecutions a minute (Maximum) in eu-west-1, told to ` + irishTopic + `"`; last.Path != "CloudWatch/Alarm/"+irishAlarm || string(last.To) != want {
		t.Errorf("%s: %s", last.Path, last.To)
	}
	recipe := *s.record.Plan.Recipe
	for _, move := range []func(*incident.QuotaAlarm){
		func(alarm *incident.QuotaAlarm) { alarm.Region = "eu-west-2" }, func(alarm *incident.QuotaAlarm) { alarm.Topic += "x" },
	} {
		moved := *recipe.Evidence
		moved.Alarms = slices.Clone(moved.Alarms)
		move(&moved.Alarms[len(moved.Alarms)-1])
		if incident.RecipeHash("E1EXAMPLE", "T1", recipe) == incident.RecipeHash("E1EXAMPLE", "T1", incident.Recipe{Evidence: &moved}) {
			t.Errorf("the hash does not bind %+v", moved.Alarms[len(moved.Alarms)-1])
		}
	}
}

// there reports whether an alarm is in a Region.
func (s *switchScene) there(region, name string) bool {
	_, there := s.alarms.AlarmState(region, name)
	return there
}

// names are the parts by which the record knows them.
func (s *switchScene) names() (names []string) {
	for _, part := range s.all() {
		names = append(names, part.String())
	}
	return names
}

func TestAnAlarmOfAnotherRegionIsMadeThereAndTakenAwayAgain(t *testing.T) {
	t.Parallel()
	s := newSwitchSceneOf(t, []byte(edgeConfig), inIreland())
	all := s.names()
	for range 2 {
		written, err := s.Apply(t.Context(), ours)
		if err != nil || written.Found || !slices.Equal(written.Created, all) || !slices.Contains(all, "alarm "+irishAlarm) {
			t.Fatalf("%+v, %v", written, err)
		}
	}
	if !s.there("eu-west-1", irishAlarm) || s.there("us-east-1", irishAlarm) || s.did("cloudwatch:PutMetricAlarm") != 3 {
		t.Errorf("in Ireland %v, at home %v, %d alarms put", s.there("eu-west-1", irishAlarm), s.there("us-east-1", irishAlarm), s.did("cloudwatch:PutMetricAlarm"))
	}
	if _, err := s.Undo(t.Context(), s.wantBack(t)); err != nil || len(s.on()) > 0 || s.there("eu-west-1", irishAlarm) {
		t.Errorf("%v, on: %q", err, s.on())
	}
	for _, violation := range s.world.Violations() {
		t.Error(violation)
	}
}

func TestAFailureInTheSecondRegionLeavesNothingInTheFirst(t *testing.T) {
	t.Parallel()
	for _, c := range []whenever{
		{"is denied", kernel.Fault{Error: deniedCall}, true},
		{"breaks", kernel.Fault{Error: brokenCall, Times: 1}, true},
		{"is throttled", kernel.Fault{Error: throttling, Times: 3}, false},
		{"loses its answer", kernel.Fault{LoseAnswer: true, Times: 1}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSwitchSceneOf(t, []byte(edgeConfig), inIreland())
			c.fault.Action, c.fault.Resource = "cloudwatch:PutMetricAlarm", "arn:aws:cloudwatch:eu-west-1:*"
			s.world.Faults.Add(c.fault)
			var err error
			for range 3 {
				if _, err = s.Apply(t.Context(), ours); err == nil || isFinal(err) {
					break
				}
			}
			if on := s.on(); (err != nil) != c.ends || c.ends && len(on) > 0 || !c.ends && !slices.Equal(on, s.names()) {
				t.Errorf("%v, on: %q", err, on)
			}
		})
	}
}

func TestAWriteThatIsInterruptedInTheSecondRegionIsEnded(t *testing.T) {
	t.Parallel()
	for _, done := range []bool{false, true} {
		for _, settled := range []bool{false, true} {
			t.Run(fmt.Sprintf("done %v, settled %v", done, settled), func(t *testing.T) {
				t.Parallel()
				s := newSwitchSceneOf(t, []byte(edgeConfig), inIreland())
				all := s.names()
				s.interrupt(func(w Writer) { _, _ = w.Apply(t.Context(), ours) }, len(all), done)
				if settled {
					_, made, err := s.Settle(t.Context(), ours)
					if err != nil || made != done || s.there("eu-west-1", irishAlarm) != done || len(s.on()) != map[bool]int{false: 0, true: len(all)}[done] {
						t.Errorf("made %v, %v, on: %q", made, err, s.on())
					}
					return
				}
				if written, err := s.Apply(t.Context(), ours); err != nil || !slices.Equal(written.Created, all) || !slices.Equal(s.on(), all) {
					t.Errorf("%+v, %v, on: %q", written, err, s.on())
				}
			})
		}
	}
}

func TestSomebodysAlarmInAnotherRegionIsLeft(t *testing.T) {
	t.Parallel()
	s := newSwitchSceneOf(t, []byte(edgeConfig), inIreland())
	s.ok(s.alarms.PutMetricAlarm("eu-west-1", watchservice.MetricAlarm{AlarmName: irishAlarm, MetricName: "Errors",
		Namespace: "AWS/Lambda", Statistic: "Sum", Period: 60, EvaluationPeriods: 1, Threshold: aws.Float64(7), ComparisonOperator: "GreaterThanThreshold"}))
	written, err := s.Apply(t.Context(), ours)
	if err != nil || slices.Contains(written.Created, "alarm "+irishAlarm) {
		t.Fatalf("%+v, %v", written, err)
	}
	if _, err := s.Undo(t.Context(), s.wantBack(t)); err != nil || !s.there("eu-west-1", irishAlarm) || len(s.on()) > 0 {
		t.Errorf("%v, still there: %v, on: %q", err, s.there("eu-west-1", irishAlarm), s.on())
	}
}

func TestAnAlarmThatTheStackDoesNotListIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*switchScene, *incident.QuotaAlarm)
		says  string
	}{
		"the topic is listed no longer": {func(s *switchScene, _ *incident.QuotaAlarm) { s.Stack.Evidence = testPlace }, "where this stack lists no topic"},
		"another topic of the Region":   {func(_ *switchScene, a *incident.QuotaAlarm) { a.Topic += "-more" }, "none that this stack makes"},
		"a Region without a topic": {func(s *switchScene, a *incident.QuotaAlarm) {
			*a = s.Stack.Evidence.alarm("E1EXAMPLE", watchedQuotas[1], "eu-west-2", 1000)
		}, "where this stack lists no topic"},
		"another Region under the name": {func(s *switchScene, a *incident.QuotaAlarm) {
			s.Stack.Evidence.Topics["eu-west-2"] = "t"
			a.Region = "eu-west-2"
		}, "none that this stack makes"},
		"the name of the alarm at home":   {func(_ *switchScene, a *incident.QuotaAlarm) { a.Name = "stack-quota-E1EXAMPLE-concurrency" }, "none that this stack makes"},
		"the stack's own Region, by name": {func(_ *switchScene, a *incident.QuotaAlarm) { a.Region, a.Topic = "us-east-1", testPlace.Topic }, "where this stack lists no topic"},
		"what is the distribution's": {func(s *switchScene, a *incident.QuotaAlarm) {
			*a = s.Stack.Evidence.alarm("E1EXAMPLE", watchedQuotas[0], "eu-west-1", 250_000)
		}, "none that this stack makes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSwitchSceneOf(t, []byte(edgeConfig), inIreland())
			s.Stack.Evidence = listed()
			recipe := *s.record.Plan.Recipe.Evidence
			c.spoil(s, &recipe.Alarms[len(recipe.Alarms)-1])
			s.plan(incident.RemedyEvidence, "SwitchOnEvidence", incident.Recipe{Evidence: &recipe})
			if _, err := s.Apply(t.Context(), ours); err == nil || !strings.HasPrefix(err.Error(), "refused: ") || !strings.Contains(err.Error(), c.says) || len(s.on()) > 0 {
				t.Errorf("%v, on: %q", err, s.on())
			}
		})
	}
}
