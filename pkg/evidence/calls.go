// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"cloudfront503/pkg/incident"
)

// absences are errors by which AWS answers that something is not there: answers, no failures.
var absences = []string{"NoSuchEntity", "ResourceNotFoundException", "WAFNonexistentItemException", "NoSuchFunctionExists", "LoadBalancerNotFound"}

// watch is an API option for the gatherer's clients: each request is taken out of the incident's budget, and one that fails
// is kept for AWS Support. It is the outermost of the deserialising steps, which run once a try: there the endpoint is
// resolved and the answer is understood.
func watch(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("cloudfront503Evidence",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
			middleware.DeserializeOutput, middleware.Metadata, error) {
			m := meterOf(ctx)
			if m == nil {
				return next.HandleDeserialize(ctx, in)
			}
			if err := m.call(); err != nil {
				return middleware.DeserializeOutput{}, middleware.Metadata{}, err
			}
			out, metadata, err := next.HandleDeserialize(ctx, in)
			if code := errorCode(err); code != "" && !slices.Contains(absences, code) {
				m.keep(failedCall(ctx, in.Request, out.RawResponse, code, m.now()))
			}
			return out, metadata, err
		}), middleware.Before)
}

// errorCode is AWS's code of an error, "no answer" where none came, empty where there is no error.
func errorCode(err error) string {
	var answered smithy.APIError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &answered):
		return answered.ErrorCode()
	}
	return "no answer"
}

// failedCall is what AWS Support asks for: of the request nothing but where it went, of the answer nothing but its ids.
func failedCall(ctx context.Context, request, response any, code string, at time.Time) incident.FailedCall {
	call := incident.FailedCall{
		At: at.UTC(), ErrorCode: incident.Line(code, 80),
		Operation: action(awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)),
	}
	if r, ok := request.(*smithyhttp.Request); ok && r.URL != nil {
		call.Endpoint = r.URL.Scheme + "://" + r.URL.Host
	}
	if r, ok := response.(*smithyhttp.Response); ok && r != nil {
		call.RequestID = first(r.Header, "X-Amzn-Requestid", "X-Amz-Request-Id", "X-Amz-Requestid")
		call.ExtendedID = first(r.Header, "X-Amz-Id-2", "X-Amz-Cf-Id")
	}
	return call
}

func first(headers http.Header, names ...string) string {
	for _, name := range names {
		if value := headers.Get(name); value != "" {
			return incident.Line(value, 120)
		}
	}
	return ""
}

// prefixes are the services whose actions in IAM do not begin with the SDK's name for them.
var prefixes = map[string]string{
	"Elastic Load Balancing": "elasticloadbalancing", "Elastic Load Balancing v2": "elasticloadbalancing", "CloudWatch Logs": "logs",
}

// action is an operation as IAM calls it: cloudtrail:LookupEvents, s3:ListObjectsV2.
func action(service, operation string) string {
	if prefix, ok := prefixes[service]; ok {
		service = prefix
	}
	return strings.ToLower(strings.ReplaceAll(service, " ", "")) + ":" + operation
}
