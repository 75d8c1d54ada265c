// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/accessanalyzer"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"cloudfront503/pkg/distribution"
	analyzerservice "cloudfront503/pkg/emulator/accessanalyzer"
	edgeservice "cloudfront503/pkg/emulator/cloudfront"
	roleservice "cloudfront503/pkg/emulator/iam"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/incident"
)

const (
	rewriteARN = "arn:aws:cloudfront::111122223333:function/rewrite"
	authRole   = "arn:aws:iam::111122223333:role/auth"
	authARN    = "arn:aws:lambda:us-east-1:111122223333:function:auth:7"

	goodJS  = "function handler(event) { return event.request; }"
	badJS   = "function handler(event) { return request; }"
	draftJS = "function handler(event) { /* not ready */ }"
)

// edgeScene is a scene whose function and role are the emulator's, reached over the wire.
type edgeScene struct {
	*scene
	t     *testing.T
	world *kernel.World
	edge  *edgeservice.Service
	roles *roleservice.Service
	kept  map[string][]byte
}

func newEdgeScene(t *testing.T) *edgeScene {
	t.Helper()
	w := kernel.NewWorld("111122223333", "us-east-1")
	s := &edgeScene{scene: newScene(t), t: t, world: w, edge: edgeservice.New(w), roles: roleservice.New(w), kept: map[string][]byte{}}
	analyzerservice.New(w)
	stop, err := w.Listen("127.0.0.1:0")
	s.ok(err)
	t.Cleanup(stop)
	keys := credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")
	once := retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 1 })
	s.Publishes = cloudfront.New(cloudfront.Options{Region: "us-east-1", BaseEndpoint: &w.Endpoint, Credentials: keys, Retryer: once})
	s.Trusts = iam.New(iam.Options{Region: "us-east-1", BaseEndpoint: &w.Endpoint, Credentials: keys, Retryer: once})
	s.Analyzer = accessanalyzer.New(accessanalyzer.Options{Region: "us-east-1", BaseEndpoint: &w.Endpoint, Credentials: keys, Retryer: once})
	s.Pointed, s.Kept = s, s
	return s
}

func (s *edgeScene) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// Function is what stands in a stage, as the control plane says.
func (s *edgeScene) Function(_ context.Context, name, stage string) (incident.FunctionCode, string, error) {
	code, config, etag, there := s.edge.Stage(name, stage)
	if !there {
		return incident.FunctionCode{}, "", errors.New("no such stage")
	}
	var read struct{ Comment, Runtime string }
	err := json.Unmarshal(config, &read)
	return incident.FunctionCode{Comment: read.Comment, Runtime: read.Runtime, Code: code}, etag, err
}

// Trust is a role's trust policy.
func (s *edgeScene) Trust(context.Context, string) (string, error) {
	role, there := s.world.Identity.Role(authRole)
	if !there {
		return "", errors.New("no such role")
	}
	return string(role.Trust.Raw), nil
}

// Thing is what was kept.
func (s *edgeScene) Thing(_ context.Context, kept incident.Pointed) ([]byte, error) {
	return s.kept[kept.Key], nil
}

// Code is code that was kept.
func (s *edgeScene) Code(_ context.Context, kept incident.Pointed) (incident.FunctionCode, error) {
	var code incident.FunctionCode
	return code, json.Unmarshal(s.kept[kept.Key], &code)
}

// keep keeps what stands in a stage now.
func (s *edgeScene) keep(stage string) incident.Pointed {
	s.t.Helper()
	code, etag, err := s.Function(s.t.Context(), "rewrite", stage)
	s.ok(err)
	kept := incident.Pointed{Kind: incident.PointedFunction, ID: "rewrite", Stage: stage, ETag: etag, SHA256: code.Hash(), Key: stage + "/" + code.Hash(), ModifiedAt: noon}
	s.kept[kept.Key] = code.Canonical()
	return kept
}

// plan is an approved plan of a recipe.
func (s *edgeScene) plan(remedy, runbook string, recipe incident.Recipe) {
	plan := incident.Plan{Distribution: "E1EXAMPLE", Remedy: remedy, Runbook: runbook, ETag: "T1", Recipe: &recipe}
	plan.Hash = incident.RecipeHash(plan.Distribution, plan.ETag, recipe)
	s.record.Plan = plan
	s.Stack.Documents[runbook] = "stack-" + runbook
	s.execution.DocumentName = aws.String("stack-" + runbook)
	s.execution.Parameters["Hash"] = []string{plan.Hash}
	s.ask()
}

// newCodeScene has bad code in LIVE, a draft in DEVELOPMENT, and a plan to publish the code that was good.
func newCodeScene(t *testing.T, draft string) *edgeScene {
	t.Helper()
	s := newEdgeScene(t)
	s.ok(s.edge.PutFunction("rewrite", "", []byte(`{"Comment":"rewrites","Runtime":"cloudfront-js-2.0"}`), []byte(goodJS)))
	good := incident.GoodCode{Pointed: s.keep(incident.StageLive), GoodAt: noon.Add(-time.Hour)}
	s.ok(s.edge.SetCodeTest([]byte(badJS), []byte(`{"FunctionErrorMessage":"ReferenceError: \"request\" is not defined"}`)))
	s.ok(s.edge.ChangeFunction("rewrite", kernel.Principal{}, []byte(badJS), true))
	s.ok(s.edge.ChangeFunction("rewrite", kernel.Principal{}, []byte(draft), false))
	live := site(t, errorPage...)
	config, err := distribution.Parse([]byte(strings.Replace(string(live.Canonical()), `"DefaultCacheBehavior":{`,
		`"DefaultCacheBehavior":{"FunctionAssociations":{"Quantity":1,"Items":[{"EventType":"viewer-request","FunctionARN":"`+rewriteARN+`"}]},`, 1)))
	s.ok(err)
	s.record.Snapshot.Config = config.Canonical()
	s.record.Snapshot.Pointed = []incident.Pointed{s.keep(incident.StageDevelopment), s.keep(incident.StageLive)}
	s.record.Diagnosis = incident.Diagnosis{Verdict: incident.Verdict{Cause: incident.FunctionError}, Detail: incident.Detail{FunctionARN: rewriteARN}}
	recipe, err := ProposeCode(CodeInputs{Diagnosis: s.record.Diagnosis, Snapshot: s.record.Snapshot, Good: &good, Fault: "fails", Now: noon})
	s.ok(err)
	s.plan(incident.RemedyCode, "RestoreEdgeFunction", incident.Recipe{Code: recipe})
	return s
}

// stand fails the test unless the stages hold this code.
func (s *edgeScene) stand(development, live string) {
	s.t.Helper()
	for stage, want := range map[string]string{incident.StageDevelopment: development, incident.StageLive: live} {
		if code, _, _, _ := s.edge.Stage("rewrite", stage); string(code) != want {
			s.t.Errorf("%s holds %q, want %q", stage, code, want)
		}
	}
}

// did counts the calls of an action that were done.
func (s *edgeScene) did(action string) int {
	n := 0
	for _, line := range s.world.Journal.Lines() {
		if line.Action == action && line.Outcome == "ok" {
			n++
		}
	}
	return n
}

func TestGoodCodeIsPublishedAndDevelopmentPutBack(t *testing.T) {
	t.Parallel()
	s := newCodeScene(t, draftJS)
	for range 2 {
		written, err := s.Apply(t.Context(), ours)
		if err != nil || written.Action != "publish" || written.Found {
			t.Fatalf("%+v, %v", written, err)
		}
	}
	s.stand(draftJS, goodJS)
	if s.did("cloudfront:UpdateFunction") != 2 || s.did("cloudfront:PublishFunction") != 1 || s.did("cloudfront:TestFunction") != 1 {
		t.Errorf("%d updates, %d publications, %d tests", s.did("cloudfront:UpdateFunction"), s.did("cloudfront:PublishFunction"), s.did("cloudfront:TestFunction"))
	}
}

func TestGoodCodeThatStandsInDevelopmentIsNotWrittenAgain(t *testing.T) {
	t.Parallel()
	s := newCodeScene(t, goodJS)
	if _, err := s.Apply(t.Context(), ours); err != nil {
		t.Fatal(err)
	}
	s.stand(goodJS, goodJS)
	if n := s.did("cloudfront:UpdateFunction"); n != 0 {
		t.Errorf("%d updates", n)
	}
}

var (
	deniedCall = kernel.Errorf(http.StatusForbidden, "AccessDenied", "not allowed")
	throttling = kernel.Errorf(http.StatusBadRequest, "Throttling", "Rate exceeded")
	brokenCall = kernel.Errorf(http.StatusInternalServerError, "InternalError", "We encountered an internal error.")
	movedCall  = kernel.Errorf(http.StatusPreconditionFailed, "PreconditionFailed", "It has moved.")
)

// whenever is a fault of an action that hits at every place where it may.
type whenever struct {
	name  string
	fault kernel.Fault
	ends  bool // the change cannot be made by trying again
}

func codeFaults() []whenever {
	var all []whenever
	for _, action := range []string{"cloudfront:UpdateFunction", "cloudfront:TestFunction", "cloudfront:PublishFunction"} {
		all = append(all,
			whenever{action + " is denied", kernel.Fault{Action: action, Error: deniedCall, Times: 1}, true},
			whenever{action + " finds that it has moved", kernel.Fault{Action: action, Error: movedCall, Times: 1}, true},
			whenever{action + " breaks", kernel.Fault{Action: action, Error: brokenCall, Times: 1}, action != "cloudfront:TestFunction"},
			whenever{action + " loses its answer", kernel.Fault{Action: action, LoseAnswer: true, Times: 1}, false},
			whenever{action + " is throttled", kernel.Fault{Action: action, Error: throttling, Times: 3}, false},
		)
	}
	return append(all, whenever{"putting back is throttled", kernel.Fault{Action: "cloudfront:UpdateFunction", Skip: 1, Times: 3, Error: throttling}, false},
		whenever{"putting back is denied at first", kernel.Fault{Action: "cloudfront:UpdateFunction", Skip: 1, Times: 1, Error: deniedCall}, false},
		whenever{"putting back loses its answer", kernel.Fault{Action: "cloudfront:UpdateFunction", Skip: 1, Times: 1, LoseAnswer: true}, false})
}

// Whatever goes wrong once, wherever: after at most three tries, as the runbook makes, the function is as it was or as
// approved, and DEVELOPMENT is as it was.
func TestAFunctionIsNeverLeftInBetween(t *testing.T) {
	t.Parallel()
	for _, c := range codeFaults() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newCodeScene(t, draftJS)
			s.world.Faults.Add(c.fault)
			var err error
			for range 3 {
				if _, err = s.Apply(t.Context(), ours); err == nil || isFinal(err) {
					break
				}
			}
			want := goodJS
			if err != nil {
				want = badJS
			}
			s.stand(draftJS, want)
			if (err != nil) != c.ends {
				t.Errorf("ended with %v", err)
			}
			if n := s.did("cloudfront:PublishFunction"); n > 1 {
				t.Errorf("published %d times", n)
			}
		})
	}
}

func isFinal(err error) bool {
	var refused *Refused
	var void *Void
	return errors.As(err, &refused) || errors.As(err, &void)
}

// killer stands in for a function that is killed at one of its calls to CloudFront, before or after AWS has done it.
type killer struct {
	publishing
	at, calls int
	done      bool
}

var errKilled = errors.New("killed")

func killing[T any](k *killer, call func() (T, error)) (T, error) {
	k.calls++
	if k.calls != k.at {
		return call()
	}
	if k.done {
		_, _ = call()
	}
	panic(errKilled)
}

// UpdateFunction is done, or kills.
func (k *killer) UpdateFunction(ctx context.Context, in *cloudfront.UpdateFunctionInput, options ...func(*cloudfront.Options)) (*cloudfront.UpdateFunctionOutput, error) {
	return killing(k, func() (*cloudfront.UpdateFunctionOutput, error) {
		return k.publishing.UpdateFunction(ctx, in, options...)
	})
}

// TestFunction is done, or kills.
func (k *killer) TestFunction(ctx context.Context, in *cloudfront.TestFunctionInput, options ...func(*cloudfront.Options)) (*cloudfront.TestFunctionOutput, error) {
	return killing(k, func() (*cloudfront.TestFunctionOutput, error) { return k.publishing.TestFunction(ctx, in, options...) })
}

// PublishFunction is done, or kills.
func (k *killer) PublishFunction(ctx context.Context, in *cloudfront.PublishFunctionInput, options ...func(*cloudfront.Options)) (*cloudfront.PublishFunctionOutput, error) {
	return killing(k, func() (*cloudfront.PublishFunctionOutput, error) {
		return k.publishing.PublishFunction(ctx, in, options...)
	})
}

// dies runs a call of a function that is killed.
func dies(call func()) (killed bool) {
	defer func() { killed = recover() == errKilled }()
	call()
	return false
}

func TestAnInterruptedPublicationIsCarriedOn(t *testing.T) {
	t.Parallel()
	const calls = 4 // update, test, publish, update back
	for at := 1; at <= calls; at++ {
		for _, done := range []bool{false, true} {
			for _, settled := range []bool{false, true} {
				t.Run(fmt.Sprintf("at call %d, done %v, then settled %v", at, done, settled), func(t *testing.T) {
					t.Parallel()
					s := newCodeScene(t, draftJS)
					first := s.Writer
					first.Publishes = &killer{publishing: s.Publishes, at: at, done: done}
					if !dies(func() { _, _ = first.Apply(t.Context(), ours) }) {
						t.Fatal("it was not killed")
					}
					s.carryOn(settled)
				})
			}
		}
	}
}

// carryOn tries again, or ends what is left, and compares.
func (s *edgeScene) carryOn(settled bool) {
	s.t.Helper()
	want, done := goodJS, true
	var err error
	if settled {
		_, done, err = s.Settle(s.t.Context(), ours)
		if !done {
			want = badJS
		}
	} else {
		_, err = s.Apply(s.t.Context(), ours)
	}
	s.ok(err)
	s.stand(draftJS, want)
	if n := s.did("cloudfront:PublishFunction"); (n == 1) != done || n > 1 {
		s.t.Errorf("published %d times", n)
	}
}

func TestCodeThatFailsItsTestIsNotPublished(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]string{
		"it fails":              `{"FunctionErrorMessage":"TypeError"}`,
		"it takes too long":     `{"ComputeUtilization":"71"}`,
		"it says nothing of it": `{"ComputeUtilization":""}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newCodeScene(t, draftJS)
			s.ok(s.edge.SetCodeTest([]byte(goodJS), []byte(result)))
			_, err := s.Apply(t.Context(), ours)
			var refused *Refused
			if !errors.As(err, &refused) {
				t.Errorf("%v", err)
			}
			s.stand(draftJS, badJS)
		})
	}
}

func TestAFunctionThatSomebodyWorksOnIsLeftAlone(t *testing.T) {
	t.Parallel()
	const theirs = "// theirs"
	somebody := kernel.Principal{ARN: "arn:aws:iam::111122223333:user/bob"}
	for _, c := range []struct {
		name              string
		spoil             func(*edgeScene)
		development, live string
	}{
		{"LIVE is published before", func(s *edgeScene) { s.ok(s.edge.ChangeFunction("rewrite", somebody, []byte(theirs), true)) }, theirs, theirs},
		{"DEVELOPMENT is changed before", func(s *edgeScene) { s.ok(s.edge.ChangeFunction("rewrite", somebody, []byte(theirs), false)) }, theirs, badJS},
		{"DEVELOPMENT is saved again, unchanged", func(s *edgeScene) { s.ok(s.edge.ChangeFunction("rewrite", somebody, []byte(draftJS), false)) }, draftJS, badJS},
		{"somebody publishes the good code", func(s *edgeScene) { s.ok(s.edge.ChangeFunction("rewrite", somebody, []byte(goodJS), true)) }, goodJS, goodJS},
		{"DEVELOPMENT is changed between look and write", func(s *edgeScene) {
			s.world.Faults.Add(kernel.Fault{Action: "cloudfront:UpdateFunction", Times: 1, Before: func() { s.ok(s.edge.ChangeFunction("rewrite", somebody, []byte(theirs), false)) }})
		}, theirs, badJS},
		{"DEVELOPMENT is changed between test and publication", func(s *edgeScene) {
			s.world.Faults.Add(kernel.Fault{Action: "cloudfront:PublishFunction", Times: 1, Before: func() { s.ok(s.edge.ChangeFunction("rewrite", somebody, []byte(theirs), false)) }})
		}, theirs, badJS},
		{"the distribution has moved", func(s *edgeScene) { s.etag = "T9" }, draftJS, badJS},
		{"somebody rejects after the first write", func(s *edgeScene) {
			s.world.Faults.Add(kernel.Fault{Action: "cloudfront:TestFunction", Times: 1, Before: func() {
				s.record.Decisions = append(s.record.Decisions, s.says("ben", incident.Reject))
			}})
		}, draftJS, badJS},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newCodeScene(t, draftJS)
			c.spoil(s)
			if _, err := s.Apply(t.Context(), ours); !isFinal(err) {
				t.Errorf("%v", err)
			}
			s.stand(c.development, c.live)
		})
	}
}

func TestARecipeThatIsNotTheSnapshotsIsRefused(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*incident.CodeRecipe){
		"another ETag of LIVE":      func(r *incident.CodeRecipe) { r.Live.ETag = "E9" },
		"other code in DEVELOPMENT": func(r *incident.CodeRecipe) { r.Development.SHA256 = "00" },
		"another function's code":   func(r *incident.CodeRecipe) { r.To.ID = "other" },
		"an event without a test":   func(r *incident.CodeRecipe) { r.Event = "origin-request" },
		"an event where it is not":  func(r *incident.CodeRecipe) { r.Event = "viewer-response" },
		"the same code":             func(r *incident.CodeRecipe) { r.To.SHA256 = r.Live.SHA256 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newCodeScene(t, draftJS)
			recipe := *s.record.Plan.Recipe.Code
			spoil(&recipe)
			s.plan(incident.RemedyCode, "RestoreEdgeFunction", incident.Recipe{Code: &recipe})
			if _, err := s.Apply(t.Context(), ours); !isFinal(err) {
				t.Errorf("%v", err)
			}
			s.stand(draftJS, badJS)
		})
	}
}

func TestSettlingPutsBackOrRecordsWhatAFailedRunbookLeft(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fault kernel.Fault
		live  string
		done  bool
	}{
		{"nothing was begun", kernel.Fault{Action: "none"}, badJS, false},
		{"the code stands in DEVELOPMENT", kernel.Fault{Action: "cloudfront:UpdateFunction", Skip: 1, Times: 3, Error: deniedCall}, badJS, false},
		{"the code is published", kernel.Fault{Action: "cloudfront:UpdateFunction", Skip: 1, Times: 3, Error: deniedCall}, goodJS, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newCodeScene(t, draftJS)
			off := s.world.Faults.Add(c.fault)
			if !c.done && c.fault.Skip > 0 {
				s.world.Faults.Add(kernel.Fault{Action: "cloudfront:PublishFunction", Error: deniedCall})
			}
			for range 3 {
				if c.fault.Skip > 0 {
					if _, err := s.Apply(t.Context(), ours); err == nil || isFinal(err) {
						t.Fatalf("%v", err)
					}
				}
			}
			off()
			_, done, err := s.Settle(t.Context(), ours)
			if done != c.done || err != nil {
				t.Errorf("%v, %v", done, err)
			}
			s.stand(draftJS, c.live)
		})
	}
}

func TestProposingCodeSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := newCodeScene(t, draftJS)
	good := incident.GoodCode{Pointed: s.record.Plan.Recipe.Code.To, GoodAt: noon}
	whole := CodeInputs{Diagnosis: s.record.Diagnosis, Snapshot: s.record.Snapshot, Good: &good, Now: noon}
	for _, c := range []struct {
		name, want string
		spoil      func(*CodeInputs)
	}{
		{"nothing is missing", "", func(*CodeInputs) {}},
		{"a stage is a gap", "could not be saved", func(in *CodeInputs) { in.Snapshot.Pointed = in.Snapshot.Pointed[:1] }},
		{"no good code", "no code is known", func(in *CodeInputs) { in.Good = nil }},
		{"the same code", "already", func(in *CodeInputs) { in.Good = &incident.GoodCode{Pointed: s.record.Plan.Recipe.Code.Live} }},
		{"another function", "no behaviour runs", func(in *CodeInputs) { in.Diagnosis.Detail.FunctionARN = rewriteARN + "2" }},
		{"the throttling may be residual", "lingers", func(in *CodeInputs) { in.Diagnosis.Verdict.Cause = incident.FunctionThrottled }},
		{"the throttled code fails its test", "", func(in *CodeInputs) { in.Diagnosis.Verdict.Cause, in.Fault = incident.FunctionThrottled, "SyntaxError" }},
		{"the throttled code is old", "", func(in *CodeInputs) {
			in.Diagnosis.Verdict.Cause, in.Now = incident.FunctionThrottled, noon.Add(residual)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := whole
			c.spoil(&in)
			_, err := ProposeCode(in)
			if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// undoing is a scene in which the change is written and somebody wants it back.
func (s *edgeScene) undoing() Order {
	s.t.Helper()
	if _, err := s.Apply(s.t.Context(), ours); err != nil {
		s.t.Fatal(err)
	}
	return s.wantBack(s.t)
}

func TestTheWayBackOfCodePublishesWhatStoodBefore(t *testing.T) {
	t.Parallel()
	s := newCodeScene(t, draftJS)
	order := s.undoing()
	s.stand(draftJS, goodJS)
	for range 2 {
		if _, err := s.Undo(t.Context(), order); err != nil {
			t.Fatal(err)
		}
	}
	s.stand(draftJS, badJS)
	if n := s.did("cloudfront:PublishFunction"); n != 2 {
		t.Errorf("published %d times", n)
	}
}

func TestTheWayBackOfCodeLeavesWhatOthersPublishedSince(t *testing.T) {
	t.Parallel()
	s := newCodeScene(t, draftJS)
	order := s.undoing()
	s.ok(s.edge.ChangeFunction("rewrite", kernel.Principal{}, []byte("// theirs"), true))
	if _, err := s.Undo(t.Context(), order); !isFinal(err) {
		t.Errorf("%v", err)
	}
	s.stand("// theirs", "// theirs")
}
