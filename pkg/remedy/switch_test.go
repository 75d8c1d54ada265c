// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/google/go-cmp/cmp"

	watchservice "cloudfront503/pkg/emulator/cloudwatch"
	"cloudfront503/pkg/emulator/kernel"
	logservice "cloudfront503/pkg/emulator/logs"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean/logs"
)

const siteARN = "arn:aws:cloudfront::111122223333:distribution/E1EXAMPLE"

var (
	testPlace = Place{Prefix: "stack", Target: "arn:aws:s3:::kept/access-logs", Topic: "arn:aws:sns:us-east-1:111122223333:stack-on-call"}
	quotasNow = []incident.QuotaValue{{Region: "us-east-1", Service: "cloudfront", Name: "Requests per second per distribution", Value: 250_000}}
)

// allParts are the parts of a site of which nothing is on, in the order in which they are made.
var allParts = []string{
	"additional-metrics E1EXAMPLE", "delivery-source stack-E1EXAMPLE", "delivery-destination stack-E1EXAMPLE", "delivery stack-E1EXAMPLE",
	"alarm stack-quota-E1EXAMPLE-requests",
}

// switchScene is a scene in which evidence is missing, and a plan to switch it on.
type switchScene struct {
	*edgeScene
	logs     *logservice.Service
	alarms   *watchservice.Service
	switches Switches
	in       EvidenceInputs
}

func newSwitchScene(t *testing.T) *switchScene {
	t.Helper()
	return newSwitchSceneOf(t, nil, EvidenceInputs{Place: testPlace, Found: incident.Evidence{Quotas: quotasNow}})
}

// newSwitchSceneOf is one of a configuration, nil for the scene's own, and of what a proposal is made from besides.
func newSwitchSceneOf(t *testing.T, config []byte, in EvidenceInputs) *switchScene {
	t.Helper()
	s := &switchScene{edgeScene: newEdgeScene(t)}
	if config != nil {
		s.record.Snapshot.Config = config
	}
	s.logs, s.alarms = logservice.New(s.world), watchservice.New(s.world)
	keys := credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")
	once := retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 1 })
	s.switches = Switches{
		Edge:   cloudfront.New(cloudfront.Options{Region: "us-east-1", BaseEndpoint: &s.world.Endpoint, Credentials: keys, Retryer: once}),
		Logs:   logs.NewFromConfig(aws.Config{Region: "us-east-1", BaseEndpoint: &s.world.Endpoint, Credentials: keys, Retryer: func() aws.Retryer { return once }}),
		Alarms: cloudwatch.New(cloudwatch.Options{Region: "us-east-1", BaseEndpoint: &s.world.Endpoint, Credentials: keys, Retryer: once}),
	}
	s.Looks, s.Switches, s.Stack.Evidence = s.switches, s.switches, in.Place
	s.record.Snapshot.Distribution, s.record.Snapshot.ARN = "E1EXAMPLE", siteARN
	s.ok(s.edge.PutDistribution("E1EXAMPLE", s.record.Snapshot.Config, nil))
	in.Snapshot = s.record.Snapshot
	s.in = in
	proposed, err := ProposeEvidence(t.Context(), s.switches, in)
	s.ok(err)
	s.plan(incident.RemedyEvidence, "SwitchOnEvidence", incident.Recipe{Evidence: proposed.Recipe})
	return s
}

// on are the parts that stand as planned.
func (s *switchScene) on() (on []string) {
	s.t.Helper()
	for _, part := range s.all() {
		stands, err := s.switches.Look(s.t.Context(), part)
		s.ok(err)
		if stands == AsPlanned {
			on = append(on, part.String())
		}
	}
	return on
}

// all is everything that could be switched on.
func (s *switchScene) all() []Part {
	s.t.Helper()
	none := lookingFunc(func(context.Context, Part) (Standing, error) { return Absent, nil })
	proposed, err := ProposeEvidence(s.t.Context(), none, s.in)
	s.ok(err)
	return Parts("E1EXAMPLE", *proposed.Recipe)
}

type lookingFunc func(context.Context, Part) (Standing, error)

// Look says how a part stands.
func (f lookingFunc) Look(ctx context.Context, part Part) (Standing, error) { return f(ctx, part) }

func TestWhatIsMissingIsSwitchedOnOnceAndTakenAwayAgain(t *testing.T) {
	t.Parallel()
	s := newSwitchScene(t)
	for range 2 {
		written, err := s.Apply(t.Context(), ours)
		if err != nil || written.Action != "evidence" || written.Found || !slices.Equal(written.Created, allParts) {
			t.Fatalf("%+v, %v", written, err)
		}
	}
	if on := s.on(); !slices.Equal(on, allParts) || s.did("logs:CreateDelivery") != 1 || s.did("cloudwatch:PutMetricAlarm") != 1 {
		t.Fatalf("on: %q", on)
	}
	order := s.wantBack(t)
	for range 2 {
		written, err := s.Undo(t.Context(), order)
		if err != nil || written.Action != "undo" || written.Found {
			t.Fatalf("%+v, %v", written, err)
		}
	}
	if on := s.on(); len(on) > 0 {
		t.Errorf("still on: %q", on)
	}
	for _, violation := range s.world.Violations() {
		t.Error(violation)
	}
}

func TestWhatIsOnAlreadyIsLeft(t *testing.T) {
	t.Parallel()
	const theirs = `{"name":"theirs","arn":"a","resourceArns":["` + siteARN + `"],"service":"cloudfront","logType":"ACCESS_LOGS"}`
	for _, c := range []struct {
		name string
		on   func(*switchScene) // since the plan
		want []string           // is ours
		void bool
	}{
		{"metrics", func(s *switchScene) { s.edge.SetMonitoring("E1EXAMPLE", true) }, allParts[1:], false},
		{"an alarm of the name", func(s *switchScene) {
			s.ok(s.alarms.PutMetricAlarm("us-east-1", watchservice.MetricAlarm{AlarmName: "stack-quota-E1EXAMPLE-requests", MetricName: "Requests",
				Namespace: "AWS/CloudFront", Statistic: "Sum", Period: 60, EvaluationPeriods: 1, Threshold: aws.Float64(7), ComparisonOperator: "GreaterThanThreshold"}))
		}, allParts[:4], false},
		{"everything", func(s *switchScene) {
			for _, part := range Parts("E1EXAMPLE", *s.record.Plan.Recipe.Evidence) {
				s.ok(s.switches.On(s.t.Context(), part))
			}
		}, nil, true},
		{"a source of somebody's", func(s *switchScene) { s.ok(s.logs.PutDelivery("us-east-1", logservice.Sources, []byte(theirs))) },
			[]string{allParts[0], allParts[4]}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSwitchScene(t)
			c.on(s)
			written, err := s.Apply(t.Context(), ours)
			if (err != nil) != c.void || err != nil && !isFinal(err) || !cmp.Equal(written.Created, c.want) {
				t.Fatalf("%+v, %v", written, err)
			}
			if c.void {
				return
			}
			before := s.on()
			if _, err := s.Undo(t.Context(), s.wantBack(t)); err != nil {
				t.Fatal(err)
			}
			left := slices.DeleteFunc(before, func(part string) bool { return slices.Contains(c.want, part) })
			if on := s.on(); !slices.Equal(on, left) {
				t.Errorf("on after the way back: %q, want %q", on, left)
			}
		})
	}
}

// Whatever goes wrong once, wherever: after at most three tries, as the runbook makes, all of it is on, or nothing.
func TestEvidenceIsNeverHalfSwitchedOn(t *testing.T) {
	t.Parallel()
	for _, action := range []string{
		"cloudfront:CreateMonitoringSubscription", "logs:PutDeliverySource", "logs:PutDeliveryDestination", "logs:CreateDelivery", "cloudwatch:PutMetricAlarm",
	} {
		for _, c := range []whenever{
			{"is denied", kernel.Fault{Error: deniedCall}, true},
			{"breaks", kernel.Fault{Error: brokenCall, Times: 1}, true},
			{"loses its answer", kernel.Fault{LoseAnswer: true, Times: 1}, false},
			{"is throttled", kernel.Fault{Error: throttling, Times: 3}, false},
		} {
			t.Run(action+" "+c.name, func(t *testing.T) {
				t.Parallel()
				s := newSwitchScene(t)
				c.fault.Action = action
				s.world.Faults.Add(c.fault)
				var err error
				for range 3 {
					if _, err = s.Apply(t.Context(), ours); err == nil || isFinal(err) {
						break
					}
				}
				on := s.on()
				if (err != nil) != c.ends || c.ends && len(on) > 0 || !c.ends && !slices.Equal(on, allParts) {
					t.Errorf("%v, on: %q", err, on)
				}
			})
		}
	}
}

func TestASourceThatSomebodyMakesMeanwhileIsLeft(t *testing.T) {
	t.Parallel()
	s := newSwitchScene(t)
	const theirs = `{"name":"theirs","arn":"a","resourceArns":["` + siteARN + `"],"service":"cloudfront","logType":"ACCESS_LOGS"}`
	s.world.Faults.Add(kernel.Fault{Action: "logs:PutDeliverySource", Times: 1, Before: func() {
		_ = s.logs.PutDelivery("us-east-1", logservice.Sources, []byte(theirs)) // it is valid
	}})
	written, err := s.Apply(t.Context(), ours)
	if want := []string{allParts[0], allParts[4]}; err != nil || !slices.Equal(written.Created, want) || !slices.Equal(s.on(), want) {
		t.Errorf("%+v, %v, on: %q", written, err, s.on())
	}
}

// switchKiller stands in for a function that is killed at one of its writes, before or after AWS has done it.
type switchKiller struct {
	switching
	at, calls int
	done      bool
}

// On is done, or kills.
func (k *switchKiller) On(ctx context.Context, part Part) error {
	return k.or(ctx, part, k.switching.On)
}

// Off is done, or kills.
func (k *switchKiller) Off(ctx context.Context, part Part) error {
	return k.or(ctx, part, k.switching.Off)
}

func (k *switchKiller) or(ctx context.Context, part Part, do func(context.Context, Part) error) error {
	k.calls++
	if k.calls != k.at {
		return do(ctx, part)
	}
	if k.done {
		_ = do(ctx, part)
	}
	panic(errKilled)
}

func TestAnInterruptedSwitchIsCarriedOn(t *testing.T) {
	t.Parallel()
	for at := 1; at <= len(allParts); at++ {
		for _, done := range []bool{false, true} {
			for _, settled := range []bool{false, true} {
				t.Run(fmt.Sprintf("at write %d, done %v, then settled %v", at, done, settled), func(t *testing.T) {
					t.Parallel()
					s := newSwitchScene(t)
					s.interrupt(func(w Writer) { _, _ = w.Apply(t.Context(), ours) }, at, done)
					if settled {
						s.settles(at == len(allParts) && done)
						return
					}
					written, err := s.Apply(t.Context(), ours)
					if err != nil || !slices.Equal(written.Created, allParts) || !slices.Equal(s.on(), allParts) || s.did("logs:CreateDelivery") != 1 {
						t.Errorf("%+v, %v, on: %q", written, err, s.on())
					}
					order := s.wantBack(t)
					s.interrupt(func(w Writer) { _, _ = w.Undo(t.Context(), order) }, at, done)
					if _, err := s.Undo(t.Context(), order); err != nil || len(s.on()) > 0 {
						t.Errorf("%v, on: %q", err, s.on())
					}
				})
			}
		}
	}
}

// interrupt kills a call at one of its writes.
func (s *switchScene) interrupt(call func(Writer), at int, done bool) {
	s.t.Helper()
	first := s.Writer
	first.Switches = &switchKiller{switching: s.Switches, at: at, done: done}
	if !dies(func() { call(first) }) {
		s.t.Fatal("it was not killed")
	}
}

// settles ends what is left: recorded where all of it had arrived, else nothing is on.
func (s *switchScene) settles(whole bool) {
	s.t.Helper()
	_, done, err := s.Settle(s.t.Context(), ours)
	want := []string(nil)
	if whole {
		want = allParts
	}
	if err != nil || done != whole || !slices.Equal(s.on(), want) {
		s.t.Errorf("done %v, %v, on: %q", done, err, s.on())
	}
}

func TestEvidenceThatIsNotThePlannedOneIsRefused(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*switchScene, *incident.EvidenceRecipe){
		"another bucket":       func(_ *switchScene, r *incident.EvidenceRecipe) { r.Logs.Target = "arn:aws:s3:::elsewhere" },
		"another distribution": func(_ *switchScene, r *incident.EvidenceRecipe) { r.Logs.Source = siteARN + "X" },
		"another topic": func(_ *switchScene, r *incident.EvidenceRecipe) {
			r.Alarms[0].Topic = "arn:aws:sns:us-east-1:111122223333:x"
		},
		"another threshold":    func(_ *switchScene, r *incident.EvidenceRecipe) { r.Alarms[0].Threshold = 1 },
		"another alarm's name": func(_ *switchScene, r *incident.EvidenceRecipe) { r.Alarms[0].Name = "stack-5xx" },
		"nothing":              func(_ *switchScene, r *incident.EvidenceRecipe) { *r = incident.EvidenceRecipe{} },
		"another snapshot":     func(s *switchScene, _ *incident.EvidenceRecipe) { s.record.Snapshot.ARN = siteARN + "X" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSwitchScene(t)
			recipe := *s.record.Plan.Recipe.Evidence
			spoil(s, &recipe)
			s.plan(incident.RemedyEvidence, "SwitchOnEvidence", incident.Recipe{Evidence: &recipe})
			if _, err := s.Apply(t.Context(), ours); err == nil || !strings.HasPrefix(err.Error(), "refused: ") || len(s.on()) > 0 {
				t.Errorf("%v, on: %q", err, s.on())
			}
		})
	}
}

func TestGuardsHoldForEvidence(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*switchScene){
		"the distribution has moved": func(s *switchScene) { s.etag = "T9" },
		"the stop switch is on":      func(s *switchScene) { s.Stack.Stop = true },
		"the stack only observes":    func(s *switchScene) { s.Switches = Observed{} },
		"somebody has rejected it": func(s *switchScene) {
			s.record.Decisions = append(s.record.Decisions, s.says("ben", incident.Reject))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSwitchScene(t)
			spoil(s)
			if _, err := s.Apply(t.Context(), ours); !isFinal(err) || len(s.on()) > 0 {
				t.Errorf("%v, on: %q", err, s.on())
			}
		})
	}
}

func TestTheWayBackOfEvidenceLeavesWhatOthersHaveChanged(t *testing.T) {
	t.Parallel()
	s := newSwitchScene(t)
	order := s.undoing()
	s.ok(s.alarms.PutMetricAlarm("us-east-1", watchservice.MetricAlarm{AlarmName: "stack-quota-E1EXAMPLE-requests", MetricName: "Requests",
		Namespace: "AWS/CloudFront", Statistic: "Sum", Period: 60, EvaluationPeriods: 1, Threshold: aws.Float64(7), ComparisonOperator: "GreaterThanThreshold"}))
	if _, err := s.Undo(t.Context(), order); err == nil || err.Error() != "refused: changed by others since: "+allParts[4] {
		t.Errorf("%v", err)
	}
	if on := s.on(); !slices.Equal(on, allParts[:4]) {
		t.Errorf("on: %q", on)
	}
}

func TestWhatIsProposedDependsOnWhatIsThere(t *testing.T) {
	t.Parallel()
	standing := func(all map[string]Standing) lookingFunc {
		return func(_ context.Context, part Part) (Standing, error) { return all[part.Kind], nil }
	}
	edge := incident.QuotaValue{Region: "us-east-1", Service: "lambda", Name: "Concurrent executions", Value: 1000}
	for _, c := range []struct {
		name   string
		config string
		stands map[string]Standing
		quotas []incident.QuotaValue
		want   []string
		left   []string
	}{
		{"nothing is on", `{}`, nil, quotasNow, allParts, nil},
		{"no quota could be read", `{}`, nil, nil, allParts[:4], nil},
		{"legacy logs are on", `{"Logging":{"Enabled":true,"Bucket":"b","Prefix":""}}`, nil, nil, allParts[:1], []string{"standard logs"}},
		{"somebody's source is there", `{}`, map[string]Standing{kindSource: Otherwise}, nil, allParts[:1], []string{"standard logs"}},
		{"our source delivers nothing", `{}`, map[string]Standing{kindSource: AsPlanned, kindMetrics: AsPlanned}, nil, allParts[1:4], []string{"additional metrics"}},
		{"an alarm of before has another threshold", `{}`, map[string]Standing{kindAlarm: Otherwise}, quotasNow, allParts[:4],
			[]string{"the alarm on Requests per second per distribution"}},
		{"concurrency is of no interest without Lambda@Edge", `{}`, nil, []incident.QuotaValue{edge}, allParts[:4], nil},
		{"with Lambda@Edge it is", `{"DefaultCacheBehavior":{"LambdaFunctionAssociations":{"Quantity":1,"Items":[{"EventType":"viewer-request","LambdaFunctionARN":"` + authARN + `"}]}}}`,
			nil, []incident.QuotaValue{edge}, append(slices.Clone(allParts[:4]), "alarm stack-quota-E1EXAMPLE-concurrency"), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			snapshot := incident.Snapshot{Distribution: "E1EXAMPLE", ARN: siteARN, Config: []byte(c.config)}
			proposed, err := ProposeEvidence(t.Context(), standing(c.stands), EvidenceInputs{Place: testPlace, Snapshot: snapshot, Found: incident.Evidence{Quotas: c.quotas}})
			if err != nil {
				t.Fatal(err)
			}
			recipe, left := proposed.Recipe, proposed.Left
			var parts []string
			for _, part := range Parts("E1EXAMPLE", *recipe) {
				parts = append(parts, part.String())
			}
			if diff := cmp.Diff(c.want, parts); diff != "" || !slices.Equal(left, c.left) {
				t.Errorf("parts (-want +got):\n%s\nleft %q", diff, left)
			}
			if n := len(EvidenceDifference(*recipe)); n == 0 || n > len(parts) {
				t.Errorf("%d lines for people", n)
			}
		})
	}
	on := standing(map[string]Standing{kindMetrics: AsPlanned, kindDelivery: AsPlanned, kindAlarm: AsPlanned})
	snapshot := incident.Snapshot{Distribution: "E1EXAMPLE", ARN: siteARN, Config: []byte(`{}`)}
	if _, err := ProposeEvidence(t.Context(), on, EvidenceInputs{Place: testPlace, Snapshot: snapshot, Found: incident.Evidence{Quotas: quotasNow}}); !isFinal(err) {
		t.Errorf("everything is on: %v", err)
	}
}
