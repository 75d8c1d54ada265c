// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package kms is AWS KMS as far as tickets and encrypted topics, queues and buckets need it: HMAC keys, symmetric keys,
// aliases and key policies. Not there: grants, rotation, imported, asymmetric and multi-Region keys.
package kms

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"strings"
	"sync"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// Service answers what is signed for "kms".
type Service struct {
	world   *kernel.World
	mu      sync.Mutex
	keys    map[string]*Key   // by id
	aliases map[string]string // "alias/NAME" to id
}

// Key is a KMS key.
type Key struct {
	ID          string // a UUID; empty: one is made
	ARN         string // made from the id
	Spec        string // "SYMMETRIC_DEFAULT" or empty, "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512"
	Description string
	Policy      *kernel.Policy // nil: KMS's default, which leaves everything to the account's identity policies
	Disabled    bool

	manager  string // "CUSTOMER" or "AWS"
	created  time.Time
	material []byte
}

// New is KMS without keys.
func New(w *kernel.World) *Service {
	s := &Service{world: w, keys: map[string]*Key{}, aliases: map[string]string{}}
	w.Register("kms", s)
	w.Keys = s
	return s
}

// AddKey makes a key as a stack does, and returns it with its id and ARN.
func (s *Service) AddKey(k Key) Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.add(k)
}

func (s *Service) add(k Key) *Key {
	k.ID = cmp.Or(k.ID, kernel.NewUUID())
	k.ARN = "arn:aws:kms:" + s.world.Region + ":" + s.world.Account + ":key/" + k.ID
	k.Spec = cmp.Or(k.Spec, symmetric)
	k.manager, k.created, k.material = cmp.Or(k.manager, "CUSTOMER"), s.world.Clock.Now(), random(32)
	if k.Policy == nil {
		k.Policy = s.defaultPolicy()
	}
	s.keys[k.ID] = &k
	return &k
}

// defaultPolicy is the one that KMS gives a key made without (KMS Developer Guide, "Default key policy").
func (s *Service) defaultPolicy() *kernel.Policy {
	return &kernel.Policy{Raw: []byte(`{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions","Effect":"Allow",` +
		`"Principal":{"AWS":"arn:aws:iam::` + s.world.Account + `:root"},"Action":"kms:*","Resource":"*"}]}`)}
}

// AddAlias gives a key, by id or ARN, a name as "alias/tickets".
func (s *Service) AddAlias(alias, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addAlias(alias, key)
}

func (s *Service) addAlias(alias, key string) error {
	if !strings.HasPrefix(alias, "alias/") || alias == "alias/" {
		return kernel.Errorf(http.StatusBadRequest, "ValidationException", "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html")
	}
	if _, taken := s.aliases[alias]; taken {
		return kernel.Errorf(http.StatusBadRequest, "AlreadyExistsException", "An alias with the name %s already exists", s.aliasARN(alias))
	}
	k, err := s.find(key)
	if err != nil {
		return err
	}
	s.aliases[alias] = k.ID
	return nil
}

func (s *Service) aliasARN(alias string) string {
	return "arn:aws:kms:" + s.world.Region + ":" + s.world.Account + ":" + alias
}

// KeyPolicy is the ARN and the policy of the key with an id, an ARN, an alias or an alias's ARN. The error is an *APIError
// NotFoundException.
func (s *Service) KeyPolicy(id string) (arn string, policy *kernel.Policy, err error) {
	k, err := s.key(id)
	return k.ARN, k.Policy, err
}

// key is a copy of the key that a reference names.
func (s *Service) key(reference string) (Key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.find(reference)
	if err != nil {
		return Key{}, err
	}
	return *k, nil
}

func (s *Service) find(reference string) (*Key, error) {
	id := reference
	if strings.HasPrefix(reference, "arn:") {
		prefix := "arn:aws:kms:" + s.world.Region + ":" + s.world.Account + ":"
		if !strings.HasPrefix(reference, prefix) {
			return nil, kernel.Errorf(http.StatusBadRequest, "NotFoundException", "Invalid arn %s", reference)
		}
		id = strings.TrimPrefix(strings.TrimPrefix(reference, prefix), "key/")
	}
	if strings.HasPrefix(id, "alias/aws/") {
		return s.awsKey(id), nil
	}
	if strings.HasPrefix(id, "alias/") {
		target, ok := s.aliases[id]
		if !ok {
			return nil, kernel.Errorf(http.StatusBadRequest, "NotFoundException", "Alias %s is not found.", s.aliasARN(id))
		}
		id = target
	}
	if k := s.keys[id]; k != nil {
		return k, nil
	}
	return nil, kernel.Errorf(http.StatusBadRequest, "NotFoundException", "Key 'arn:aws:kms:%s:%s:key/%s' does not exist", s.world.Region, s.world.Account, id)
}

// awsKey is the key that AWS manages for a service, as alias/aws/s3: whoever in the account uses the service may use it
// through that service, and nobody else.
func (s *Service) awsKey(alias string) *Key {
	if id, ok := s.aliases[alias]; ok {
		return s.keys[id]
	}
	service := strings.TrimPrefix(alias, "alias/aws/")
	k := s.add(Key{manager: "AWS", Description: "Default key that protects my " + service + " data when no other key is defined", Policy: &kernel.Policy{
		Raw: []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey*","kms:CreateGrant","kms:DescribeKey"],"Resource":"*",` +
			`"Condition":{"StringEquals":{"kms:ViaService":"` + service + "." + s.world.Region + `.amazonaws.com","kms:CallerAccount":"` + s.world.Account + `"}}},` +
			`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + s.world.Account + `:root"},"Action":["kms:Describe*","kms:Get*","kms:List*"],"Resource":"*"}]}`),
	}})
	s.aliases[alias] = k.ID
	return k
}

// Use is part of kernel.Keys. It journals the access.
func (s *Service) Use(caller kernel.Principal, via, sourceARN, action, reference string) error {
	k, err := s.key(reference)
	if err != nil {
		return err
	}
	if k.Disabled {
		return disabled(k)
	}
	if caller.Service != "" {
		return s.world.ServiceMay(caller.Service, sourceARN, action, k.ARN, k.Policy, nil)
	}
	access := s.access(k, action, caller)
	access.Conditions["kms:ViaService"] = via + "." + s.world.Region + ".amazonaws.com"
	grants, err := s.world.Authorize(caller, "kms", s.world.Region, access)
	outcome := "ok"
	if err != nil {
		outcome = "AccessDeniedException"
	}
	s.world.Journal.Add(&kernel.Line{
		At: s.world.Clock.Now(), Principal: caller.ARN, Action: action, Resources: access.Resources, Region: s.world.Region, Outcome: outcome, Grants: grants,
	})
	return err
}

// access is what an action on a key asks of IAM.
func (s *Service) access(k Key, action string, caller kernel.Principal) kernel.Access {
	return kernel.Access{Action: action, Resources: []string{k.ARN}, Policy: k.Policy, Conditions: map[string]string{
		"kms:CallerAccount": caller.Account, "kms:KeySpec": k.Spec, "kms:KeyUsage": k.usage(), "kms:KeyOrigin": "AWS_KMS",
	}}
}

func disabled(k Key) error {
	return kernel.Errorf(http.StatusBadRequest, "DisabledException", "%s is disabled.", k.ARN)
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails, see crypto/rand
	return b
}
