// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package lean

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/restjson"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// mostAnswer is the most of an answer that is read, in bytes: far more than an execution with all its steps.
const mostAnswer = 16 << 20

// encoder writes the request.
type encoder struct{ client Client }

// ID implements middleware.SerializeMiddleware.
func (encoder) ID() string { return "OperationSerializer" }

// HandleSerialize implements middleware.SerializeMiddleware.
func (e encoder) HandleSerialize(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (
	middleware.SerializeOutput, middleware.Metadata, error,
) {
	request, err := e.encode(ctx, in)
	if err != nil {
		return middleware.SerializeOutput{}, middleware.Metadata{}, &smithy.SerializationError{Err: err}
	}
	in.Request = request
	return next.HandleSerialize(ctx, in)
}

func (e encoder) encode(ctx context.Context, in middleware.SerializeInput) (*smithyhttp.Request, error) {
	request, ok := in.Request.(*smithyhttp.Request)
	if !ok {
		return nil, fmt.Errorf("transport %T is not HTTP", in.Request)
	}
	at, err := e.client.endpoint(ctx)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(in.Parameters)
	if err != nil {
		return nil, err
	}
	request.Method, request.URL = http.MethodPost, at
	if at.Path == "" {
		at.Path = "/"
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", e.client.service.Target+"."+middleware.GetOperationName(ctx))
	return request.SetStream(bytes.NewReader(body))
}

// decoder reads the answer into out.
type decoder struct{ out any }

// ID implements middleware.DeserializeMiddleware.
func (decoder) ID() string { return "OperationDeserializer" }

// HandleDeserialize implements middleware.DeserializeMiddleware.
func (d decoder) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	middleware.DeserializeOutput, middleware.Metadata, error,
) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	if err != nil {
		return out, metadata, err
	}
	answer, ok := out.RawResponse.(*smithyhttp.Response)
	if !ok {
		return out, metadata, &smithy.DeserializationError{Err: fmt.Errorf("transport %T is not HTTP", out.RawResponse)}
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer))
	switch {
	case err != nil:
		return out, metadata, &smithy.DeserializationError{Err: err}
	case answer.StatusCode < 200 || answer.StatusCode > 299:
		return out, metadata, failure(answer, body)
	}
	if err := json.Unmarshal(body, d.out); err != nil {
		return out, metadata, &smithy.DeserializationError{Err: err, Snapshot: body[:min(len(body), 1024)]}
	}
	out.Result = d.out
	return out, metadata, nil
}

// failure is the error that an answer describes. Its code stands in a header or in the body, with a namespace before it or a
// URI after it.
func failure(answer *smithyhttp.Response, body []byte) error {
	code, message, err := restjson.GetErrorInfo(json.NewDecoder(bytes.NewReader(body)))
	if err != nil && !errors.Is(err, io.EOF) {
		message = "the answer is no JSON"
	}
	if header := answer.Header.Get("X-Amzn-ErrorType"); header != "" {
		code = header
	}
	if code = restjson.SanitizeErrorCode(code); code == "" {
		code = "UnknownError"
	}
	fault := smithy.FaultClient
	if answer.StatusCode >= http.StatusInternalServerError {
		fault = smithy.FaultServer
	}
	return &smithy.GenericAPIError{Code: code, Message: message, Fault: fault}
}

// Time is a time as the protocol has it: seconds since 1970, with a fraction.
type Time struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (t *Time) UnmarshalJSON(text []byte) error {
	var seconds float64
	if err := json.Unmarshal(text, &seconds); err != nil {
		return err
	}
	whole, part := math.Modf(seconds)
	t.Time = time.Unix(int64(whole), int64(math.Round(part*1e3))*1e6).UTC()
	return nil
}

// Or is the time, or the zero time where there is none.
func (t *Time) Or() time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}
