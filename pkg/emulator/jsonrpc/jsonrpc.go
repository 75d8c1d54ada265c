// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package jsonrpc is AWS's JSON protocols as the emulator's services speak them: the operation stands in the X-Amz-Target
// header, and a member that is not known is refused, never ignored.
package jsonrpc

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// Handler answers one operation. It calls c.Begin first.
type Handler func(c *kernel.Call) (any, error)

// Serve finds the handler of a call whose target is PREFIX.OPERATION, and renders what it answers.
func Serve(c *kernel.Call, prefix string, handlers map[string]Handler) {
	target := c.R.Header.Get("X-Amz-Target")
	name, ok := strings.CutPrefix(target, prefix+".")
	handle := handlers[name]
	if !ok || handle == nil {
		c.World.Strict("%s: unknown operation %q", c.Service, target)
		c.FailJSON(kernel.Errorf(http.StatusBadRequest, "UnknownOperationException", "%s is not known here", target))
		return
	}
	answer, err := handle(c)
	if err != nil {
		c.FailJSON(err)
		return
	}
	c.JSON(answer)
}

// Decode reads the body into a struct that has every member of the operation.
func Decode(c *kernel.Call, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(c.Body))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		return nil
	}
	if strings.Contains(err.Error(), "unknown field") {
		c.World.Strict("%s: %s: %v", c.Service, c.R.Header.Get("X-Amz-Target"), err)
		return kernel.Errorf(http.StatusBadRequest, "InvalidParameterException", "%v", err)
	}
	return kernel.Errorf(http.StatusBadRequest, "SerializationException", "%v", err)
}

// Time is a timestamp of the JSON protocols: seconds since 1970, with a fraction.
type Time struct{ time.Time }

// MarshalJSON is part of json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	return json.Marshal(float64(t.UnixMilli()) / 1000)
}

// UnmarshalJSON is part of json.Unmarshaler.
func (t *Time) UnmarshalJSON(data []byte) error {
	var seconds float64
	if err := json.Unmarshal(data, &seconds); err != nil {
		return err
	}
	t.Time = time.UnixMilli(int64(seconds * 1000)).UTC()
	return nil
}
