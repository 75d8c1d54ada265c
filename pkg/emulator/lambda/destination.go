// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package lambda

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
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

// post sends a request to the account without a network. The signature is the part of one that the account reads.
func (s *Service) post(credentials kernel.Credentials, service string, body []byte, headers map[string]string) error {
	r, err := http.NewRequest(http.MethodPost, s.world.Endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	scope := "/" + s.world.Clock.Now().Format("20060102") + "/" + s.world.Region + "/" + service + "/aws4_request"
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+credentials.AccessKeyID+scope+", SignedHeaders=host, Signature=0")
	r.Header.Set("X-Amz-Security-Token", credentials.SessionToken)
	r.URL.Scheme, r.URL.Host = "", "" // as a server sees it: a path
	answer := &answer{status: http.StatusOK, header: http.Header{}}
	s.world.ServeHTTP(answer, r)
	if answer.status >= http.StatusBadRequest {
		return fmt.Errorf("%s answered %d: %s", service, answer.status, answer.body.String())
	}
	return nil
}

// answer is a response that nobody sends.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header is part of http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader is part of http.ResponseWriter.
func (a *answer) WriteHeader(status int) { a.status = status }

// Write is part of http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

var _ io.Writer = (*answer)(nil)
