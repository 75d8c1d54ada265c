// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package automation

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/runbook/document"
)

// gate is an aws:approve that waits.
type gate struct {
	approvers []string
	least     int
	decisions []Decision
	keys      []string // who each decision counts for
}

// newGate reads the inputs of an aws:approve. Source: "aws:approve – Pause an automation for manual approval".
func newGate(inputs map[string]any) (*gate, error) {
	approvers, ok := asTexts(inputs["Approvers"])
	if !ok || len(approvers) == 0 || len(approvers) > document.MaxApprovers {
		return nil, fmt.Errorf("the list of Approvers must have 1 to %d entries of text", document.MaxApprovers)
	}
	least := 1
	if value, given := inputs["MinRequiredApprovals"]; given {
		if least, ok = asInt(value); !ok || least < 1 || least > len(approvers) {
			return nil, fmt.Errorf("MinRequiredApprovals %v does not fit %d approvers", value, len(approvers))
		}
	}
	message, _ := inputs["Message"].(string)
	if utf8.RuneCountInString(message) > document.MaxApproveMessage {
		return nil, fmt.Errorf("the message has more than %d characters", document.MaxApproveMessage)
	}
	return &gate{approvers: approvers, least: least}, nil
}

// admits says whether a principal is among the approvers: by the name or the ARN of the user, by the ARN of the role, or
// by the ARN of the role's session. Whether a session's ARN is compared at all is one of the open questions.
func (g *gate) admits(p kernel.Principal, sessions bool) bool {
	return slices.ContainsFunc(g.approvers, func(entry string) bool {
		return entry == p.IAM || entry == p.ARN && sessions || (entry != "" && entry == userName(p))
	})
}

func userName(p kernel.Principal) string {
	_, name, ok := strings.Cut(p.ARN, ":user/")
	if !ok {
		return ""
	}
	return name[strings.LastIndex(name, "/")+1:]
}

// key is who a decision counts for. Whether two sessions of one role are two is one of the open questions.
func (g *gate) key(p kernel.Principal, sessions bool) string {
	if sessions {
		return p.ARN
	}
	return p.IAM
}

func (g *gate) approvals() int {
	n := 0
	for _, d := range g.decisions {
		if d.Status == "Approved" {
			n++
		}
	}
	return n
}

func (g *gate) rejected() bool {
	return slices.ContainsFunc(g.decisions, func(d Decision) bool { return d.Status == Rejected })
}

// outputs are what an aws:approve puts out. The names inside ApproverDecisions are not documented: "simulator" are those
// that cdk-ssm-documents uses, "opaque" are names that nobody could know.
func (g *gate) outputs(status, names string) map[string]any {
	keys := [3]string{"Approver", "ApprovalStatus", "ApprovalDecisionTime"}
	if names == "opaque" {
		keys = [3]string{"a", "b", "c"}
	}
	decisions := make([]any, len(g.decisions))
	for i, d := range g.decisions {
		decisions[i] = map[string]any{keys[0]: d.Approver, keys[1]: d.Status, keys[2]: d.At.Format(time.RFC3339)}
	}
	return map[string]any{"ApprovalStatus": status, "ApproverDecisions": decisions}
}

// approve is the action aws:approve.
func (e *execution) approve(s document.Step, at int) result {
	g, err := newGate(s.Inputs)
	if err != nil {
		return failed("%v", err)
	}
	if err := e.notify(s.Inputs); err != nil {
		return failed("the approval notification could not be sent. %v", err)
	}
	switches := e.x.world.Switches
	why := e.wait(e.left(), "approve "+s.Name, func() {
		e.gate = g
		e.waits(at, g.outputs(Waiting, switches.DecisionKeys))
	}, func() { e.tellWaiting(at) })
	e.goesOn()
	if why == byGate && g.rejected() {
		return result{status: switches.RejectStatus, outputs: g.outputs(Rejected, switches.DecisionKeys), failure: "Step is rejected by an approver.", final: true}
	}
	if why == byGate {
		return succeeded(g.outputs("Approved", switches.DecisionKeys))
	}
	r := woken(why)
	r.outputs = g.outputs(Waiting, switches.DecisionKeys)
	if why == byTimer {
		r.status = switches.TimeoutStatus
	}
	return r
}

// notify publishes to the topic that the gate names, in the session of the document's role as AWS does. The text that SSM
// sends is not documented; nothing may read it.
func (e *execution) notify(inputs map[string]any) error {
	topic, _ := inputs["NotificationArn"].(string)
	if topic == "" {
		return nil
	}
	if !document.AutomationTopic(topic) {
		return fmt.Errorf("topic %s: its name must begin with Automation", topic)
	}
	message, _ := inputs["Message"].(string)
	_, err := e.call("sns", "Publish", map[string]any{
		"TopicArn": topic, "Subject": "Automation " + e.record.ID + " waits for approval",
		"Message": message + "\n\nAutomation execution: " + e.record.ID,
	}, e.x.APILimit)
	return err
}

// Signal hands a signal of SendAutomationSignal to an execution. For Approve, Reject and Revoke it is who signed the call
// that counts. The error is an *APIError.
func (x *Executor) Signal(caller kernel.Principal, id, kind string, payload map[string][]string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := x.byID[id]
	if e == nil {
		return notFound(id)
	}
	switch kind {
	case "Approve", "Reject", "Revoke":
		return e.decide(caller, kind, first(payload["Comment"]))
	case "Resume", "StartStep":
		return e.proceed(kind, first(payload["StepName"]))
	case "StopStep":
		return e.stopStep(first(payload["StepExecutionId"]))
	}
	return signalError("Signal type %s is not valid.", kind)
}

func signalError(format string, args ...any) error {
	return kernel.Errorf(http.StatusBadRequest, "InvalidAutomationSignalException", format, args...)
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// decide counts a decision at the gate that waits now.
func (e *execution) decide(caller kernel.Principal, kind, comment string) error {
	switches := e.x.world.Switches
	g := e.gate
	if g == nil {
		return e.repeated("Automation execution %s has no step that waits for a decision.", e.record.ID)
	}
	if !g.admits(caller, switches.SessionApprovers) {
		return kernel.Errorf(http.StatusBadRequest, switches.ForeignSignalError, "%s is not an approver of this step.", caller.ARN)
	}
	key := g.key(caller, switches.SessionsOfOneRole)
	before := slices.Index(g.keys, key)
	if kind == "Revoke" {
		return e.revoke(g, before)
	}
	if before >= 0 && kind == "Approve" {
		return e.repeated("%s has decided about this step already.", caller.ARN)
	}
	if before >= 0 { // a reject takes the own approval back
		g.drop(before)
	}
	d := Decision{Approver: caller.ARN, Status: Rejected, At: e.now(), Comment: comment}
	if kind == "Approve" {
		d.Status = "Approved"
	}
	g.decisions, g.keys = append(g.decisions, d), append(g.keys, key)
	if g.rejected() || g.approvals() >= g.least {
		e.deliver(byGate)
		return nil
	}
	e.showGate(g)
	return nil
}

// repeated is the answer to a decision that is not waited for; which one AWS gives is an open question. An empty code
// takes the decision in silence.
func (e *execution) repeated(format string, args ...any) error {
	code := e.x.world.Switches.RepeatedSignalError
	if code == "" {
		return nil
	}
	return kernel.Errorf(http.StatusBadRequest, code, format, args...)
}

func (e *execution) revoke(g *gate, before int) error {
	if before < 0 {
		return e.repeated("There is no approval to revoke.")
	}
	g.drop(before)
	e.showGate(g)
	return nil
}

func (g *gate) drop(i int) {
	g.decisions = slices.Delete(g.decisions, i, i+1)
	g.keys = slices.Delete(g.keys, i, i+1)
}

// showGate puts the decisions so far into the record of the step that waits.
func (e *execution) showGate(g *gate) {
	for i := range e.record.Steps {
		if step := &e.record.Steps[i]; step.Status == Waiting {
			for name, value := range g.outputs(Waiting, e.x.world.Switches.DecisionKeys) {
				step.Outputs[name] = shownList(value)
			}
		}
	}
}

// proceed ends a pause, or the wait before a step of an interactive execution.
func (e *execution) proceed(kind, step string) error {
	if e.wants == "" || !strings.HasPrefix(e.wants, kind+" ") {
		return signalError("Automation execution %s does not wait for %s.", e.record.ID, kind)
	}
	if step != "" && e.wants != kind+" "+step {
		return kernel.Errorf(http.StatusBadRequest, "AutomationStepNotFoundException", "Step %s does not wait for %s.", step, kind)
	}
	e.deliver(bySignal)
	return nil
}

func (e *execution) stopStep(id string) error {
	at := slices.IndexFunc(e.record.Steps, func(s Step) bool { return s.ID == id })
	if at < 0 {
		return kernel.Errorf(http.StatusBadRequest, "AutomationStepNotFoundException", "Step execution %s is not found.", id)
	}
	if !e.record.Steps[at].End.IsZero() || !e.deliver(byStop) {
		return signalError("Step execution %s is not in progress.", id)
	}
	return nil
}

// pause is the action aws:pause.
func (e *execution) pause(s document.Step, at int) result {
	why := e.await("Resume", s, at)
	if why != bySignal {
		return woken(why)
	}
	return succeeded(nil)
}

// obey waits, in an interactive execution, for the signal that starts a step.
func (e *execution) obey(at int, s document.Step) wake {
	if e.record.Mode != "Interactive" {
		return bySignal
	}
	return e.await("StartStep", s, at)
}

func (e *execution) await(kind string, s document.Step, at int) wake {
	why := e.wait(e.left(), kind+" "+s.Name, func() {
		e.wants = kind + " " + s.Name
		e.waits(at, nil)
	}, func() { e.tellWaiting(at) })
	e.goesOn()
	return why
}

func (e *execution) tellWaiting(at int) {
	e.tellStep(at)
	e.tellExecution()
}
