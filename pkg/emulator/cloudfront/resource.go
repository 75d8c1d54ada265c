// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudfront

import (
	"fmt"
	"net/http"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/wirexml"
)

// Kind is a kind of resource that configurations point to, called as in the API.
type Kind string

// The kinds that can be put and read.
const (
	CachePolicy                    Kind = "CachePolicy"
	OriginRequestPolicy            Kind = "OriginRequestPolicy"
	ResponseHeadersPolicy          Kind = "ResponseHeadersPolicy"
	OriginAccessControl            Kind = "OriginAccessControl"
	KeyGroup                       Kind = "KeyGroup"
	PublicKey                      Kind = "PublicKey"
	VpcOrigin                      Kind = "VpcOrigin"
	ContinuousDeploymentPolicy     Kind = "ContinuousDeploymentPolicy"
	FieldLevelEncryption           Kind = "FieldLevelEncryption"
	CloudFrontOriginAccessIdentity Kind = "CloudFrontOriginAccessIdentity"
)

// kinds is where each is found, what IAM is asked about, the operation's name for its configuration, the error where it is
// missing, and which member of a DistributionConfig holds its id.
var kinds = map[Kind]struct{ path, iam, config, missing, member string }{
	CachePolicy:                {"cache-policy", "cache-policy/{Id}", "CachePolicyConfig", "NoSuchCachePolicy", "CachePolicyId"},
	OriginRequestPolicy:        {"origin-request-policy", "origin-request-policy/{Id}", "OriginRequestPolicyConfig", "NoSuchOriginRequestPolicy", "OriginRequestPolicyId"},
	ResponseHeadersPolicy:      {"response-headers-policy", "response-headers-policy/{Id}", "ResponseHeadersPolicyConfig", "NoSuchResponseHeadersPolicy", "ResponseHeadersPolicyId"},
	OriginAccessControl:        {"origin-access-control", "origin-access-control/{Id}", "OriginAccessControlConfig", "NoSuchOriginAccessControl", "OriginAccessControlId"},
	KeyGroup:                   {"key-group", "", "KeyGroupConfig", "NoSuchResource", "TrustedKeyGroups"},
	PublicKey:                  {"public-key", "", "PublicKeyConfig", "NoSuchPublicKey", ""},
	VpcOrigin:                  {"vpc-origin", "vpcorigin/{Id}", "", "EntityNotFound", "VpcOriginId"},
	ContinuousDeploymentPolicy: {"continuous-deployment-policy", "continuous-deployment-policy/{Id}", "ContinuousDeploymentPolicyConfig", "NoSuchContinuousDeploymentPolicy", "ContinuousDeploymentPolicyId"},
	FieldLevelEncryption:       {"field-level-encryption", "field-level-encryption-config/{Id}", "FieldLevelEncryptionConfig", "NoSuchFieldLevelEncryptionConfig", "FieldLevelEncryptionId"},
	CloudFrontOriginAccessIdentity: {
		"origin-access-identity/cloudfront", "origin-access-identity/{Id}", "CloudFrontOriginAccessIdentityConfig", "NoSuchCloudFrontOriginAccessIdentity", "",
	},
}

type resourceKey struct {
	kind Kind
	id   string
}

type resource struct {
	etag  string
	value map[string]any
	gone  bool
}

// PutResource makes a resource that configurations point to. document is the inner object that the AWS CLI prints for it,
// as {"Id": …, "CachePolicyConfig": {…}}; an empty etag is made.
func (s *Service) PutResource(kind Kind, id, etag string, document []byte) error {
	value, err := wirexml.JSON(document)
	if err != nil {
		return fmt.Errorf("%s %s: %w", kind, id, err)
	}
	members, ok := value.(map[string]any)
	if _, known := kinds[kind]; !known || !ok {
		return fmt.Errorf("%s %s: no such kind, or no JSON object", kind, id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if etag == "" {
		etag = s.newID("E", string(kind), id)
	}
	s.resources[resourceKey{kind, id}] = &resource{etag: etag, value: members}
	return nil
}

// DropResource makes a resource missing: reads of it and configurations that point to it are refused.
func (s *Service) DropResource(kind Kind, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resources[resourceKey{kind, id}] = &resource{gone: true}
}

// getResource reads a resource, or its configuration alone.
func getResource(kind Kind, configOnly bool) func(*Service, *request) (reply, error) {
	return func(s *Service, q *request) (reply, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		r, err := s.resource(kind, q.vars["Id"])
		if err != nil {
			return reply{}, err
		}
		header := map[string]string{"ETag": r.etag}
		if configOnly {
			name := kinds[kind].config
			return reply{header: header, root: name, value: r.value[name]}, nil
		}
		return reply{header: header, root: string(kind), value: r.value}, nil
	}
}

// resource is one that exists. The lock is held.
func (s *Service) resource(kind Kind, id string) (*resource, error) {
	r := s.resources[resourceKey{kind, id}]
	if r == nil || r.gone {
		return nil, kernel.Errorf(http.StatusNotFound, kinds[kind].missing, "The specified %s does not exist.", kind)
	}
	return r, nil
}

func (s *Service) updateDeploymentPolicy(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := q.vars["Id"]
	r, err := s.resource(ContinuousDeploymentPolicy, id)
	if err != nil {
		return reply{}, err
	}
	if err := precondition(q, r.etag); err != nil {
		return reply{}, err
	}
	if q.body == nil {
		return reply{}, kernel.Errorf(http.StatusBadRequest, "MissingBody", "This operation requires a body.")
	}
	if err := counted(q.body); err != nil {
		return reply{}, err
	}
	value := map[string]any{
		"Id": id, "LastModifiedTime": stamp(s.world.Clock.Now()), "ContinuousDeploymentPolicyConfig": shape.Value(q.body),
	}
	changed := &resource{etag: s.newID("E", id), value: value}
	s.resources[resourceKey{ContinuousDeploymentPolicy, id}] = changed
	return reply{header: map[string]string{"ETag": changed.etag}, root: string(ContinuousDeploymentPolicy), value: value}, nil
}
