// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"bytes"
	"net/http"
)

// Request is an API call from inside the account: a service that acts in somebody's role, a stack that makes its resources.
type Request struct {
	Credentials Credentials // of a key that nobody handed out: the operator
	Service     string      // the signing name
	Region      string      // empty: the world's
	Method      string      // empty: POST
	Path        string      // empty: /
	Header      map[string]string
	Body        []byte
}

// Do answers a call through the same door as everybody else's, without a network, so that IAM and the journal see it.
// status is 502 where a fault switch has lost the answer.
func (w *World) Do(call Request) (status int, body []byte) {
	if call.Method == "" {
		call.Method = http.MethodPost
	}
	if call.Path == "" {
		call.Path = "/"
	}
	if call.Region == "" {
		call.Region = w.Region
	}
	r, err := http.NewRequest(call.Method, call.Path, bytes.NewReader(call.Body))
	if err != nil {
		return http.StatusBadRequest, []byte(err.Error())
	}
	for name, value := range call.Header {
		r.Header.Set(name, value)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+call.Credentials.AccessKeyID+"/"+w.Clock.Now().Format("20060102")+
		"/"+call.Region+"/"+call.Service+"/aws4_request, SignedHeaders=host, Signature=0")
	if call.Credentials.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", call.Credentials.SessionToken)
	}
	answer := newAnswer()
	w.ServeHTTP(answer, r)
	return answer.status, answer.body.Bytes()
}
