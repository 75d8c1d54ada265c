// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package s3_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/s3"
)

const bucket = "example-bucket"

// rig is a world with one versioned bucket, and the operator's client.
type rig struct {
	*testing.T
	world   *kernel.World
	service *s3.Service
	client  *sdk.Client
}

func newRig(t *testing.T) *rig {
	t.Helper()
	w := kernel.NewWorld("111122223333", "us-east-1")
	service := s3.New(w)
	service.AddBucket(s3.Bucket{Name: bucket, Versioning: "Enabled"})
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	t.Setenv("AWS_ENDPOINT_URL", w.Endpoint)
	r := &rig{T: t, world: w, service: service}
	r.client = r.sign(kernel.Credentials{AccessKeyID: "ANY", SecretAccessKey: "any"})
	return r
}

// sign makes a client that signs with the given credentials and takes its endpoint from the environment.
func (r *rig) sign(c kernel.Credentials) *sdk.Client {
	r.Helper()
	cfg, err := config.LoadDefaultConfig(context.Background(), config.WithRegion("us-east-1"), config.WithRetryMaxAttempts(1),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)))
	if err != nil {
		r.Fatal(err)
	}
	return sdk.NewFromConfig(cfg, func(o *sdk.Options) { o.UsePathStyle = true })
}

// as is the rig with a client in a role that has the given statements.
func (r *rig) as(statements string) *rig {
	r.Helper()
	role := r.world.Identity.AddRole(kernel.Role{Name: "worker", Policies: map[string]json.RawMessage{
		"p": json.RawMessage(`{"Version":"2012-10-17","Statement":[` + statements + `]}`),
	}})
	c, err := r.world.Identity.Session(role.ARN, "session", "", nil)
	if err != nil {
		r.Fatal(err)
	}
	return &rig{T: r.T, world: r.world, service: r.service, client: r.sign(c)}
}

func (r *rig) put(key, body string, change ...func(*sdk.PutObjectInput)) (*sdk.PutObjectOutput, error) {
	in := &sdk.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader(body)}
	for _, c := range change {
		c(in)
	}
	return r.client.PutObject(context.Background(), in)
}

func (r *rig) get(key string) (string, error) {
	out, err := r.client.GetObject(context.Background(), &sdk.GetObjectInput{Bucket: aws.String(bucket), Key: &key})
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(out.Body)
	return string(body), err
}

// stored puts an object that must be taken.
func (r *rig) stored(key, body string) *sdk.PutObjectOutput {
	r.Helper()
	out, err := r.put(key, body)
	if err != nil {
		r.Fatal(err)
	}
	return out
}

// checkCode fails the test unless the error has that code; an empty code is no error.
func checkCode(t *testing.T, err error, code string) {
	t.Helper()
	got := ""
	var api smithy.APIError
	switch {
	case errors.As(err, &api):
		got = api.ErrorCode()
	case err != nil:
		got = err.Error()
	}
	if got != code {
		t.Errorf("got error %q (%v), want %q", got, err, code)
	}
}

// checkStrict fails the test where S3 met something that it does not know.
func (r *rig) checkStrict() {
	r.Helper()
	if v := r.world.Violations(); len(v) > 0 {
		r.Errorf("violations: %q", v)
	}
}
