// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/kms"
	"cloudfront503/pkg/emulator/s3"
	"cloudfront503/pkg/incident"
	leankms "cloudfront503/pkg/lean/kms"
	"cloudfront503/pkg/ledger"
)

// stack is the desk over the wire: KMS and S3 with roles as narrow as the stack's.
type stack struct {
	*testing.T
	world   *kernel.World
	objects *s3.Service
	key     string
	approve aws.Config // of the function approve
	issuer  approval.Issuer
	desk    approval.Desk
	now     time.Time

	mu      sync.Mutex
	signals []string
	told    []string
}

func newStack(t *testing.T) *stack {
	t.Helper()
	w := kernel.NewWorld("111122223333", "us-east-1")
	s := &stack{T: t, world: w, objects: s3.New(w), now: asked.Add(time.Minute)}
	s.key = kms.New(w).AddKey(kms.Key{Spec: "HMAC_256"}).ARN
	s.objects.AddBucket(s3.Bucket{Name: "bucket", Versioning: "Enabled"})
	stop, err := w.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	respond := s.config("respond", `"kms:GenerateMac"`, `"arn:aws:s3:::bucket/incidents/*/steps/respond/*"`)
	s.approve = s.config("approve", `"kms:VerifyMac"`, `"arn:aws:s3:::bucket/incidents/*/approval/*","arn:aws:s3:::bucket/incidents/*/steps/approve/*"`)
	s.issuer = approval.Issuer{MACs: approval.KeyMaker{KMS: leankms.NewFromConfig(respond), Key: s.key}}
	if _, err := s.ledger(respond, "respond").Append(t.Context(), request.Incident, incident.StepAsked, "asked", request); err != nil {
		t.Fatal(err)
	}
	s.desk = approval.Desk{
		Live:      s,
		Approvers: []incident.Approver{person("ana"), person("ben")}, OnCall: "on-call",
		Verifier: approval.Verifier{MACs: approval.KeyChecker{KMS: leankms.NewFromConfig(s.approve), Key: s.key}},
		Ledger:   s.ledger(s.approve, "approve"), States: approval.Bucket{S3: objects(s.approve), Name: "bucket"},
		Gate: s, Signaller: s, Now: func() time.Time { return s.now }, Tell: s.tell,
	}
	return s
}

// config signs as a function's role, which may do one thing with the key and write under its prefixes.
func (s *stack) config(role, action, prefixes string) aws.Config {
	s.Helper()
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%s,"Resource":%q},
		{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::bucket/incidents/*"},
		{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::bucket"},
		{"Effect":"Allow","Action":"s3:PutObject","Resource":[%s]}]}`, action, s.key, prefixes)
	made := s.world.Identity.AddRole(kernel.Role{Name: role, Policies: map[string]json.RawMessage{"p": json.RawMessage(policy)}})
	handed, err := s.world.Identity.Session(made.ARN, "fn", "", nil)
	if err != nil {
		s.Fatal(err)
	}
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(s.world.Endpoint),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: handed.AccessKeyID, SecretAccessKey: handed.SecretAccessKey, SessionToken: handed.SessionToken}, nil
		}),
	}
}

func objects(cfg aws.Config) *awss3.Client {
	return awss3.NewFromConfig(cfg, func(o *awss3.Options) { o.UsePathStyle = true })
}

func (s *stack) ledger(cfg aws.Config, writer string) *ledger.Ledger {
	return ledger.New(objects(cfg), "bucket", writer, func() time.Time { return s.now })
}

func (s *stack) ETag(context.Context, string) (string, error) { return request.ETag, nil }

func (s *stack) Waits(context.Context, string) (waits, over bool, err error) { return true, false, nil }

func (s *stack) Signal(_ context.Context, approver incident.Approver, _ string, verb incident.Verb, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signals = append(s.signals, approver.Name+" "+string(verb))
	return nil
}

func (s *stack) tell(_ context.Context, topic string, refusal approval.Refusal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, topic+": "+refusal.Why)
	return nil
}

func (s *stack) take(topic, id, text string) error {
	return s.desk.Take(s.Context(), incident.Trigger{Channel: incident.ChannelSNS, Reply: &incident.Reply{TopicARN: topic, MessageID: id, Text: text}})
}

func (s *stack) tickets(name string) (approve, reject string) {
	s.Helper()
	made, err := s.issuer.Tickets(s.Context(), request, name, incident.Approve, incident.Reject)
	if err != nil {
		s.Fatal(err)
	}
	return made[0], made[1]
}

func TestAReplyOverTheWire(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	approve, reject := s.tickets("ana")
	for _, id := range []string{"m1", "m1", "m2"} {
		if err := s.take("reply-ana", id, "approve "+approve); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.take("reply-ben", "m3", "approve "+approve); err != nil {
		t.Fatal(err)
	}
	if err := s.take("reply-ana", "m4", "reject "+reject+" after all"); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.signals, []string{"ana approve", "ana reject"}) || len(s.told) != 2 {
		t.Errorf("signals %q, told %q", s.signals, s.told)
	}
	steps, err := s.desk.Ledger.Steps(t.Context(), request.Incident)
	if err != nil {
		t.Fatal(err)
	}
	record, err := approval.ReadRecord(steps)
	if tally := record.Tally(s.desk.Approvers, s.now); err != nil || !tally.Rejected || len(record.Decisions) != 2 {
		t.Errorf("tally %+v, decisions %d, error %v", tally, len(record.Decisions), err)
	}
	proven, err := s.desk.Verifier.Proven(t.Context(), request, record.Decisions)
	if err != nil || len(proven) != 2 {
		t.Errorf("proven %d, error %v", len(proven), err)
	}
}

func TestTheSameMessageManyTimesAtOnceIsOneDecision(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	approve, _ := s.tickets("ana")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			if err := s.take("reply-ana", "m1", "approve "+approve); err != nil {
				t.Error(err)
			}
			if err := s.take("reply-ben", fmt.Sprint("bad", i), "hello"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	steps, err := s.desk.Ledger.Steps(t.Context(), request.Incident)
	if err != nil {
		t.Fatal(err)
	}
	record, err := approval.ReadRecord(steps)
	if err != nil || len(record.Decisions) != 1 || len(record.Signalled) != 1 || len(s.told) != 1 {
		t.Errorf("%d decisions, %d signalled, told %q, error %v", len(record.Decisions), len(record.Signalled), s.told, err)
	}
}

// Each answer of S3 is lost in turn; the message delivered again ends as if nothing had happened.
func TestLostAnswersOfS3ChangeNothing(t *testing.T) {
	t.Parallel()
	for skip := range 6 {
		t.Run(fmt.Sprintf("after %d writes", skip), func(t *testing.T) {
			t.Parallel()
			s := newStack(t)
			approve, _ := s.tickets("ana")
			s.world.Faults.Add(kernel.Fault{Action: "s3:PutObject", Skip: skip, Times: 1, LoseAnswer: true})
			for _, reply := range [][3]string{{"reply-ana", "m1", "approve " + approve}, {"reply-ben", "m2", "hello"}} {
				err := s.take(reply[0], reply[1], reply[2])
				if again := s.take(reply[0], reply[1], reply[2]); again != nil {
					t.Errorf("%s: first %v, then %v", reply[1], err, again)
				}
			}
			steps, err := s.desk.Ledger.Steps(t.Context(), request.Incident)
			if err != nil {
				t.Fatal(err)
			}
			record, err := approval.ReadRecord(steps)
			if err != nil || len(record.Decisions) != 1 || len(record.Signalled) != 1 || len(s.told) == 0 {
				t.Errorf("%d decisions, %d signalled, told %q, error %v", len(record.Decisions), len(record.Signalled), s.told, err)
			}
		})
	}
}

func TestNoFunctionHoldsBothEndsOfATicket(t *testing.T) {
	t.Parallel()
	s := newStack(t)
	approve, _ := s.tickets("ana")
	forger := approval.Issuer{MACs: approval.KeyMaker{KMS: leankms.NewFromConfig(s.approve), Key: s.key}}
	if _, err := forger.Tickets(t.Context(), request, "ana", incident.Approve); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("approve made a ticket: %v", err)
	}
	denied := &kernel.APIError{Code: "AccessDeniedException", Message: "no", Status: http.StatusBadRequest}
	off := s.world.Faults.Add(kernel.Fault{Action: "kms:VerifyMac", Error: denied})
	if err := s.take("reply-ana", "m1", "approve "+approve); err == nil || errors.Is(err, approval.ErrForged) || len(s.told) != 0 {
		t.Errorf("KMS denies: %v, told %q", err, s.told)
	}
	off()
	if err := s.take("reply-ana", "m1", "approve "+approve); err != nil || len(s.signals) != 1 {
		t.Errorf("delivered again: %v, signals %q", err, s.signals)
	}
}
