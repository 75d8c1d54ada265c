// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package cloudwatch is the emulator's CloudWatch: it answers what kernel.Metrics holds, over RPC v2 CBOR, JSON 1.0 and the
// query form, and evaluates alarms each minute as the clock moves. A transition fires the alarm's actions and is always
// told to EventBridge.
package cloudwatch

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/wirexml"
)

// interfaceName is CloudWatch's in the paths of RPC v2 and in X-Amz-Target.
const interfaceName = "GraniteServiceVersion20100801"

// Service is CloudWatch. It is safe for concurrent use.
type Service struct {
	world *kernel.World

	mu       sync.Mutex
	alarms   map[alarmKey]*alarm
	mutes    []Mute
	ticking  bool
	partial  bool
	pageSize int
}

// New makes CloudWatch answer in the world.
func New(w *kernel.World) *Service {
	s := &Service{world: w, alarms: map[alarmKey]*alarm{}, pageSize: 100_800}
	w.Register("monitoring", s)
	return s
}

// SetPartial makes GetMetricData answer every series with half of its values and StatusCode PartialData.
func (s *Service) SetPartial(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partial = on
}

// SetPage makes GetMetricData answer at most so many values of a series in one page.
func (s *Service) SetPage(values int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pageSize = values
}

// operation is one API operation: how its input is read, what IAM is asked about, and what it does.
type operation func(s *Service, c *kernel.Call, action string, input []byte) (any, error)

// op makes an operation of a typed function. resources may be nil.
func op[In any](resources func(c *kernel.Call, in *In) []string, do func(s *Service, c *kernel.Call, in *In) (any, error)) operation {
	return func(s *Service, c *kernel.Call, action string, input []byte) (any, error) {
		in := new(In)
		decoder := json.NewDecoder(bytes.NewReader(input))
		decoder.DisallowUnknownFields()
		decoded := decoder.Decode(in)
		access := kernel.Access{Action: "cloudwatch:" + action}
		if resources != nil {
			access.Resources = resources(c, in)
		}
		if keyed, is := any(in).(interface{ sets() map[string][]string }); is {
			access.Sets = keyed.sets()
		}
		if err := c.Begin(access); err != nil {
			return nil, err
		}
		if decoded != nil {
			if strings.Contains(decoded.Error(), "unknown field") {
				s.world.Strict("cloudwatch: %s: %v", action, decoded)
			}
			return nil, invalid("%v", decoded)
		}
		return do(s, c, in)
	}
}

func invalid(format string, args ...any) error {
	return kernel.Errorf(http.StatusBadRequest, "ValidationError", format, args...)
}

// operations are what is known here. Metrics have no resources in IAM, alarms do.
var operations = map[string]operation{
	"GetMetricData":           op(nil, (*Service).getMetricData),
	"GetMetricStatistics":     op(nil, (*Service).getMetricStatistics),
	"ListMetrics":             op(nil, (*Service).listMetrics),
	"PutMetricData":           op(nil, (*Service).putMetricData),
	"DescribeAlarms":          op(anyAlarm[describeInput], (*Service).describeAlarms),
	"DescribeAlarmHistory":    op(anyAlarm[historyInput], (*Service).describeHistory),
	"DescribeAlarmsForMetric": op(nil, (*Service).describeForMetric),
	"PutMetricAlarm":          op(ownAlarm, (*Service).putMetricAlarm),
	"PutCompositeAlarm":       op(ownComposite, (*Service).putCompositeAlarm),
	"SetAlarmState":           op(stateAlarm, (*Service).setAlarmState),
	"EnableAlarmActions":      op(namedAlarms, (*Service).enableActions),
	"DisableAlarmActions":     op(namedAlarms, (*Service).disableActions),
	"DeleteAlarms":            op(namedAlarms, (*Service).deleteAlarms),
}

// Serve is part of kernel.Service.
func (s *Service) Serve(c *kernel.Call) {
	p := protocolOf(c)
	action, input, err := p.read(c)
	if err != nil {
		p.fail(c, kernel.Errorf(http.StatusBadRequest, "SerializationException", "%v", err))
		return
	}
	do := operations[action]
	if do == nil {
		s.world.Strict("cloudwatch: unknown operation %q", action)
		p.fail(c, kernel.Errorf(http.StatusBadRequest, "UnknownOperationException", "%s is not known here", action))
		return
	}
	output, err := do(s, c, action, input)
	if err != nil {
		p.fail(c, err)
		return
	}
	p.write(c, action, output)
}

// protocol is one of the three forms that a request may have.
type protocol struct {
	read  func(c *kernel.Call) (action string, input []byte, err error)
	write func(c *kernel.Call, action string, output any)
	fail  func(c *kernel.Call, err error)
}

func protocolOf(c *kernel.Call) protocol {
	switch {
	case c.R.Header.Get("Smithy-Protocol") == "rpc-v2-cbor":
		return protocol{readCBOR, writeCBOR, failCBOR}
	case c.R.Header.Get("X-Amz-Target") != "":
		return protocol{readJSON, func(c *kernel.Call, _ string, output any) { c.JSON(orObject(output)) }, (*kernel.Call).FailJSON}
	}
	return protocol{readQuery, writeQuery, (*kernel.Call).FailQuery}
}

func orObject(output any) any {
	if output == nil {
		return struct{}{}
	}
	return output
}

// decoding reads foreign CBOR: string keys only, and no more depth or size than a request of CloudWatch has.
var decoding = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DefaultMapType: nil, MaxNestedLevels: 24, MaxArrayElements: 10_000, MaxMapPairs: 10_000, IntDec: cbor.IntDecConvertSignedOrFail,
	}.DecMode()
	if err != nil {
		return nil
	}
	return mode
}()

func readCBOR(c *kernel.Call) (action string, input []byte, err error) {
	action = c.R.URL.Path[strings.LastIndex(c.R.URL.Path, "/")+1:]
	if len(c.Body) == 0 {
		return action, []byte("{}"), nil
	}
	input, err = fromCBOR(c.Body)
	return action, input, err
}

// fromCBOR is a CBOR item as JSON; timestamps become text in RFC 3339.
func fromCBOR(data []byte) ([]byte, error) {
	var value any
	if err := decoding.Unmarshal(data, &value); err != nil {
		return nil, err
	}
	plain, err := stringKeys(value)
	if err != nil {
		return nil, err
	}
	return json.Marshal(plain)
}

func stringKeys(value any) (any, error) {
	switch v := value.(type) {
	case map[any]any:
		m := make(map[string]any, len(v))
		for key, member := range v {
			name, ok := key.(string)
			if !ok {
				return nil, errors.New("cbor: a key is no string")
			}
			inside, err := stringKeys(member)
			if err != nil {
				return nil, err
			}
			m[name] = inside
		}
		return m, nil
	case []any:
		for i := range v {
			inside, err := stringKeys(v[i])
			if err != nil {
				return nil, err
			}
			v[i] = inside
		}
	case cbor.Tag:
		return nil, errors.New("cbor: unknown tag " + strconv.FormatUint(v.Number, 10))
	}
	return value, nil
}

func writeCBOR(c *kernel.Call, _ string, output any) {
	data, err := cbor.Marshal(orObject(output))
	if err != nil {
		failCBOR(c, err)
		return
	}
	sendCBOR(c, http.StatusOK, data)
}

func failCBOR(c *kernel.Call, err error) {
	e := c.Failed(err)
	data, _ := cbor.Marshal(map[string]string{"__type": e.Code, "message": e.Message}) // strings always marshal
	c.W.Header().Set("X-Amzn-Query-Error", e.Code+";Sender")
	sendCBOR(c, e.Status, data)
}

func sendCBOR(c *kernel.Call, status int, data []byte) {
	c.W.Header().Set("Content-Type", "application/cbor")
	c.W.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	c.W.WriteHeader(status)
	_, _ = c.W.Write(data) // the kernel keeps the answer back
}

func readJSON(c *kernel.Call) (action string, input []byte, err error) {
	return strings.TrimPrefix(c.R.Header.Get("X-Amz-Target"), interfaceName+"."), c.Body, nil
}

// numeric and boolean are the members that the query form carries as text.
var (
	numeric = []string{"ActionsSuppressorExtensionPeriod", "ActionsSuppressorWaitPeriod", "DatapointsToAlarm", "EvaluationPeriods", "MaxDatapoints", "MaxRecords", "Maximum", "Minimum", "Period", "SampleCount", "StorageResolution", "Sum", "Threshold", "Values", "Counts"}
	boolean = []string{"ActionsEnabled", "IncludeLinkedAccounts", "ReturnData", "StrictEntityValidation"}
)

func readQuery(c *kernel.Call) (action string, input []byte, err error) {
	values, err := url.ParseQuery(string(c.Body))
	if err != nil {
		return "", nil, err
	}
	form, err := wirexml.Form(values)
	if err != nil {
		return "", nil, err
	}
	action, _ = form["Action"].(string)
	delete(form, "Action")
	delete(form, "Version")
	input, err = json.Marshal(typed("", form))
	return action, input, err
}

// typed turns text into numbers and booleans where the member's name says so.
func typed(name string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		for member, inside := range v {
			v[member] = typed(member, inside)
		}
	case []any:
		for i := range v {
			v[i] = typed(name, v[i])
		}
	case string:
		if number, err := strconv.ParseFloat(v, 64); err == nil && (slices.Contains(numeric, name) || name == "Value") {
			return number
		}
		if slices.Contains(boolean, name) {
			return v == "true"
		}
	}
	return value
}

func writeQuery(c *kernel.Call, action string, output any) {
	if output == nil {
		c.Query(action, nil)
		return
	}
	generic, err := wirexml.Generic(output)
	if err != nil {
		c.FailQuery(err)
		return
	}
	members, _ := generic.(map[string]any)
	var inner bytes.Buffer
	for name, value := range members {
		inner.Write(wirexml.Query.Element(name, value))
	}
	c.Query(action, struct {
		Inner []byte `xml:",innerxml"`
	}{inner.Bytes()})
}

// Time is a timestamp in all three protocols: tag 1 in CBOR, text elsewhere; numbers are read too.
type Time struct{ time.Time }

// MarshalJSON is part of json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) {
	return json.Marshal(t.UTC().Format("2006-01-02T15:04:05.000Z"))
}

// UnmarshalJSON is part of json.Unmarshaler.
func (t *Time) UnmarshalJSON(data []byte) error {
	var seconds float64
	if json.Unmarshal(data, &seconds) == nil {
		t.Time = time.UnixMilli(int64(seconds * 1000)).UTC()
		return nil
	}
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02"} {
		if parsed, err := time.Parse(layout, text); err == nil {
			t.Time = parsed.UTC()
			return nil
		}
	}
	return errors.New("not a timestamp: " + text)
}

// MarshalCBOR is part of cbor.Marshaler.
func (t Time) MarshalCBOR() ([]byte, error) {
	return cbor.Marshal(cbor.Tag{Number: 1, Content: float64(t.UnixMilli()) / 1000})
}
