// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cloudfront503/pkg/emulator/kernel"
	bucketservice "cloudfront503/pkg/emulator/s3"
	"cloudfront503/pkg/incident"
)

const bucket = "example-bucket"

var first = incident.Reference{Distribution: shop, ID: "000001"}

// rig is S3 over its wire protocol, and a clock that stands still until it is set.
type rig struct {
	*testing.T
	world   *kernel.World
	service *bucketservice.Service
	mu      sync.Mutex
	now     time.Time
}

func newRig(t *testing.T) *rig {
	t.Helper()
	w := kernel.NewWorld("111122223333", "us-east-1")
	r := &rig{T: t, world: w, service: bucketservice.New(w), now: at(1)}
	r.service.AddBucket(bucketservice.Bucket{Name: bucket, Versioning: "Enabled"})
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	t.Cleanup(func() {
		if v := w.Violations(); len(v) > 0 {
			t.Errorf("S3 met what it does not know: %q", v)
		}
	})
	return r
}

func (r *rig) set(minutes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = at(minutes)
}

func (r *rig) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

// client signs with the given credentials and tries so many times, without waiting in between.
func (r *rig) client(c kernel.Credentials, tries int) *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(r.world.Endpoint), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = tries
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	})
}

var operator = kernel.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}

func (r *rig) ledger(writer string) *Ledger {
	return New(r.client(operator, 1), bucket, writer, r.clock)
}

// as is a ledger in a role of the given policy statements.
func (r *rig) as(writer, statements string) *Ledger {
	r.Helper()
	role := r.world.Identity.AddRole(kernel.Role{Name: writer, Policies: map[string]json.RawMessage{
		"p": json.RawMessage(`{"Version":"2012-10-17","Statement":[` + statements + `]}`),
	}})
	session, err := r.world.Identity.Session(role.ARN, "session", "", nil)
	if err != nil {
		r.Fatal(err)
	}
	return New(r.client(session, 1), bucket, writer, r.clock)
}

func (r *rig) claim(l *Ledger, t incident.Trigger, holder string) Claim {
	r.Helper()
	c, err := l.Claim(r.Context(), shop, t, holder, 15*time.Minute)
	if err != nil {
		r.Fatal(err)
	}
	return c
}

func (r *rig) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) pointer() incident.Pointer {
	r.Helper()
	p, err := r.ledger("test").Current(r.Context(), shop)
	r.ok(err)
	return p
}

// steps are the first incident's, after their chains were checked.
func (r *rig) steps() []incident.Step {
	r.Helper()
	steps, err := r.ledger("test").Steps(r.Context(), first)
	r.ok(err)
	r.ok(VerifyChain(steps))
	return steps
}

func count(steps []incident.Step, kind incident.StepKind) int {
	n := 0
	for _, step := range steps {
		if step.Kind == kind {
			n++
		}
	}
	return n
}

// mortal is a client whose process dies: the calls after the first few do not happen, or the last one happens and its
// answer is not seen.
type mortal struct {
	objects
	calls atomic.Int64
	lives int64
	after bool // it dies after the last call, not before
}

var errKilled = errors.New("killed")

func (m *mortal) alive() (before, after error) {
	n := m.calls.Add(1)
	if n > m.lives || n == m.lives && !m.after {
		return errKilled, errKilled
	}
	if n == m.lives {
		return nil, errKilled
	}
	return nil, nil
}

func (m *mortal) GetObject(ctx context.Context, in *s3.GetObjectInput, options ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	if before, _ := m.alive(); before != nil {
		return nil, before
	}
	return m.objects.GetObject(ctx, in, options...)
}

func (m *mortal) PutObject(ctx context.Context, in *s3.PutObjectInput, options ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	before, after := m.alive()
	if before != nil {
		return nil, before
	}
	out, err := m.objects.PutObject(ctx, in, options...)
	if after != nil {
		return nil, after
	}
	return out, err
}

func (m *mortal) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, options ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	if before, _ := m.alive(); before != nil {
		return nil, before
	}
	return m.objects.ListObjectsV2(ctx, in, options...)
}

// leafing is a client that gets two keys a page.
type leafing struct{ objects }

func (l leafing) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, options ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	short := *in
	short.MaxKeys = aws.Int32(2)
	return l.objects.ListObjectsV2(ctx, &short, options...)
}
