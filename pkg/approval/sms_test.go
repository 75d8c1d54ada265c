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
	"testing"
	"time"
	"unicode/utf8"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/incident"
)

const (
	ownNumber = "+12125550101"
	anaPhone  = "+14255550182"
	benPhone  = "+14255550199"
)

// phoned are the office's people, of whom two have phones.
func phoned() []incident.Approver {
	ana, ben, eve := person("ana"), person("ben"), person("eve")
	ana.Phone, ben.Phone = anaPhone, benPhone
	return []incident.Approver{ana, ben, eve}
}

// texting is an office in which ana and ben have codes.
func texting(t *testing.T) (o *office, ana, ben map[incident.Verb]string) {
	t.Helper()
	o = newOffice(t)
	o.people = phoned()
	return o, o.codes(request, o.people[0]), o.codes(request, o.people[1])
}

// codes hands out codes, as respond does.
func (o *office) codes(request incident.ApprovalRequest, to incident.Approver) map[incident.Verb]string {
	codes, kept, err := approval.Issuer{MACs: key{}}.Codes(o.t.Context(), request, to, incident.Approve, incident.Reject)
	if err != nil {
		o.t.Fatal(err)
	}
	o.steps = append(o.steps, noted(o.t, "respond", incident.StepCoded, asked, kept))
	return codes
}

// texts is a message that the SMS service publishes.
func (o *office) texts(from, id, body string) error {
	raw, err := json.Marshal(map[string]string{
		"originationNumber": from, "destinationNumber": ownNumber, "messageKeyword": "KEYWORD_1", "messageBody": body, "inboundMessageId": id,
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return o.reply("texts", "sns-"+id, string(raw))
}

// last is the last step's decision.
func (o *office) last() incident.Decision {
	var decision incident.Decision
	if err := json.Unmarshal(o.steps[len(o.steps)-1].Detail, &decision); err != nil {
		o.t.Fatal(err)
	}
	return decision
}

func TestACodeByTextIsAnApproval(t *testing.T) {
	t.Parallel()
	o, ana, _ := texting(t)
	for _, id := range []string{"in-1", "in-1"} { // SNS delivers more than once
		if err := o.texts(anaPhone, id, strings.ToLower(ana[incident.Approve])+" looks right"); err != nil {
			t.Fatal(err)
		}
	}
	if o.kinds() != "coded coded decision signalled" || !slices.Equal(o.signals, []string{"ana approve 0d3b looks right"}) || len(o.told) != 0 {
		t.Fatalf("steps %q, signals %q, told %q", o.kinds(), o.signals, o.told)
	}
	decision := o.last()
	if decision.Channel != incident.ChannelSMS || decision.MessageID != "in-1" || decision.Ticket != "" || !strings.Contains(decision.Through, "+*********82") {
		t.Errorf("decision %+v", decision)
	}
	record, err := approval.ReadRecord(o.steps)
	if err != nil || !record.Tally(o.people, o.now).Approved {
		t.Errorf("record %+v, error %v", record, err)
	}
	proven, err := approval.Verifier{MACs: key{}}.Proven(t.Context(), request, record.Decisions)
	if err != nil || len(proven) != 1 {
		t.Errorf("proven %+v, error %v", proven, err)
	}
	if everything := fmt.Sprint(o.steps, o.objects); strings.Contains(everything, anaPhone) || strings.Contains(everything, strings.ReplaceAll(ana[incident.Approve], "-", "")) {
		t.Error("the code or the number is kept")
	}
}

// What approve reads before an answer makes no decision that remediate would believe.
func TestWhatIsKeptOfCodesProvesNothing(t *testing.T) {
	t.Parallel()
	o, _, _ := texting(t)
	var kept incident.Codes
	if err := json.Unmarshal(o.steps[1].Detail, &kept); err != nil {
		t.Fatal(err)
	}
	made := says("ana", incident.Approve)
	made.Channel = incident.ChannelSMS
	var forged []incident.Decision
	for _, hash := range []string{"", strings.Repeat("0", 64), strings.Repeat("9f", 32), kept.MACs[incident.Approve]} {
		made.Code = &incident.CodeProof{Number: kept.Number, Hash: hash, MAC: kept.MACs[incident.Approve]}
		forged = append(forged, made)
	}
	mac := strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(kept.MACs[incident.Approve])
	asTicket := says("ana", incident.Approve)
	asTicket.Ticket = request.Incident.Distribution + "." + request.Incident.ID + "." + mac
	if _, err := approval.ReadTicket(asTicket.Ticket); err != nil {
		t.Fatalf("the MAC has not the form of a ticket, so that the test shows nothing: %v", err)
	}
	proven, err := approval.Verifier{MACs: key{}}.Proven(t.Context(), request, append(forged, asTicket))
	if err != nil || len(proven) != 0 {
		t.Errorf("proven %+v, error %v", proven, err)
	}
}

func TestACodeProvesOneVerbOnePersonOneNumberAndOneChange(t *testing.T) {
	t.Parallel()
	o, ana, _ := texting(t)
	if err := o.texts(anaPhone, "in-1", ana[incident.Approve]); err != nil {
		t.Fatal(err)
	}
	good := o.last()
	for name, spoil := range map[string]func(*incident.Decision, *incident.ApprovalRequest){
		"another verb":      func(d *incident.Decision, _ *incident.ApprovalRequest) { d.Verb = incident.Reject },
		"another person":    func(d *incident.Decision, _ *incident.ApprovalRequest) { d.Approver = "ben" },
		"another number":    func(d *incident.Decision, _ *incident.ApprovalRequest) { d.Code.Number = "+*********99" },
		"another code":      func(d *incident.Decision, _ *incident.ApprovalRequest) { d.Code.Hash = strings.Repeat("0", 64) },
		"another ETag":      func(_ *incident.Decision, r *incident.ApprovalRequest) { r.ETag = "E3" },
		"another plan":      func(_ *incident.Decision, r *incident.ApprovalRequest) { r.Hash = "00" },
		"another execution": func(_ *incident.Decision, r *incident.ApprovalRequest) { r.Execution = "other" },
	} {
		spoilt, now, proof := good, request, *good.Code
		spoilt.Code = &proof
		spoil(&spoilt, &now)
		if proven, err := (approval.Verifier{MACs: key{}}).Proven(t.Context(), now, []incident.Decision{spoilt}); err != nil || len(proven) != 0 {
			t.Errorf("%s: proven %+v, error %v", name, proven, err)
		}
	}
	denied := errors.New("denied")
	if _, err := (approval.Verifier{MACs: key{fail: denied}}).Proven(t.Context(), request, []incident.Decision{good}); !errors.Is(err, denied) {
		t.Errorf("KMS cannot tell: %v", err)
	}
}

func TestTextsThatDoNotCount(t *testing.T) {
	t.Parallel()
	nothing := func(*office) {}
	note := func(writer string, kind incident.StepKind) func(*office) {
		return func(o *office) {
			o.steps = append(o.steps, noted(o.t, writer, kind, asked.Add(time.Second), incident.Decision{}))
		}
	}
	tests := []struct {
		name, from, body string // APPROVE and REJECT stand for ana's codes
		before           func(*office)
		why, told        string
		recorded         bool
	}{
		{"from another's number", benPhone, "APPROVE", nothing, "wrong code 1 of 5", "channel-ben", true},
		{"from nobody's number", "+14255550100", "APPROVE", nothing, "belongs to no approver", "on-call", false},
		{"a wrong code", anaPhone, "AAA-AAA-AAA", nothing, "wrong code 1 of 5", "channel-ana", true},
		{"no code", anaPhone, "yes please", nothing, "no code", "channel-ana", false},
		{"nothing", anaPhone, "", nothing, "no code", "channel-ana", false},
		{"1,600 characters", anaPhone, strings.Repeat("A", 1600), nothing, "no code", "channel-ana", false},
		{"one verb with the code of the other", anaPhone, "reject APPROVE", nothing, "send the code alone", "channel-ana", true},
		{"expired", anaPhone, "APPROVE", func(o *office) { o.now = request.Expires }, "expired at 2026-11-24T04:41:00Z", "channel-ana", true},
		{"withdrawn", anaPhone, "APPROVE", note("verify", incident.StepWithdrawn), "withdrawn", "channel-ana", true},
		{"void", anaPhone, "APPROVE", note("remediate", incident.StepVoid), "withdrawn", "channel-ana", true},
		{"written already", anaPhone, "REJECT", note("remediate", incident.StepWritten), "written already", "channel-ana", true},
		{"closed", anaPhone, "APPROVE", note("verify", incident.StepClosed), "is closed", "channel-ana", true},
		{"moved", anaPhone, "APPROVE", func(o *office) { o.etag = "E9" }, "has moved", "channel-ana", true},
		{"asked anew", anaPhone, "APPROVE", func(o *office) {
			again := request
			again.Execution = "the-second-execution"
			o.steps = append(o.steps, noted(o.t, "respond", incident.StepAsked, asked.Add(time.Second), again))
		}, "nothing that is open", "channel-ana", false},
		{"by who asked for it", anaPhone, "APPROVE", func(o *office) {
			by := request
			by.AskedBy = "arn:aws:iam::111122223333:user/ana"
			o.steps[0] = noted(o.t, "respond", incident.StepAsked, asked, by)
		}, "nobody approves what they asked for", "channel-ana", true},
		{"to another number", anaPhone, "APPROVE", nil, "another number than the stack's", "on-call", false},
		{"of a phone that has changed hands", "+14255550183", "APPROVE", func(o *office) { o.people[0].Phone = "+14255550183" }, "nothing that is open", "channel-ana", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			o, ana, _ := texting(t)
			body := strings.NewReplacer("APPROVE", ana[incident.Approve], "REJECT", ana[incident.Reject]).Replace(test.body)
			send := func() error { return o.texts(test.from, "in-1", body) }
			if test.before == nil {
				send = func() error {
					return o.reply("texts", "m1", fmt.Sprintf(`{"originationNumber":%q,"destinationNumber":"+12125550102","messageBody":%q}`, test.from, body))
				}
			} else {
				test.before(o)
			}
			before := len(o.steps)
			for range 2 { // delivered twice, told and recorded once
				if err := send(); err != nil {
					t.Fatal(err)
				}
			}
			if len(o.told) != 1 || !strings.HasPrefix(o.told[0], test.told) || !strings.Contains(o.told[0], test.why) {
				t.Errorf("told %q", o.told)
			}
			refusals := 0
			for _, step := range o.steps[before:] {
				if step.Kind == incident.StepRefused {
					refusals++
				}
				if step.Kind == incident.StepDecision {
					t.Error("a decision was recorded")
				}
			}
			if want := map[bool]int{true: 1}[test.recorded]; refusals != want || len(o.signals) != 0 {
				t.Errorf("%d refusals in the record, want %d; signals %q", refusals, want, o.signals)
			}
			if everything := fmt.Sprint(o.steps, o.objects, o.told); strings.Contains(everything, test.from) || strings.Contains(everything, ana[incident.Approve]) {
				t.Error("the code or the number is kept or told")
			}
		})
	}
}

func TestFiveWrongCodesMakeTheNumbersCodesVoid(t *testing.T) {
	t.Parallel()
	o, ana, ben := texting(t)
	for i := range 5 {
		for range 2 { // each delivered twice
			if err := o.texts(anaPhone, fmt.Sprint("wrong-", i), "AAA-AAA-AA"+string("ABCDE"[i])); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := []string{
		"channel-ana: the code is none that was sent to this number for what is open, or an earlier one: wrong code 1 of 5 (+0)",
		"void: E2EXAMPLE/000007 ana +*********82 after 5",
	}
	if !slices.Equal(o.told, want) {
		t.Errorf("told %q", o.told)
	}
	checks := o.checks.Load()
	if err := o.texts(anaPhone, "right", ana[incident.Approve]); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(o.last().Refusal, "its codes are void") || len(o.signals) != 0 || o.checks.Load() != checks || len(o.told) != 2 {
		t.Errorf("refusal %q, signals %q, told %q", o.last().Refusal, o.signals, o.told)
	}
	ticket, _ := tickets(t, request, "ana")
	if err := o.reply("reply-ana", "m1", "approve "+ticket); err != nil || len(o.signals) != 1 {
		t.Errorf("the ticket: signals %q, told %q, %v", o.signals, o.told, err)
	}
	if err := o.texts(benPhone, "ben", ben[incident.Reject]); err != nil || len(o.signals) != 2 {
		t.Errorf("another's code: signals %q, told %q, %v", o.signals, o.told, err)
	}
}

// respond hands out new codes where it cannot know whether the message with the first ones left.
func TestCodesOfAnEarlierMessageStayGood(t *testing.T) {
	t.Parallel()
	o, first, _ := texting(t)
	second := o.codes(request, o.people[0])
	for i, code := range []string{first[incident.Approve], second[incident.Reject]} {
		if err := o.texts(anaPhone, fmt.Sprint("in-", i), code); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(o.signals, []string{"ana approve 0d3b ", "ana reject 0d3b "}) || len(o.told) != 0 {
		t.Errorf("signals %q, told %q", o.signals, o.told)
	}
}

func TestRightCodesTakeNoPlace(t *testing.T) {
	t.Parallel()
	o, ana, _ := texting(t)
	for i := range 4 {
		if err := o.texts(anaPhone, fmt.Sprint("wrong-", i), "AAA-AAA-AAA"); err != nil {
			t.Fatal(err)
		}
	}
	o.fails["replace"] = errors.New("the answer is lost") // to what takes the place, which is taken all the same
	if err := o.texts(anaPhone, "right", ana[incident.Approve]); err == nil {
		t.Fatal("no error")
	}
	if err := o.texts(anaPhone, "right", ana[incident.Approve]); err != nil || len(o.signals) != 1 {
		t.Fatalf("signals %q, told %q, %v", o.signals, o.told, err)
	}
	if err := o.texts(anaPhone, "again", ana[incident.Approve]); err != nil || !strings.Contains(o.last().Refusal, "the code was used at") {
		t.Errorf("refusal %q, %v", o.last().Refusal, err)
	}
	if err := o.texts(anaPhone, "no", ana[incident.Reject]); err != nil || len(o.signals) != 2 {
		t.Errorf("the reject: signals %q, told %q, %v", o.signals, o.told, err)
	}
}

// However many come at once, no more codes are looked at than may be wrong.
func TestManyWrongCodesAtOnceAreNoMoreTries(t *testing.T) {
	t.Parallel()
	o, _, _ := texting(t)
	desk := o.desk()
	var wait sync.WaitGroup
	for i := range 40 {
		wait.Go(func() {
			raw := fmt.Sprintf(`{"originationNumber":%q,"destinationNumber":%q,"messageBody":"AAA-AAA-A%c%c","inboundMessageId":"in-%d"}`, anaPhone, ownNumber, 'A'+i/8, 'A'+i%8, i)
			trigger := incident.Trigger{Kind: incident.KindReply, Reply: &incident.Reply{TopicARN: "texts", MessageID: fmt.Sprint(i), Text: raw}}
			for range 20 { // as Lambda delivers again what failed
				if desk.Take(context.Background(), trigger) == nil {
					return
				}
			}
			t.Error("never taken")
		})
	}
	wait.Wait()
	var state struct{ Wrong []string }
	if err := json.Unmarshal([]byte(o.objects["incidents/E2EXAMPLE/000007/"+approval.TriesName("ana")]), &state); err != nil || len(state.Wrong) != 5 {
		t.Errorf("%d wrong codes, %v", len(state.Wrong), err)
	}
	void := 0
	for _, told := range o.told {
		if strings.HasPrefix(told, "void: ") {
			void++
		}
	}
	if void != 1 {
		t.Errorf("told %q", o.told)
	}
	guesses := 0
	o.compared.Range(func(any, any) bool { guesses++; return true })
	if guesses != 10 { // five codes, as the one to approve and as the one to reject
		t.Errorf("%d guesses were looked at", guesses)
	}
}

func TestAWrongCodeCountsWhereverTheNumberHasCodes(t *testing.T) {
	t.Parallel()
	o, ana, _ := texting(t)
	other := request
	other.Incident = incident.Reference{Distribution: "E3EXAMPLE", ID: "000002"}
	elsewhere := &elsewhere{office: o, reference: other.Incident, steps: []incident.Step{noted(t, "respond", incident.StepAsked, asked, other)}}
	codes, kept, err := approval.Issuer{MACs: key{}}.Codes(t.Context(), other, o.people[0], incident.Approve)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere.steps = append(elsewhere.steps, noted(t, "respond", incident.StepCoded, asked, kept))
	o.open = []incident.Pointer{{Distribution: "E3EXAMPLE", Episode: 2, State: incident.Watching}, {Distribution: "E4EXAMPLE", Episode: 1, State: incident.Closed}}
	desk := o.desk()
	desk.Ledger = elsewhere
	take := func(id, body string) {
		t.Helper()
		raw := fmt.Sprintf(`{"originationNumber":%q,"destinationNumber":%q,"messageBody":%q,"inboundMessageId":%q}`, anaPhone, ownNumber, body, id)
		if err := desk.Take(t.Context(), incident.Trigger{Kind: incident.KindReply, Reply: &incident.Reply{TopicARN: "texts", MessageID: id, Text: raw}}); err != nil {
			t.Fatal(err)
		}
	}
	take("wrong", "AAA-AAA-AAA")
	take("right", codes[incident.Approve])
	for _, folder := range []string{"E2EXAMPLE/000007", "E3EXAMPLE/000002"} {
		if kept := o.objects["incidents/"+folder+"/"+approval.TriesName("ana")]; kept != `{"wrong":["wrong"]}` {
			t.Errorf("%s: %s", folder, kept)
		}
	}
	if len(elsewhere.steps) != 5 || elsewhere.steps[2].Kind != incident.StepRefused || elsewhere.steps[3].Kind != incident.StepDecision {
		t.Errorf("steps elsewhere %+v", elsewhere.steps)
	}
	if o.kinds() != "coded coded refused" {
		t.Errorf("steps %q", o.kinds())
	}
	take("here", ana[incident.Approve])
	if o.kinds() != "coded coded refused decision signalled" {
		t.Errorf("steps %q", o.kinds())
	}
}

// elsewhere is an office with a second incident.
type elsewhere struct {
	*office
	reference incident.Reference
	steps     []incident.Step
}

func (e *elsewhere) Steps(ctx context.Context, reference incident.Reference) ([]incident.Step, error) {
	if reference == e.reference {
		return e.steps, nil
	}
	return e.office.Steps(ctx, reference)
}

func (e *elsewhere) AppendOnce(ctx context.Context, reference incident.Reference, kind incident.StepKind, key, note string, detail any) (incident.Step, bool, error) {
	if reference != e.reference {
		return e.office.AppendOnce(ctx, reference, kind, key, note, detail)
	}
	step := noted(e.t, "approve", kind, e.now, detail)
	step.Key = key
	e.steps = append(e.steps, step)
	return step, true, nil
}

func TestWithoutATopicForTextsNoneIsTaken(t *testing.T) {
	t.Parallel()
	o, ana, _ := texting(t)
	desk := o.desk()
	desk.Texts = approval.Texts{}
	for _, topic := range []string{"texts", "", "reply-ana"} {
		raw := fmt.Sprintf(`{"originationNumber":%q,"destinationNumber":"","messageBody":%q}`, anaPhone, ana[incident.Approve])
		if err := desk.Take(t.Context(), incident.Trigger{Kind: incident.KindReply, Reply: &incident.Reply{TopicARN: topic, MessageID: "m-" + topic, Text: raw}}); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(o.kinds(), "decision") || len(o.signals) != 0 {
		t.Errorf("steps %q, signals %q", o.kinds(), o.signals)
	}
}

func TestWhatFailsIsDeliveredAgain(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"since", "steps", "load", "replace", "put", "append decision", "gate", "signal"} {
		o, ana, _ := texting(t)
		o.fails[what] = errors.New("AWS is down")
		if err := o.texts(anaPhone, "in-1", ana[incident.Approve]); err == nil && what != "since" {
			t.Errorf("%s: no error", what)
		}
		if err := o.texts(anaPhone, "in-1", ana[incident.Approve]); err != nil || len(o.signals) != 1 || len(o.told) != 0 {
			t.Errorf("%s: signals %q, told %q, %v", what, o.signals, o.told, err)
		}
	}
	for _, what := range []string{"tell void", "append refused"} {
		o, _, _ := texting(t)
		for i := range 4 {
			if err := o.texts(anaPhone, fmt.Sprint("wrong-", i), "AAA-AAA-AAA"); err != nil {
				t.Fatal(err)
			}
		}
		o.fails[what] = errors.New("AWS is down")
		if err := o.texts(anaPhone, "wrong-4", "AAA-AAA-AAA"); err == nil {
			t.Errorf("%s: no error", what)
		}
		if err := o.texts(anaPhone, "wrong-4", "AAA-AAA-AAA"); err != nil || len(o.told) != 2 || !strings.HasPrefix(o.told[1], "void: ") {
			t.Errorf("%s: told %q, %v", what, o.told, err)
		}
	}
	o, ana, _ := texting(t)
	o.objects["incidents/E2EXAMPLE/000007/"+approval.TriesName("ana")] = `{"wrong":`
	if err := o.texts(anaPhone, "in-1", ana[incident.Approve]); err == nil || len(o.signals) != 0 {
		t.Errorf("a damaged count gives tries away: signals %q, %v", o.signals, err)
	}
}

func TestCodesAreOfFortyBitsAndMore(t *testing.T) {
	t.Parallel()
	seen, letters := map[string]bool{}, map[rune]int{}
	for range 500 {
		codes, _, err := approval.Issuer{MACs: key{}}.Codes(t.Context(), request, phoned()[0], incident.Approve, incident.Reject)
		if err != nil {
			t.Fatal(err)
		}
		for _, code := range codes {
			if len(code) != 11 || strings.ContainsAny(code, "01OIL") || seen[code] {
				t.Errorf("code %q", code)
			}
			seen[code] = true
			for _, r := range strings.ReplaceAll(code, "-", "") {
				letters[r]++
			}
		}
	}
	// 31 characters in nine places are more than 44 bits; 9,000 draws of a fair one give each some 290.
	for r, n := range letters {
		if n < 180 || n > 420 {
			t.Errorf("%q was drawn %d times", r, n)
		}
	}
	if len(letters) != 31 {
		t.Errorf("%d characters", len(letters))
	}
}

func TestACodeIsReadHoweverAPhoneDressesIt(t *testing.T) {
	t.Parallel()
	const code = "K7M4QX9RT"
	for body, want := range map[string]approval.Answer{
		"K7M-4QX-9RT":                          {Code: code},
		" k7m 4qx\n9rt ":                       {Code: code},
		"k7m4qx9rt":                            {Code: code},
		"\u201cK7M\u20134QX\u20139RT\u201d.":   {Code: code},
		"Approve: K7M-4QX-9RT":                 {Code: code, Verb: incident.Approve},
		"REJECT k7m 4qx 9rt not during\nsale!": {Code: code, Verb: incident.Reject, Reason: "not during sale!"},
		"K7M-4QX-9RT - go":                     {Code: code, Reason: "- go"},
	} {
		if got, err := approval.ReadCode(body); err != nil || got != want {
			t.Errorf("%q: %+v, %v", body, got, err)
		}
	}
	for _, body := range []string{
		"", " ", "approve", "reject", "yes", "K7M-4QX-9R", "K7M-4QX-9RTT", "K7M-4QX-9R0", "K7M-4QX-9R1", "undo K7M-4QX-9RT",
		"K7M-\uff14QX-9RT", "K7M-\u06644QX9RT", "\u212a7M-4QX-9RT", "K7M-4QX-9R\u017f", "K7M\x004QX9RT", "\xff", strings.Repeat("K", 1600), strings.Repeat("-", 20_000),
	} {
		if got, err := approval.ReadCode(body); err == nil {
			t.Errorf("%q: %+v", body, got)
		}
	}
}

func FuzzReadCodeGivesNineCharactersAndOneLine(f *testing.F) {
	for _, seed := range []string{"K7M-4QX-9RT", "reject k7m 4qx 9rt why\nnot", "\u201cK7M\u20134QX\u20139RT\u201d", "", "approve", "K7M-\uff14QX-9RT"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		answer, err := approval.ReadCode(body)
		if err != nil {
			if len(err.Error()) > 100 {
				t.Errorf("error %q", err)
			}
			return
		}
		if len(answer.Code) != 9 || strings.Trim(answer.Code, "ABCDEFGHJKMNPQRSTUVWXYZ23456789") != "" {
			t.Errorf("%q gave %+v", body, answer)
		}
		if strings.ContainsAny(answer.Reason, "\n\r\x1b") || utf8.RuneCountInString(answer.Reason) > 400 {
			t.Errorf("reason %q", answer.Reason)
		}
		if answer.Verb != "" && answer.Verb != incident.Approve && answer.Verb != incident.Reject {
			t.Errorf("verb %q", answer.Verb)
		}
	})
}

func FuzzParseTextGivesANumberOrNothing(f *testing.F) {
	f.Add(`{"originationNumber":"+14255550182","destinationNumber":"+12125550101","messageKeyword":"JOIN","messageBody":"EXAMPLE","inboundMessageId":"cae173d2-66b9-564c-8309-21f858e9fb84","previousPublishedMessageId":"wJalr/Xut"}`)
	for _, seed := range []string{`{}`, `[]`, `null`, `"x"`, `{"originationNumber":7}`, `{"originationNumber":"+1425555018\u0662"}`, `{"originationNumber":"+14255550182","inboundMessageId":"../../x"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		text, err := approval.ParseText(raw)
		if err != nil {
			if text != (approval.Text{}) || len(err.Error()) > 100 {
				t.Errorf("%+v, %v", text, err)
			}
			return
		}
		digits := strings.TrimPrefix(text.From, "+")
		if digits == text.From || len(digits) < 7 || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
			t.Errorf("number %q", text.From)
		}
		if len(text.ID) > 100 || strings.ContainsAny(text.ID, "/\\. \n") {
			t.Errorf("id %q", text.ID)
		}
	})
}
