// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/pattern"
)

// Chat is a chat's button. It publishes in the chat's role, which is no person: it may reject and approves nothing.
type Chat struct {
	Topic string // the ARN of the topic through which it comes; empty where there is no chat
	Role  string // the ARN of the only role that may publish there
}

// ChatName is who rejected where the chat did. It is no name that an approver can have.
const ChatName = "(chat)"

var incidentText = pattern.Lazily(`^([A-Z0-9]{1,32})/([0-9]{6,10})$`)

// ParseChat reads what a chat's button publishes,
//
//	reject E2EXAMPLE/000007 not during the sale
//
// Everything else is refused with a sentence, an approval among it.
func ParseChat(text string) (incident.Reference, string, error) {
	if len(text) > longestReply {
		return incident.Reference{}, "", errors.New("not a reject: longer than 16 KB")
	}
	words := strings.Fields(unquote(text))
	if len(words) < 2 || !strings.EqualFold(words[0], string(incident.Reject)) {
		return incident.Reference{}, "", errors.New("a chat may reject and nothing else: want \"reject DISTRIBUTION/NUMBER reason\"")
	}
	parts := incidentText().FindStringSubmatch(words[1])
	if parts == nil {
		return incident.Reference{}, "", errors.New("not a reject: want \"reject DISTRIBUTION/NUMBER reason\"")
	}
	return incident.Reference{Distribution: parts[1], ID: parts[2]}, incident.Line(strings.Join(words[2:], " "), longestReason), nil
}

// takeChat records a reject that came from the chat. The gate is not told, as the chat is none of its approvers: nobody
// writes on an incident that is rejected, however the gate stands.
func (d Desk) takeChat(ctx context.Context, v *visit) error {
	v.channel = incident.ChannelChat
	reference, reason, err := ParseChat(v.reply.Text)
	if err != nil {
		return refuse("%s", err)
	}
	if v.record, err = d.recordOf(ctx, reference); err != nil {
		return err
	}
	if v.record.Request == nil {
		return refuse("nothing was asked about incident %s", reference)
	}
	v.parsed = Reply{Verb: incident.Reject, Reason: reason}
	if slices.ContainsFunc(v.record.Decisions, func(one incident.Decision) bool { return one.MessageID == v.reply.MessageID }) {
		return nil
	}
	if err := d.mayAnswer(v); err != nil {
		return err
	}
	return d.recordChat(ctx, v)
}

func (d Desk) recordChat(ctx context.Context, v *visit) error {
	request := v.record.Request
	decision := incident.Decision{
		Approver: ChatName, Verb: incident.Reject, Reason: v.parsed.Reason, MessageID: v.reply.MessageID, Channel: v.channel,
		Through: fmt.Sprintf("topic %s, to which only %s may publish", d.Chat.Topic, d.Chat.Role), At: d.Now(),
		Execution: request.Execution, Hash: request.Hash, ETag: request.ETag,
	}
	_, _, err := d.Ledger.AppendOnce(ctx, request.Incident, incident.StepDecision, v.reply.MessageID, "the chat answered: reject", decision)
	if err != nil {
		return fmt.Errorf("record the reject of the chat: %w", err)
	}
	return nil
}
