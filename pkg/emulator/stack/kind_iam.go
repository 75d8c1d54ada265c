// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"cloudfront503/pkg/emulator/kernel"
)

// managedPolicies are those of AWS's managed policies that are known here, by ARN.
// Source: "AWS managed policy reference guide".
func managedPolicies() map[string][]byte {
	logs := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream",` +
		`"logs:PutLogEvents"],"Resource":"*"}]}`
	return map[string][]byte{"arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole": []byte(logs)}
}

// inline is a policy within a role.
type inline struct {
	PolicyName     scalar
	PolicyDocument any
}

func makeRole(b *builder, logical string, properties any) (*Resource, error) {
	var p struct {
		RoleName, Path, Description, MaxSessionDuration, PermissionsBoundary scalar
		AssumeRolePolicyDocument                                             any
		Policies                                                             []inline
		ManagedPolicyArns                                                    []string
		Tags                                                                 tags
	}
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	trust, err := policyOf(p.AssumeRolePolicyDocument)
	if err != nil {
		return nil, within("AssumeRolePolicyDocument", err)
	}
	policies, err := b.rolePolicies(p.Policies, p.ManagedPolicyArns)
	if err != nil {
		return nil, err
	}
	role := kernel.Role{Name: b.physical(p.RoleName, logical, 64), Trust: trust, Policies: policies}
	if role.ARN, err = b.entity("role", p.Path, role.Name); err != nil {
		return nil, err
	}
	if role.Boundary, err = b.boundary(p.PermissionsBoundary); err != nil {
		return nil, err
	}
	role = b.options.World.Identity.AddRole(role)
	return &Resource{ID: role.Name, Attributes: map[string]string{"Arn": role.ARN, "RoleId": role.ID}}, nil
}

// entity is the ARN of something of IAM, whose path is "/" or "/like/this/".
func (b *builder) entity(kind string, path scalar, name string) (string, error) {
	if path == "" {
		path = "/"
	}
	if path[0] != '/' || path[len(path)-1] != '/' {
		return "", fmt.Errorf("path %s does not begin and end with /", path)
	}
	return fmt.Sprintf("arn:aws:iam::%s:%s%s%s", b.options.World.Account, kind, path, name), nil
}

func (b *builder) boundary(arn scalar) (json.RawMessage, error) {
	if arn == "" {
		return nil, nil
	}
	document, ok := b.managed[string(arn)]
	if !ok {
		return nil, fmt.Errorf("PermissionsBoundary: policy %s is not known", arn)
	}
	return document, nil
}

// rolePolicies are the documents of a role, by name.
func (b *builder) rolePolicies(policies []inline, managed []string) (map[string]json.RawMessage, error) {
	all := map[string]json.RawMessage{}
	for _, one := range policies {
		policy, err := policyOf(one.PolicyDocument)
		if err != nil {
			return nil, within("policy "+string(one.PolicyName), err)
		}
		if one.PolicyName == "" || all[string(one.PolicyName)] != nil {
			return nil, fmt.Errorf("policy name %q is empty or stands twice", one.PolicyName)
		}
		all[string(one.PolicyName)] = policy.Raw
	}
	for _, arn := range managed {
		document, ok := b.managed[arn]
		if !ok {
			return nil, fmt.Errorf("managed policy %s is not known", arn)
		}
		all[arn] = document
	}
	return all, nil
}

func makePolicy(b *builder, logical string, properties any) (*Resource, error) {
	var p struct {
		PolicyName     scalar
		PolicyDocument any
		Roles          []string
	}
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	policy, err := policyOf(p.PolicyDocument)
	if err != nil {
		return nil, err
	}
	if p.PolicyName == "" {
		return nil, errors.New("PolicyName is missing")
	}
	return &Resource{ID: b.physical("", logical, 64)}, b.attach(p.Roles, string(p.PolicyName), policy.Raw)
}

func makeManagedPolicy(b *builder, logical string, properties any) (*Resource, error) {
	var p struct {
		ManagedPolicyName, Path, Description scalar
		PolicyDocument                       any
		Roles                                []string
	}
	if err := decode(properties, &p); err != nil {
		return nil, err
	}
	policy, err := policyOf(p.PolicyDocument)
	if err != nil {
		return nil, err
	}
	arn, err := b.entity("policy", p.Path, b.physical(p.ManagedPolicyName, logical, 128))
	if err != nil {
		return nil, err
	}
	b.managed[arn] = policy.Raw
	return &Resource{ID: arn, Attributes: map[string]string{"PolicyArn": arn}}, b.attach(p.Roles, arn, policy.Raw)
}

// attach adds a policy to roles of the account, by name.
func (b *builder) attach(roles []string, name string, document json.RawMessage) error {
	identity := b.options.World.Identity
	for _, role := range identity.Roles() {
		if len(roles) == 0 {
			break
		}
		for i, wanted := range roles {
			if wanted != role.Name {
				continue
			}
			role.Policies = maps.Clone(role.Policies)
			role.Policies[name] = document
			identity.AddRole(role)
			roles = append(roles[:i:i], roles[i+1:]...)
			break
		}
	}
	if len(roles) > 0 {
		return fmt.Errorf("there are no roles %v", roles)
	}
	return nil
}
