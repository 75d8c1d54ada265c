// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package rehearsal

import (
	"encoding/json"
	"fmt"
	"strings"

	"cloudfront503/pkg/emulator/kernel"
)

// Numbers of a stack that takes text messages; all are of those that are kept for fiction.
const (
	OwnNumber  = "+12065550100"
	AlicePhone = "+12065550141"
	BobPhone   = "+12065550172"
)

// Texting are the parameters of a stack that takes text messages from both approvers.
func Texting() map[string]string {
	return map[string]string{"SmsReplies": "yes", "SmsNumber": OwnNumber, "Phone1": AlicePhone, "Phone2": BobPhone}
}

// Phone is an approver's number in a stack that takes text messages.
func Phone(name string) string { return map[string]string{"alice": AlicePhone, "bob": BobPhone}[name] }

// textTopic is where the SMS service publishes what comes in.
const textTopic = "arn:aws:sns:us-east-1:" + AccountID + ":" + StackName + "-texts"

// Codes are an approver's two codes, out of the newest text message that asks a phone.
func (r *Rehearsal) Codes(phone string) (approve, reject string) {
	for _, mail := range r.SNS.Mailbox("") {
		if mail.Protocol != "sms" || mail.Endpoint != phone {
			continue
		}
		if _, codes, found := strings.Cut(mail.Body, "Reply "); found {
			words := strings.Fields(codes)
			approve, reject = words[0], words[len(words)-3]
		}
	}
	return approve, reject
}

// Text is a text message from a phone to the stack's number, as the SMS service of the account publishes it. Each is
// another message, also where it says the same.
func (r *Rehearsal) Text(phone, body string) error {
	return r.TextAgain(kernel.NewUUID(), phone, body)
}

// TextAgain is Text with the service's own id of the message, which is published as often as it is called.
func (r *Rehearsal) TextAgain(id, phone, body string) error {
	message, err := json.Marshal(map[string]string{
		"originationNumber": phone, "destinationNumber": OwnNumber, "messageKeyword": fmt.Sprintf("KEYWORD_%s", AccountID), "messageBody": body, "inboundMessageId": id,
	})
	if err != nil {
		return err
	}
	source := "arn:aws:sms-voice:us-east-1:" + AccountID + ":phone-number/phone-0a1b2c3d4e5f60718293a4b5c6d7e8f9"
	err = r.SNS.PublishAs("sms-voice.amazonaws.com", source, textTopic, "", string(message))
	r.World.Settle()
	return err
}
