// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

import (
	"errors"
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

	line    *Line    // nil until Begin
	id      string   // the request id
	outcome string   // the code of the error that was rendered; empty is ok
	grants  []string // the statements that allowed it
	lose    bool     // a fault switch wants the answer lost
}

// Access is what a call asks of IAM.
type Access struct {
	Action     string              // as IAM names it, "s3:PutObject"
	Resources  []string            // ARNs; empty means "*"
	Conditions map[string]string   // condition keys of the request beyond those of the caller, as "iam:PassedToService"
	Sets       map[string][]string // condition keys with several values, as "aws:TagKeys"
	Open       bool                // IAM is not asked: no permission is needed, or each is asked for with Also
	Policy     *Policy             // the resource's own policy; nil where it has none
}

// Begin says what the call is. It journals it, applies the fault switches and asks IAM; the error is an *APIError to be
// rendered in the service's protocol.
func (c *Call) Begin(access Access) error { return c.begin(access) }

// RequestID is the id that the answer carries.
func (c *Call) RequestID() string { return c.id }

// Also asks IAM for a further access that the same call needs, as s3:GetObject for a put under If-Match. It neither makes
// a journal line of its own nor meets the fault switches.
func (c *Call) Also(access Access) error {
	grants, err := c.World.Authorize(c.Caller, c.Service, c.Region, access)
	c.grants = append(c.grants, grants...)
	return err
}

// Failed is err as the *APIError to render, a plain error being an InternalFailure, and notes its code as the call's
// outcome. The Fail methods call it; so must a service that renders errors itself.
func (c *Call) Failed(err error) *APIError {
	var api *APIError
	if !errors.As(err, &api) {
		api = Errorf(http.StatusInternalServerError, "InternalFailure", "%v", err)
	}
	c.outcome = api.Code
	return api
}

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
