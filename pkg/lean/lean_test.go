// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package lean_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"cloudfront503/pkg/lean"
)

var quota = lean.Service{ID: "Some Service", Name: "some", Target: "SomeService_20261124"}

// answer is what a service says to one try.
type answer struct {
	status int
	header map[string]string
	body   string
}

// service answers one try after the other, and keeps what it was asked.
type service struct {
	answers []answer
	asked   []*http.Request
	bodies  []string
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // an empty body is told by the test
	s.asked, s.bodies = append(s.asked, r), append(s.bodies, string(body))
	now := s.answers[min(len(s.asked), len(s.answers))-1]
	w.Header().Set("X-Amzn-RequestId", "request-1")
	for name, value := range now.header {
		w.Header().Set(name, value)
	}
	if now.status == 0 {
		panic(http.ErrAbortHandler) // the answer is lost
	}
	w.WriteHeader(now.status)
	_, _ = io.WriteString(w, now.body)
}

func serve(t *testing.T, answers ...answer) (*service, aws.Config) {
	t.Helper()
	s := &service{answers: answers}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, aws.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "token"),
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
		},
	}
}

type question struct {
	Name  *string
	Limit *int32 `json:",omitempty"`
}

type reply struct {
	At    *lean.Time
	Items []string
}

func TestACallIsWhatTheProtocolSays(t *testing.T) {
	t.Parallel()
	s, cfg := serve(t, answer{status: 200, body: `{"At":1795491660.25,"Items":["a"],"New":{"x":1}}`})
	var out reply
	if err := lean.New(cfg, quota).Call(t.Context(), "GetThing", question{Name: aws.String("n")}, &out); err != nil {
		t.Fatal(err)
	}
	asked := s.asked[0]
	for header, want := range map[string]string{
		"X-Amz-Target": "SomeService_20261124.GetThing", "Content-Type": "application/x-amz-json-1.1", "X-Amz-Security-Token": "token",
		"Content-Length": "12",
	} {
		if got := asked.Header.Get(header); got != want {
			t.Errorf("%s is %q, want %q", header, got, want)
		}
	}
	if signed := asked.Header.Get("Authorization"); !strings.Contains(signed, "AKIDEXAMPLE/") || !strings.Contains(signed, "/us-east-1/some/aws4_request") {
		t.Errorf("signed %q", signed)
	}
	if asked.Method != http.MethodPost || asked.URL.Path != "/" || s.bodies[0] != `{"Name":"n"}` {
		t.Errorf("asked %s %s %s", asked.Method, asked.URL, s.bodies[0])
	}
	if at := time.Date(2026, 11, 24, 3, 41, 0, 250e6, time.UTC); !out.At.Or().Equal(at) || out.Items[0] != "a" {
		t.Errorf("answer %+v, at %s", out, out.At.Or())
	}
}

func TestWhatFailsIsNamedAsTheSDKNamesIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer        answer
		code, message string
		fault         smithy.ErrorFault
	}{
		"with a namespace":          {answer{status: 400, body: `{"__type":"com.amazonaws.some#NotFound","message":"no such thing"}`}, "NotFound", "no such thing", smithy.FaultClient},
		"message with a capital":    {answer{status: 400, body: `{"__type":"AccessDeniedException","Message":"User: x"}`}, "AccessDeniedException", "User: x", smithy.FaultClient},
		"in a header, with a URI":   {answer{status: 400, header: map[string]string{"X-Amzn-ErrorType": "NotFound:http://internal"}, body: `{"message":"m"}`}, "NotFound", "m", smithy.FaultClient},
		"of AWS":                    {answer{status: 500, body: `{"__type":"InternalServerError"}`}, "InternalServerError", "", smithy.FaultServer},
		"without a body":            {answer{status: 503}, "UnknownError", "", smithy.FaultServer},
		"a page of a load balancer": {answer{status: 502, body: "<html>"}, "UnknownError", "the answer is no JSON", smithy.FaultServer},
	} {
		_, cfg := serve(t, test.answer)
		err := lean.New(cfg, quota).Call(t.Context(), "GetThing", question{}, &reply{})
		var api smithy.APIError
		var operation *smithy.OperationError
		var response *awshttp.ResponseError
		if !errors.As(err, &api) || !errors.As(err, &operation) || !errors.As(err, &response) {
			t.Fatalf("%s: %v", name, err)
		}
		if api.ErrorCode() != test.code || api.ErrorMessage() != test.message || api.ErrorFault() != test.fault || !lean.HasCode(err, test.code) {
			t.Errorf("%s: %q %q %s", name, api.ErrorCode(), api.ErrorMessage(), api.ErrorFault())
		}
		if operation.Service() != "Some Service" || operation.Operation() != "GetThing" || response.ServiceRequestID() != "request-1" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatPassesIsTriedAgain(t *testing.T) {
	t.Parallel()
	good, throttled := answer{status: 200, body: `{}`}, answer{status: 400, body: `{"__type":"ThrottlingException"}`}
	for name, test := range map[string]struct {
		answers []answer
		options []func(*lean.Options)
		tries   int
		fails   bool
	}{
		"a denial is final":             {[]answer{{status: 400, body: `{"__type":"AccessDeniedException"}`}, good}, nil, 1, true},
		"throttled twice":               {[]answer{throttled, throttled, good}, nil, 3, false},
		"a lost answer":                 {[]answer{{}, good}, nil, 2, false},
		"a fault of AWS":                {[]answer{{status: 500}, good}, nil, 2, false},
		"throttled for ever":            {[]answer{throttled}, nil, 3, true},
		"throttled, with more patience": {[]answer{throttled}, []func(*lean.Options){func(o *lean.Options) { o.RetryMaxAttempts = 5 }}, 5, true},
		"an answer that is no JSON":     {[]answer{{status: 200, body: "<html>"}}, nil, 1, true},
	} {
		s, cfg := serve(t, test.answers...)
		err := lean.New(cfg, quota).Call(t.Context(), "GetThing", question{Name: aws.String("n")}, &reply{}, test.options...)
		if len(s.asked) != test.tries || (err != nil) != test.fails {
			t.Errorf("%s: %d tries, error %v", name, len(s.asked), err)
		}
		if last := s.bodies[len(s.bodies)-1]; last != `{"Name":"n"}` {
			t.Errorf("%s: the last try said %q", name, last)
		}
	}
}

func TestACallMayHaveCredentialsOfItsOwn(t *testing.T) {
	t.Parallel()
	s, cfg := serve(t, answer{status: 200, body: `{}`})
	own := func(o *lean.Options) { o.Credentials = credentials.NewStaticCredentialsProvider("AKIDOTHER", "s", "") }
	if err := lean.New(cfg, quota).Call(t.Context(), "GetThing", question{}, &reply{}, own); err != nil {
		t.Fatal(err)
	}
	if signed := s.asked[0].Header.Get("Authorization"); !strings.Contains(signed, "AKIDOTHER/") || s.asked[0].Header.Get("X-Amz-Security-Token") != "" {
		t.Errorf("signed %q", signed)
	}
}

func TestNothingIsSentWithoutTheCredentials(t *testing.T) {
	t.Parallel()
	s, cfg := serve(t, answer{status: 200, body: `{}`})
	cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, io.ErrUnexpectedEOF })
	if err := lean.New(cfg, quota).Call(t.Context(), "GetThing", question{}, &reply{}); !errors.Is(err, io.ErrUnexpectedEOF) || len(s.asked) != 0 {
		t.Errorf("asked %d times, error %v", len(s.asked), err)
	}
}

// given is a source of the SDK's configuration.
type given struct{ service, at string }

func (g given) GetServiceBaseEndpoint(_ context.Context, service string) (string, bool, error) {
	return g.at, service == g.service, nil
}

func TestAnEndpointForTheServiceAloneComesFirst(t *testing.T) {
	t.Parallel()
	s, cfg := serve(t, answer{status: 200, body: `{}`})
	cfg.ConfigSources = []any{"nothing", given{"Another", "http://127.0.0.1:1"}, given{"Some Service", *cfg.BaseEndpoint}}
	cfg.BaseEndpoint = aws.String("http://127.0.0.1:1")
	if err := lean.New(cfg, quota).Call(t.Context(), "GetThing", question{}, &reply{}); err != nil || len(s.asked) != 1 {
		t.Errorf("asked %d times, error %v", len(s.asked), err)
	}
}

// transport says where it was asked, and does not answer.
type transport struct{ host string }

func (t *transport) Do(r *http.Request) (*http.Response, error) {
	t.host = r.URL.String()
	return nil, errors.New("no network")
}

func TestWithoutAnEndpointItIsAWSs(t *testing.T) {
	t.Parallel()
	there := &transport{}
	cfg := aws.Config{Region: "us-east-1", HTTPClient: there, Retryer: func() aws.Retryer { return aws.NopRetryer{} }}
	if err := lean.New(cfg, quota).Call(t.Context(), "GetThing", question{}, &reply{}); err == nil || there.host != "https://some.us-east-1.amazonaws.com/" {
		t.Errorf("asked %s, error %v", there.host, err)
	}
}

func TestTheConfigurationsOptionsSeeEveryCall(t *testing.T) {
	t.Parallel()
	_, cfg := serve(t, answer{status: 500}, answer{status: 200, body: `{}`})
	var seen []string
	cfg.APIOptions = append(cfg.APIOptions, func(stack *middleware.Stack) error {
		return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("watch", func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
			middleware.DeserializeOutput, middleware.Metadata, error,
		) {
			seen = append(seen, middleware.GetServiceID(ctx)+"."+middleware.GetOperationName(ctx))
			return next.HandleDeserialize(ctx, in)
		}), middleware.After)
	})
	if err := lean.New(cfg, quota).Call(t.Context(), "GetThing", question{}, &reply{}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(seen, " "); got != "Some Service.GetThing Some Service.GetThing" {
		t.Errorf("seen %q", got)
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s, cfg := serve(t, answer{status: 200, body: `{}`})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := lean.New(cfg, quota).Call(ctx, "GetThing", question{}, &reply{}); !errors.Is(err, context.Canceled) || len(s.asked) != 0 {
		t.Errorf("asked %d times, error %v", len(s.asked), err)
	}
}

func FuzzTime(f *testing.F) {
	for _, seed := range []string{"1795491660.25", "1.79549166025E9", "0", "-1", "null", `"2026-11-24T03:41:00Z"`, "1e400", "9e18"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var at lean.Time
		if err := json.Unmarshal([]byte(text), &at); err == nil && at.Location() != time.UTC {
			t.Errorf("%q is not in UTC: %s", text, at)
		}
	})
}
