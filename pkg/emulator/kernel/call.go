// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"fmt"
	"net/http"
)

// Call is one request to a service, with who signed it.
type Call struct {
	World   *World
	W       http.ResponseWriter
	R       *http.Request
	Body    []byte // read whole, with aws-chunked framing already taken off
	Service string // the signing name
	Region  string // the Region that the signature names
	Caller  Principal

	line *Line
}

// Access is what a call asks of IAM.
type Access struct {
	Action     string            // as IAM names it, "s3:PutObject"
	Resources  []string          // ARNs; empty means "*"
	Conditions map[string]string // condition keys of the request beyond those of the caller, as "iam:PassedToService"
	Policy     *Policy           // the resource's own policy; nil where it has none
}

// Begin says what the call is. It journals it, applies the fault switches and asks IAM; the error is an *APIError to be
// rendered in the service's protocol.
func (c *Call) Begin(access Access) error { return c.begin(access) }

// APIError is an error as AWS words it.
type APIError struct {
	Code    string
	Message string
	Status  int               // HTTP status
	Extra   map[string]string // further members of the error's body
}

// Error is the code and the message.
func (e *APIError) Error() string { return e.Code + ": " + e.Message }

// Errorf makes an APIError.
func Errorf(status int, code, format string, args ...any) *APIError {
	return &APIError{Code: code, Message: fmt.Sprintf(format, args...), Status: status}
}
