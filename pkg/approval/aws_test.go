// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package approval_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"cloudfront503/pkg/approval"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean/kms"
)

// keyService is KMS: one key, in a variable.
type keyService struct{ fail error }

func (k keyService) GenerateMac(ctx context.Context, in *kms.GenerateMacInput, _ ...func(*kms.Options)) (*kms.GenerateMacOutput, error) {
	if *in.KeyId != "the-key" || in.MacAlgorithm != kms.MacAlgorithmSpecHmacSha256 || k.fail != nil {
		return nil, k.fail
	}
	mac, err := key{}.Make(ctx, in.Message)
	return &kms.GenerateMacOutput{Mac: mac}, err
}

func (k keyService) VerifyMac(ctx context.Context, in *kms.VerifyMacInput, _ ...func(*kms.Options)) (*kms.VerifyMacOutput, error) {
	if k.fail != nil {
		return nil, k.fail
	}
	genuine, err := key{}.Check(ctx, in.Message, in.Mac)
	if !genuine {
		return nil, &smithy.GenericAPIError{Code: kms.CodeInvalidMac}
	}
	return &kms.VerifyMacOutput{MacValid: true}, err
}

func TestKMSMakesAndChecksTickets(t *testing.T) {
	t.Parallel()
	issuer := approval.Issuer{MACs: approval.KeyMaker{KMS: keyService{}, Key: "the-key"}}
	verifier := approval.Verifier{MACs: approval.KeyChecker{KMS: keyService{}, Key: "the-key"}}
	tickets, err := issuer.Tickets(t.Context(), request, "ana", incident.Approve)
	if err != nil {
		t.Fatal(err)
	}
	ticket, err := approval.ReadTicket(tickets[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier.Verify(t.Context(), approval.Claims{Verb: incident.Approve, Approver: "ana", Request: request}, ticket); err != nil {
		t.Errorf("genuine: %v", err)
	}
	if err := verifier.Verify(t.Context(), approval.Claims{Verb: incident.Reject, Approver: "ana", Request: request}, ticket); !errors.Is(err, approval.ErrForged) {
		t.Errorf("the other verb: %v", err)
	}
	denied := &smithy.GenericAPIError{Code: "AccessDeniedException"}
	verifier.MACs = approval.KeyChecker{KMS: keyService{fail: denied}, Key: "the-key"}
	if err := verifier.Verify(t.Context(), approval.Claims{}, ticket); !errors.Is(err, denied) || errors.Is(err, approval.ErrForged) {
		t.Errorf("denied: %v", err)
	}
	issuer.MACs = approval.KeyMaker{KMS: keyService{fail: denied}, Key: "the-key"}
	if _, err := issuer.Tickets(t.Context(), request, "ana", incident.Approve); !errors.Is(err, denied) {
		t.Errorf("denied: %v", err)
	}
}

// store is S3 with one object.
type store struct {
	body, etag string
	put        *s3.PutObjectInput
	fail       error
}

func (s *store) GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	if s.fail != nil {
		return nil, s.fail
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(strings.NewReader(s.body)), ETag: &s.etag}, nil
}

func (s *store) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	s.put = in
	return &s3.PutObjectOutput{}, s.fail
}

func TestStatesAreReplacedUnderAConditionOnly(t *testing.T) {
	t.Parallel()
	s := &store{body: "b", etag: `"e"`}
	bucket := approval.Bucket{S3: s, Name: "bucket"}
	if body, etag, err := bucket.Load(t.Context(), "k"); string(body) != "b" || etag != `"e"` || err != nil {
		t.Errorf("loaded %q %q, error %v", body, etag, err)
	}
	if replaced, err := bucket.Replace(t.Context(), "k", `"e"`, nil); !replaced || err != nil || *s.put.IfMatch != `"e"` || s.put.IfNoneMatch != nil {
		t.Errorf("replaced %t, error %v, %+v", replaced, err, s.put)
	}
	if replaced, err := bucket.Replace(t.Context(), "k", "", nil); !replaced || err != nil || aws.ToString(s.put.IfNoneMatch) != "*" || s.put.IfMatch != nil {
		t.Errorf("created %t, error %v, %+v", replaced, err, s.put)
	}
	for _, code := range []string{"PreconditionFailed", "ConditionalRequestConflict"} {
		s.fail = &smithy.GenericAPIError{Code: code}
		if replaced, err := bucket.Replace(t.Context(), "k", `"e"`, nil); replaced || err != nil {
			t.Errorf("%s: replaced %t, error %v", code, replaced, err)
		}
	}
	s.fail = &smithy.GenericAPIError{Code: "AccessDenied"}
	if _, err := bucket.Replace(t.Context(), "k", `"e"`, nil); !errors.Is(err, s.fail) {
		t.Errorf("denied write: %v", err)
	}
	if _, _, err := bucket.Load(t.Context(), "k"); !errors.Is(err, s.fail) {
		t.Errorf("denied read: %v", err)
	}
	s.fail = &s3types.NoSuchKey{}
	if body, etag, err := bucket.Load(t.Context(), "k"); body != nil || etag != "" || err != nil {
		t.Errorf("missing: %q %q, error %v", body, etag, err)
	}
}
