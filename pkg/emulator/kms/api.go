// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kms

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"cloudfront503/pkg/emulator/jsonrpc"
	"cloudfront503/pkg/emulator/kernel"
)

// symmetric is the spec of keys that encrypt.
const symmetric = "SYMMETRIC_DEFAULT"

// Serve is part of kernel.Service.
func (s *Service) Serve(c *kernel.Call) {
	jsonrpc.Serve(c, "TrentService", map[string]jsonrpc.Handler{
		"CreateAlias":     s.createAlias,
		"CreateKey":       s.createKey,
		"Decrypt":         s.decrypt,
		"DescribeKey":     s.describeKey,
		"DisableKey":      s.disableKey,
		"EnableKey":       s.enableKey,
		"Encrypt":         s.encrypt,
		"GenerateDataKey": s.generateDataKey,
		"GenerateMac":     s.generateMac,
		"GetKeyPolicy":    s.getKeyPolicy,
		"ListAliases":     s.listAliases,
		"ListKeys":        s.listKeys,
		"PutKeyPolicy":    s.putKeyPolicy,
		"VerifyMac":       s.verifyMac,
	})
}

// begin finds the key that a call is about and asks whether the caller may. A key that is not there is journalled by its
// reference.
func (s *Service) begin(c *kernel.Call, action, reference string, conditions map[string]string) (Key, error) {
	k, missing := s.key(reference)
	if missing != nil {
		if err := c.Begin(kernel.Access{Action: action, Resources: []string{reference}, Open: true}); err != nil {
			return k, err
		}
		return k, missing
	}
	access := s.access(k, action, c.Caller)
	maps.Copy(access.Conditions, conditions)
	return k, c.Begin(access)
}

// usable is begin for an operation of cryptography, which needs an enabled key of the right usage.
func (s *Service) usable(c *kernel.Call, action, reference, usage string, conditions map[string]string) (Key, error) {
	k, err := s.begin(c, action, reference, conditions)
	if err != nil {
		return k, err
	}
	if k.Disabled {
		return k, disabled(k)
	}
	if k.usage() != usage {
		return k, kernel.Errorf(http.StatusBadRequest, "InvalidKeyUsageException", "%s key usage is %s which is not valid for %s.", k.ARN, k.usage(), action[len("kms:"):])
	}
	return k, nil
}

// keyRef is the input of operations that take nothing but a key.
type keyRef struct {
	KeyID string `json:"KeyId"`
}

// metadata is KeyMetadata (KMS API reference).
type metadata struct {
	AWSAccountID                   string `json:"AWSAccountId"`
	KeyID                          string `json:"KeyId"`
	Arn                            string
	CreationDate                   jsonrpc.Time
	Enabled                        bool
	Description                    string
	KeyUsage, KeyState             string
	Origin, KeyManager             string
	CustomerMasterKeySpec, KeySpec string
	EncryptionAlgorithms           []string `json:",omitempty"`
	MacAlgorithms                  []string `json:",omitempty"`
	MultiRegion                    bool
}

func (s *Service) metadata(k Key) metadata {
	m := metadata{
		AWSAccountID: s.world.Account, KeyID: k.ID, Arn: k.ARN, CreationDate: jsonrpc.Time{Time: k.created}, Enabled: !k.Disabled,
		Description: k.Description, KeyUsage: k.usage(), KeyState: "Enabled", Origin: "AWS_KMS", KeyManager: k.manager,
		CustomerMasterKeySpec: k.Spec, KeySpec: k.Spec,
	}
	if k.Disabled {
		m.KeyState = "Disabled"
	}
	if algorithm := macs[k.Spec].algorithm; algorithm != "" {
		m.MacAlgorithms = []string{algorithm}
	} else {
		m.EncryptionAlgorithms = []string{symmetric}
	}
	return m
}

func (k Key) usage() string {
	if _, ok := macs[k.Spec]; ok {
		return "GENERATE_VERIFY_MAC"
	}
	return "ENCRYPT_DECRYPT"
}

func (s *Service) createKey(c *kernel.Call) (any, error) {
	var in struct {
		Policy, Description, KeyUsage, KeySpec, Origin string
		BypassPolicyLockoutSafetyCheck, MultiRegion    bool
	}
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	k := Key{Spec: cmp.Or(in.KeySpec, symmetric), Description: in.Description}
	conditions := map[string]string{"kms:KeySpec": k.Spec, "kms:KeyUsage": k.usage(), "kms:CallerAccount": c.Caller.Account}
	// There is no key policy yet, so the account's default stands in.
	if err := c.Begin(kernel.Access{Action: "kms:CreateKey", Conditions: conditions, Policy: s.defaultPolicy()}); err != nil {
		return nil, err
	}
	if k.usage() != cmp.Or(in.KeyUsage, "ENCRYPT_DECRYPT") || (k.Spec != symmetric && macs[k.Spec].algorithm == "") {
		return nil, kernel.Errorf(http.StatusBadRequest, "ValidationException", "KeyUsage %s is not compatible with KeySpec %s", in.KeyUsage, k.Spec)
	}
	if in.MultiRegion || cmp.Or(in.Origin, "AWS_KMS") != "AWS_KMS" {
		c.World.Strict("kms: CreateKey of another origin or of many Regions")
		return nil, kernel.Errorf(http.StatusBadRequest, "UnsupportedOperationException", "not known here")
	}
	if in.Policy != "" {
		policy, err := kernel.ParsePolicy([]byte(in.Policy))
		if err != nil {
			return nil, kernel.Errorf(http.StatusBadRequest, "MalformedPolicyDocumentException", "%v", err)
		}
		k.Policy = policy
	}
	return map[string]metadata{"KeyMetadata": s.metadata(s.AddKey(k))}, nil
}

func (s *Service) describeKey(c *kernel.Call) (any, error) {
	var in struct {
		keyRef
		GrantTokens []string
	}
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	k, err := s.begin(c, "kms:DescribeKey", in.KeyID, nil)
	if err != nil {
		return nil, err
	}
	return map[string]metadata{"KeyMetadata": s.metadata(k)}, nil
}

func (s *Service) disableKey(c *kernel.Call) (any, error) { return s.turn(c, "kms:DisableKey", true) }

func (s *Service) enableKey(c *kernel.Call) (any, error) { return s.turn(c, "kms:EnableKey", false) }

// turn switches a key on or off.
func (s *Service) turn(c *kernel.Call, action string, off bool) (any, error) {
	var in keyRef
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	k, err := s.begin(c, action, in.KeyID, nil)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[k.ID].Disabled = off
	return nil, nil
}

func (s *Service) getKeyPolicy(c *kernel.Call) (any, error) {
	var in struct {
		keyRef
		PolicyName string
	}
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	k, err := s.begin(c, "kms:GetKeyPolicy", in.KeyID, nil)
	if err != nil {
		return nil, err
	}
	return map[string]string{"Policy": string(k.Policy.Raw), "PolicyName": "default"}, nil
}

func (s *Service) putKeyPolicy(c *kernel.Call) (any, error) {
	var in struct {
		keyRef
		PolicyName, Policy             string
		BypassPolicyLockoutSafetyCheck bool
	}
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	k, err := s.begin(c, "kms:PutKeyPolicy", in.KeyID, nil)
	if err != nil {
		return nil, err
	}
	policy, err := kernel.ParsePolicy([]byte(in.Policy))
	if err != nil {
		return nil, kernel.Errorf(http.StatusBadRequest, "MalformedPolicyDocumentException", "%v", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[k.ID].Policy = policy
	return nil, nil
}

func (s *Service) createAlias(c *kernel.Call) (any, error) {
	var in struct{ AliasName, TargetKeyID string }
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	k, err := s.begin(c, "kms:CreateAlias", in.TargetKeyID, nil)
	if err != nil {
		return nil, err
	}
	return nil, s.AddAlias(in.AliasName, k.ID)
}

type aliasEntry struct {
	AliasName   string
	AliasArn    string
	TargetKeyID string `json:"TargetKeyId"`
}

func (s *Service) listAliases(c *kernel.Call) (any, error) {
	var in struct {
		keyRef
		Limit  int
		Marker string
	}
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	if err := c.Begin(kernel.Access{Action: "kms:ListAliases", Policy: s.defaultPolicy()}); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	entries := []aliasEntry{}
	for _, alias := range slices.Sorted(maps.Keys(s.aliases)) {
		if in.KeyID == "" || in.KeyID == s.aliases[alias] {
			entries = append(entries, aliasEntry{alias, s.aliasARN(alias), s.aliases[alias]})
		}
	}
	return map[string]any{"Aliases": entries, "Truncated": false}, nil
}

func (s *Service) listKeys(c *kernel.Call) (any, error) {
	var in struct {
		Limit  int
		Marker string
	}
	if err := jsonrpc.Decode(c, &in); err != nil {
		return nil, err
	}
	if err := c.Begin(kernel.Access{Action: "kms:ListKeys", Policy: s.defaultPolicy()}); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	entries := []map[string]string{}
	for _, id := range slices.Sorted(maps.Keys(s.keys)) {
		entries = append(entries, map[string]string{"KeyId": id, "KeyArn": s.keys[id].ARN})
	}
	return map[string]any{"Keys": entries, "Truncated": false}, nil
}

// contextKeys are the condition keys of an encryption context.
func contextKeys(context map[string]string) map[string]string {
	keys := map[string]string{}
	for name, value := range context {
		keys["kms:EncryptionContext:"+name] = value
	}
	return keys
}

// bound is an encryption context in the one form that decryption compares.
func bound(context map[string]string) []byte {
	encoded, _ := json.Marshal(context) // strings, in the order of their names
	return encoded
}
