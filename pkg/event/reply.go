// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package event

import (
	"errors"

	"cloudfront503/pkg/incident"
)

// longestReply is more than any ticket and reason need; SNS takes 256 KB.
const longestReply = 16 << 10

// readReply takes somebody's words. Whose they are, the topic says; whether it is a reply topic, the handler knows.
//
//	approve E1EXAMPLE.000007.q3J…
//	reject E1EXAMPLE.000007.Xc1… we are in the middle of a release
func readReply(raw []byte, d delivery) (incident.Trigger, error) {
	if d.topic == "" || d.messageID == "" {
		return incident.Trigger{}, errors.New("words that came through no topic")
	}
	if len(raw) > longestReply {
		raw = raw[:longestReply]
	}
	reply := incident.Reply{TopicARN: d.topic, MessageID: d.messageID, Text: string(raw)}
	return incident.Trigger{
		Kind: incident.KindReply, Channel: d.channel, Key: "sns:" + d.messageID, At: d.at,
		Account: arnField(d.topic, arnAccount), Region: arnField(d.topic, arnRegion), Reply: &reply,
	}, nil
}
