// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package lambda

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"cloudfront503/pkg/emulator/kernel"
)

// sendMessage is sqs:SendMessage in a session of the function's role, through the account's one door, so that IAM, the
// queue's policy and the journal see it as they see everybody else's.
func (s *Service) sendMessage(credentials kernel.Credentials, queueARN, body string, attributes map[string]string) error {
	parts := strings.Split(queueARN, ":")
	input := map[string]any{
		"QueueUrl": fmt.Sprintf("%s/%s/%s", s.world.Endpoint, parts[4], parts[5]), "MessageBody": body,
	}
	if len(attributes) > 0 {
		input["MessageAttributes"] = messageAttributes(attributes)
	}
	raw, _ := json.Marshal(input)
	return s.post(credentials, "sqs", raw, map[string]string{
		"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AmazonSQS.SendMessage",
	})
}

func messageAttributes(attributes map[string]string) map[string]any {
	all := map[string]any{}
	for name, value := range attributes {
		all[name] = map[string]string{"DataType": "String", "StringValue": value}
	}
	return all
}

// publish is sns:Publish in a session of the function's role.
func (s *Service) publish(credentials kernel.Credentials, topicARN, message string) error {
	form := url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"}, "TopicArn": {topicARN}, "Message": {message}}
	return s.post(credentials, "sns", []byte(form.Encode()), map[string]string{"Content-Type": "application/x-www-form-urlencoded"})
}

// post is a call in a session of the function's role.
func (s *Service) post(credentials kernel.Credentials, service string, body []byte, header map[string]string) error {
	status, answer := s.world.Do(kernel.Request{Credentials: credentials, Service: service, Header: header, Body: body})
	if status >= http.StatusBadRequest {
		return fmt.Errorf("%s answered %d: %s", service, status, answer)
	}
	return nil
}
