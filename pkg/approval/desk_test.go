// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/incident"
)

// office is everything around the desk, in memory. Errors are handed out one at a time, by the name of what fails.
type office struct {
	t        *testing.T
	now      time.Time
	steps    []incident.Step
	objects  map[string]string
	versions map[string]int
	fails    map[string]error
	waits    bool
	etag     string // of what is live; empty: the one that was asked about
	over     bool
	signals  []string
	told     []string
	refusals []approval.Refusal
	busy     int // how often Replace finds that somebody was faster
	mu       sync.Mutex
	failing  sync.Mutex
	people   []incident.Approver // empty: ana, ben and eve
	checks   atomic.Int32        // of MACs
	compared sync.Map            // the texts of which MACs were checked
	open     []incident.Pointer  // beside the one of the request
}

func newOffice(t *testing.T) *office {
	o := &office{t: t, now: asked.Add(time.Minute), objects: map[string]string{}, versions: map[string]int{}, fails: map[string]error{}, waits: true}
	o.steps = []incident.Step{noted(t, "respond", incident.StepAsked, asked, request)}
	return o
}

func (o *office) fail(what string) error {
	o.failing.Lock()
	defer o.failing.Unlock()
	err := o.fails[what]
	delete(o.fails, what)
	return err
}

func (o *office) Steps(_ context.Context, reference incident.Reference) ([]incident.Step, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if reference != request.Incident {
		return nil, o.fail("steps")
	}
	return slices.Clone(o.steps), o.fail("steps")
}

func (o *office) AppendOnce(_ context.Context, _ incident.Reference, kind incident.StepKind, key, note string, detail any) (incident.Step, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.fail("append " + string(kind)); err != nil {
		return incident.Step{}, false, err
	}
	for _, step := range o.steps {
		if step.Kind == kind && step.Key == key {
			return step, false, nil
		}
	}
	step := noted(o.t, "approve", kind, o.now, detail)
	step.Note, step.Key = note, key
	o.steps = append(o.steps, step)
	return step, true, nil
}

func (o *office) PutOnce(_ context.Context, reference incident.Reference, name string, body []byte) ([]byte, bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	key := reference.String() + "/" + name
	if existing, is := o.objects[key]; is {
		return []byte(existing), false, o.fail("put")
	}
	o.objects[key] = string(body)
	return nil, true, o.fail("put")
}

func (o *office) Load(_ context.Context, key string) ([]byte, string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, is := o.objects[key]; !is {
		return nil, "", o.fail("load")
	}
	return []byte(o.objects[key]), fmt.Sprint(o.versions[key]), o.fail("load")
}

func (o *office) Replace(_ context.Context, key, etag string, body []byte) (bool, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, is := o.objects[key]
	if o.busy > 0 {
		o.busy--
		return false, nil
	}
	if is != (etag != "") || is && etag != fmt.Sprint(o.versions[key]) {
		return false, nil
	}
	o.objects[key] = string(body)
	o.versions[key]++
	return true, o.fail("replace")
}

func (o *office) ETag(_ context.Context, distribution string) (string, error) {
	if o.etag == "" && distribution == request.Distribution {
		return request.ETag, o.fail("live")
	}
	return o.etag, o.fail("live")
}

func (o *office) Waits(context.Context, string) (bool, bool, error) {
	return o.waits, o.over, o.fail("gate")
}

func (o *office) Signal(_ context.Context, approver incident.Approver, execution string, verb incident.Verb, comment string) error {
	if err := o.fail("signal"); err != nil {
		return err
	}
	o.signals = append(o.signals, fmt.Sprintf("%s %s %s %s", approver.Name, verb, execution[:4], comment))
	return nil
}

// Since gives the request's incident, and those that a test opens.
func (o *office) Since(context.Context, time.Time) ([]incident.Pointer, error) {
	own := incident.Pointer{Distribution: request.Incident.Distribution, Episode: 7, State: incident.Open}
	return append([]incident.Pointer{own}, o.open...), o.fail("since")
}

// counted counts the MACs that are checked.
type counted struct {
	key
	office *office
}

func (c counted) Check(ctx context.Context, text, mac []byte) (bool, error) {
	c.office.checks.Add(1)
	c.office.compared.Store(string(text), true)
	return c.key.Check(ctx, text, mac)
}

func (o *office) desk() approval.Desk {
	people := o.people
	if people == nil {
		people = []incident.Approver{person("ana"), person("ben"), person("eve")}
	}
	return approval.Desk{
		Live: o, Chat: approval.Chat{Topic: "chat", Role: "arn:chat-role"}, Texts: approval.Texts{Topic: "texts", Number: ownNumber}, Incidents: o,
		Approvers: people, OnCall: "on-call",
		Verifier: approval.Verifier{MACs: counted{key{fail: o.fail("kms")}, o}}, Ledger: o, States: o, Gate: o, Signaller: o,
		Now: func() time.Time { return o.now },
		Tell: func(_ context.Context, topic string, refusal approval.Refusal) error {
			o.mu.Lock()
			defer o.mu.Unlock()
			if err := o.fail("tell"); err != nil {
				return err
			}
			o.told = append(o.told, fmt.Sprintf("%s: %s (+%d)", topic, refusal.Why, refusal.More))
			o.refusals = append(o.refusals, refusal)
			return nil
		},
		TellDenied: func(_ context.Context, d approval.Denied) error {
			o.told = append(o.told, fmt.Sprintf("denied: %s %s %s", d.Incident, d.Approver.Name, d.Verb))
			return o.fail("tell denied")
		},
		TellVoid: func(_ context.Context, v approval.Voided) error {
			o.mu.Lock()
			defer o.mu.Unlock()
			if err := o.fail("tell void"); err != nil {
				return err
			}
			o.told = append(o.told, fmt.Sprintf("void: %s %s %s after %d", v.Incident, v.Approver.Name, v.From, v.Wrong))
			return nil
		},
	}
}

func person(name string) incident.Approver {
	return incident.Approver{Name: name, Topic: "reply-" + name, Channel: "channel-" + name}
}

func (o *office) reply(topic, id, text string) error {
	return o.desk().Take(o.t.Context(), incident.Trigger{Kind: incident.KindReply, Channel: incident.ChannelSNS, Reply: &incident.Reply{TopicARN: topic, MessageID: id, Text: text}})
}

func (o *office) kinds() string {
	var kinds []string
	for _, step := range o.steps[1:] {
		kinds = append(kinds, string(step.Kind))
	}
	return strings.Join(kinds, " ")
}

func TestAnApprovalIsRecordedThenSignalled(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	approve, _ := tickets(t, request, "ana")
	if err := o.reply("reply-ana", "m1", "Approve "+approve+" looks right"); err != nil {
		t.Fatal(err)
	}
	if o.kinds() != "decision signalled" || !slices.Equal(o.signals, []string{"ana approve 0d3b looks right"}) || len(o.told) != 0 {
		t.Errorf("steps %q, signals %q, told %q", o.kinds(), o.signals, o.told)
	}
	record, err := approval.ReadRecord(o.steps)
	if err != nil || !record.Tally([]incident.Approver{person("ana")}, o.now).Approved {
		t.Errorf("record %+v, error %v", record, err)
	}
	proven, err := approval.Verifier{MACs: key{}}.Proven(t.Context(), request, record.Decisions)
	if err != nil || len(proven) != 1 || proven[0].Channel != incident.ChannelSNS || proven[0].MessageID != "m1" {
		t.Errorf("proven %+v, error %v", proven, err)
	}
}

func TestRepliesThatDoNotCount(t *testing.T) {
	t.Parallel()
	yes, no := tickets(t, request, "ana")
	older := request
	older.Execution = "an-earlier-execution"
	ofOlder, _ := tickets(t, older, "ana")
	unknown := request
	unknown.Incident.ID = "000099"
	ofUnknown, _ := tickets(t, unknown, "ana")
	note := func(writer string, kind incident.StepKind) func(*office) {
		return func(o *office) {
			o.steps = append(o.steps, noted(o.t, writer, kind, asked.Add(time.Second), incident.Decision{}))
		}
	}
	nothing := func(*office) {}
	tests := []struct {
		name, topic, text string
		before            func(*office)
		why, told         string
		recorded          bool
	}{
		{"through another's topic", "reply-ben", "approve " + yes, nothing, "not one of ben's", "channel-ben", true},
		{"through nobody's topic", "reply-mal", "approve " + yes, nothing, "belongs to no approver", "on-call", false},
		{"forged", "reply-ana", "approve E2EXAMPLE.000007." + strings.Repeat("A", 43), nothing, "not one of ana's", "channel-ana", true},
		{"the ticket of the other verb", "reply-ana", "approve " + no, nothing, "the other verb's", "channel-ana", true},
		{"of another execution", "reply-ana", "approve " + ofOlder, nothing, "an earlier request's", "channel-ana", true},
		{"of an incident that does not exist", "reply-ana", "approve " + ofUnknown, nothing, "nothing was asked", "channel-ana", false},
		{"nothing that could be read", "reply-ana", "hello", nothing, "not a reply", "channel-ana", false},
		{"expired", "reply-ana", "approve " + yes, func(o *office) { o.now = request.Expires }, "expired at 2026-11-24T04:41:00Z", "channel-ana", true},
		{"withdrawn", "reply-ana", "approve " + yes, note("verify", incident.StepWithdrawn), "withdrawn: as it is noted", "channel-ana", true},
		{"void", "reply-ana", "approve " + yes, note("remediate", incident.StepVoid), "withdrawn", "channel-ana", true},
		{"written already", "reply-ana", "reject " + no, note("remediate", incident.StepWritten), "written already", "channel-ana", true},
		{"closed", "reply-ana", "approve " + yes, note("verify", incident.StepClosed), "is closed", "channel-ana", true},
		{"after a reject", "reply-ana", "approve " + yes, func(o *office) {
			o.steps = append(o.steps, noted(o.t, "approve", incident.StepDecision, asked.Add(time.Second), says("ben", incident.Reject)))
		}, "rejected by ben already", "channel-ana", true},
		{"by one who was not asked", "reply-ana", "approve " + yes, func(o *office) {
			r := request
			r.Approvers = []string{"ben"}
			o.steps[0] = noted(o.t, "respond", incident.StepAsked, asked, r)
		}, "ana was not asked", "channel-ana", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			test.before(o)
			before := len(o.steps)
			if err := o.reply(test.topic, "m1", test.text); err != nil {
				t.Fatal(err)
			}
			if len(o.told) != 1 || !strings.HasPrefix(o.told[0], test.told) || !strings.Contains(o.told[0], test.why) {
				t.Errorf("told %q", o.told)
			}
			if recorded := len(o.steps) > before; recorded != test.recorded || len(o.signals) != 0 {
				t.Errorf("recorded %t, signals %q", recorded, o.signals)
			}
			if last := o.steps[len(o.steps)-1]; test.recorded && (last.Kind != incident.StepRefused || strings.Contains(string(last.Detail), yes)) {
				t.Errorf("recorded %s %s", last.Kind, last.Detail)
			}
		})
	}
}

func TestATicketIsSpentByOneMessage(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	approve, _ := tickets(t, request, "ana")
	for _, id := range []string{"m1", "m1", "m1"} { // SNS delivers more than once
		if err := o.reply("reply-ana", id, "approve "+approve); err != nil {
			t.Fatal(err)
		}
	}
	if o.kinds() != "decision signalled" || len(o.signals) != 1 || len(o.told) != 0 {
		t.Errorf("steps %q, signals %q, told %q", o.kinds(), o.signals, o.told)
	}
	if err := o.reply("reply-ana", "m2", "approve "+approve); err != nil {
		t.Fatal(err)
	}
	if len(o.told) != 1 || !strings.Contains(o.told[0], "the ticket was used at") || len(o.signals) != 1 {
		t.Errorf("told %q, signals %q", o.told, o.signals)
	}
}

// Each failure is followed by the same message, as Lambda and SNS do it.
func TestAMessageCarriesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"steps", "kms", "put", "append decision", "gate", "signal", "append signalled"} {
		t.Run(what+" fails once", func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			approve, _ := tickets(t, request, "ana")
			o.fails[what] = errors.New("no answer")
			if err := o.reply("reply-ana", "m1", "approve "+approve); err == nil || !strings.Contains(err.Error(), "no answer") {
				t.Fatalf("error %v", err)
			}
			if err := o.reply("reply-ana", "m1", "approve "+approve); err != nil {
				t.Fatal(err)
			}
			if o.kinds() != "decision signalled" || len(o.told) != 0 {
				t.Errorf("steps %q, told %q", o.kinds(), o.told)
			}
		})
	}
}

func TestAReplyBeforeTheGateIsRetriedAndKeepsItsTime(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	approve, _ := tickets(t, request, "ana")
	o.waits = false
	if err := o.reply("reply-ana", "m1", "approve "+approve); !errors.Is(err, approval.ErrNotYet) {
		t.Fatalf("error %v", err)
	}
	taken := o.now
	o.waits, o.now = true, o.now.Add(2*time.Minute)
	if err := o.reply("reply-ana", "m1", "approve "+approve); err != nil {
		t.Fatal(err)
	}
	record, _ := approval.ReadRecord(o.steps)
	if o.kinds() != "decision signalled" || !record.Decisions[0].At.Equal(taken) {
		t.Errorf("steps %q, decided at %s", o.kinds(), record.Decisions[0].At)
	}
}

func TestARejectAfterAnApprovalIsRecordedThoughTheGateIsOver(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	approve, _ := tickets(t, request, "ana")
	_, reject := tickets(t, request, "ben")
	if err := o.reply("reply-ana", "m1", "approve "+approve); err != nil {
		t.Fatal(err)
	}
	o.waits, o.over = false, true
	if err := o.reply("reply-ben", "m2", "reject "+reject+" wait"); err != nil {
		t.Fatal(err)
	}
	record, _ := approval.ReadRecord(o.steps)
	if tally := record.Tally(o.desk().Approvers, o.now); !tally.Rejected || o.kinds() != "decision signalled decision" || len(o.signals) != 1 {
		t.Errorf("tally %+v, steps %q, signals %q", tally, o.kinds(), o.signals)
	}
}

type decided struct{}

func (decided) Error() string { return "decided" }
func (decided) Decided() bool { return true }

func TestASignalThatSomebodyElseForestalledIsNoFault(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	approve, _ := tickets(t, request, "ana")
	o.fails["signal"] = fmt.Errorf("signal: %w", decided{})
	if err := o.reply("reply-ana", "m1", "approve "+approve); err != nil || o.kinds() != "decision signalled" {
		t.Errorf("error %v, steps %q", err, o.kinds())
	}
}

func TestRefusalsAreToldOnceAnHourWithACount(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for i := range 5 {
		o.now = o.now.Add(time.Minute)
		if err := o.reply("reply-ana", fmt.Sprint("m", i), "hello"); err != nil {
			t.Fatal(err)
		}
		if err := o.reply("reply-ana", fmt.Sprint("m", i), "hello"); err != nil { // the same delivered again
			t.Fatal(err)
		}
	}
	if err := o.reply("reply-ben", "other", "hello"); err != nil {
		t.Fatal(err)
	}
	o.now = o.now.Add(time.Hour)
	if err := o.reply("reply-ana", "late", "hello"); err != nil {
		t.Fatal(err)
	}
	if len(o.told) != 3 || !strings.HasPrefix(o.told[1], "channel-ben") || !strings.Contains(o.told[0], "(+0)") || !strings.Contains(o.told[2], "(+4)") {
		t.Errorf("told %q", o.told)
	}
	var state struct{ Total int }
	if err := json.Unmarshal([]byte(o.objects[approval.RefusalKey("ana")]), &state); err != nil || state.Total != 6 {
		t.Errorf("state %+v, error %v", state, err)
	}
}

func TestARefusalThatCouldNotBeToldIsToldByTheNextDelivery(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"load", "replace", "tell", "append refused"} {
		t.Run(what+" fails once", func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			o.fails[what] = errors.New("no answer")
			text := "approve E2EXAMPLE.000007." + strings.Repeat("A", 43)
			if err := o.reply("reply-ana", "m1", text); err == nil {
				t.Fatal("no error")
			}
			if err := o.reply("reply-ana", "m1", text); err != nil {
				t.Fatal(err)
			}
			if len(o.told) != 1 || o.kinds() != "refused" {
				t.Errorf("told %q, steps %q", o.told, o.kinds())
			}
		})
	}
}

func TestACountThatOthersChangeIsTriedAgainButNotForEver(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.busy = 3
	if err := o.reply("reply-ana", "m1", "hello"); err != nil || len(o.told) != 1 {
		t.Errorf("error %v, told %q", err, o.told)
	}
	o.busy = 1000
	if err := o.reply("reply-ana", "m2", "hello"); err == nil {
		t.Error("went on for ever")
	}
}

func FuzzADeskNeverTakesWhatItDidNotIssue(f *testing.F) {
	f.Add("reply-ana", "approve "+aTicket)
	f.Add("reply-ben", "reject "+aTicket+" because")
	f.Fuzz(func(t *testing.T, topic, text string) {
		o := newOffice(t)
		if err := o.reply(topic, "m1", text); err != nil {
			t.Fatal(err)
		}
		if len(o.signals) != 0 || strings.Contains(o.kinds(), "decision") || len(o.told) != 1 {
			t.Errorf("signals %q, steps %q, told %q", o.signals, o.kinds(), o.told)
		}
	})
}
