// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package stack is CloudFormation with the SAM transform: it reads a template and makes its resources in the emulated
// account. What it does not know, be it a type, a property or a function, is an error and never passed over, so that
// what is rehearsed is what is deployed.
package stack

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"cloudfront503/pkg/emulator/s3"
)

// Options say where a stack goes and what its template does not contain.
type Options struct {
	Services
	Name      string            // of the stack; AWS::StackName
	Files     fs.FS             // where AWS::Include finds its local Location
	Functions map[string]string // the executables, by logical name or by the base of CodeUri without its ending
}

// Stack is what was made.
type Stack struct {
	Name       string
	Parameters map[string]string // as they were bound; lists joined with commas
	Resources  map[string]Resource
	Outputs    map[string]string
}

// Resource is one resource that was made.
type Resource struct {
	Logical    string
	Type       string
	ID         string            // what Ref gives
	Attributes map[string]string // what Fn::GetAtt gives
}

// Load makes a stack. The error names the resource and the property that are wrong.
func Load(raw []byte, parameters map[string]string, o Options) (*Stack, error) {
	t, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	b := &builder{options: o, template: t, made: map[string]*Resource{}, buckets: map[string]s3.Bucket{}, managed: managedPolicies()}
	if err := b.begin(parameters); err != nil {
		return nil, fmt.Errorf("stack %s: %w", o.Name, err)
	}
	if err := b.makeAll(); err != nil {
		return nil, fmt.Errorf("stack %s: %w", o.Name, err)
	}
	return b.stack()
}

// builder makes the resources of one template, each after those that it refers to.
type builder struct {
	options  Options
	template template
	scope    *scope
	made     map[string]*Resource
	making   []string
	buckets  map[string]s3.Bucket
	managed  map[string][]byte // documents of managed policies by ARN
}

// begin binds the parameters and asks the rules.
func (b *builder) begin(parameters map[string]string) error {
	bound, err := bind(b.template.parameters, parameters)
	if err != nil {
		return err
	}
	w := b.options.World
	b.scope = &scope{
		parameters: bound, mappings: b.template.mappings, conditions: b.template.conditions,
		pseudo: map[string]string{
			"AWS::Region": w.Region, "AWS::AccountId": w.Account, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com",
			"AWS::StackName": b.options.Name,
			"AWS::StackId":   fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/%s", w.Region, w.Account, b.options.Name, b.suffix("")),
		},
	}
	for _, name := range sortedKeys(b.template.rules) {
		if err := b.template.rules[name].check(b.scope); err != nil {
			return within("rule "+name, err)
		}
	}
	for _, name := range sortedKeys(b.template.conditions) {
		if _, err := b.scope.decide(name); err != nil {
			return err
		}
	}
	b.scope.reference, b.scope.attribute, b.scope.include = b.reference, b.attribute, b.include
	return nil
}

func (b *builder) makeAll() error {
	for _, name := range sortedKeys(b.template.resources) {
		exists, err := b.exists(b.template.resources[name].Condition)
		if err != nil {
			return within(name, err)
		}
		if !exists {
			continue
		}
		if _, err := b.make(name); err != nil {
			return err
		}
	}
	return nil
}

// exists asks the condition of a resource or an output.
func (b *builder) exists(condition string) (bool, error) {
	if condition == "" {
		return true, nil
	}
	return b.scope.decide(condition)
}

// make makes a resource where it is not made yet.
func (b *builder) make(name string) (*Resource, error) {
	if r := b.made[name]; r != nil {
		return r, nil
	}
	d, ok := b.template.resources[name]
	if !ok {
		return nil, fmt.Errorf("no resource is called %s", name)
	}
	if slices.Contains(b.making, name) {
		return nil, fmt.Errorf("circular dependency: %s → %s", strings.Join(b.making, " → "), name)
	}
	b.making = append(b.making, name)
	defer func() { b.making = b.making[:len(b.making)-1] }()
	r, err := b.create(name, d)
	if err != nil {
		return nil, fmt.Errorf("%s (%s): %w", name, d.Type, err)
	}
	r.Logical, r.Type = name, d.Type
	b.made[name] = r
	return r, nil
}

func (b *builder) create(name string, d declaration) (*Resource, error) {
	exists, err := b.exists(d.Condition)
	if err != nil {
		return nil, err
	}
	if !exists {
		return nil, errors.New("referred to, although its condition is false")
	}
	create, known := kinds[d.Type]
	if !known {
		return nil, errors.New("resource type is not emulated")
	}
	if err := b.makeFirst(d.DependsOn); err != nil {
		return nil, err
	}
	properties, err := b.scope.eval(d.Properties)
	if err != nil {
		return nil, err
	}
	return create(b, name, properties)
}

// makeFirst makes what a resource depends on by its own word.
func (b *builder) makeFirst(dependsOn any) error {
	names, isList := dependsOn.([]any)
	if !isList && dependsOn != nil {
		names = []any{dependsOn}
	}
	for _, element := range names {
		name, _ := element.(string)
		if exists, err := b.exists(b.template.resources[name].Condition); err != nil || !exists {
			return err
		}
		if _, err := b.make(name); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) reference(logical string) (any, error) {
	r, err := b.make(logical)
	if err != nil {
		return nil, err
	}
	return r.ID, nil
}

func (b *builder) attribute(logical, attribute string) (any, error) {
	r, err := b.make(logical)
	if err != nil {
		return nil, err
	}
	value, ok := r.Attributes[attribute]
	if !ok {
		return nil, fmt.Errorf("%s (%s) has no attribute %s that is emulated", logical, r.Type, attribute)
	}
	return value, nil
}

// include reads a local snippet. CloudFormation does not take short forms of functions in it.
func (b *builder) include(location string) (any, error) {
	if b.options.Files == nil {
		return nil, errors.New("no files are given")
	}
	raw, err := fs.ReadFile(b.options.Files, location)
	if err != nil {
		return nil, err
	}
	return readYAML(raw)
}

// suffix is what CloudFormation adds to a generated name: twelve letters and digits, here always the same ones.
func (b *builder) suffix(logical string) string {
	sum := sha256.Sum256([]byte(b.options.Name + "/" + logical))
	return base32.StdEncoding.EncodeToString(sum[:])[:12]
}

// physical is the given name, or a generated one within a limit of characters.
func (b *builder) physical(given scalar, logical string, limit int) string {
	if given != "" {
		return string(given)
	}
	name := b.options.Name + "-" + logical
	return name[:min(len(name), limit-13)] + "-" + b.suffix(logical)
}

// stack is what was made, with its outputs.
func (b *builder) stack() (*Stack, error) {
	s := &Stack{Name: b.options.Name, Parameters: map[string]string{}, Resources: map[string]Resource{}, Outputs: map[string]string{}}
	for name, value := range b.scope.parameters {
		s.Parameters[name] = joined(value)
	}
	for name, r := range b.made {
		s.Resources[name] = *r
	}
	for _, name := range sortedKeys(b.template.outputs) {
		exists, err := b.exists(b.template.outputs[name].Condition)
		if err != nil {
			return nil, err
		}
		if !exists {
			continue
		}
		value, err := b.scope.text(b.template.outputs[name].Value)
		if err != nil {
			return nil, fmt.Errorf("stack %s: output %s: %w", b.options.Name, name, err)
		}
		s.Outputs[name] = value
	}
	return s, nil
}

func joined(value any) string {
	list, isList := value.([]any)
	if !isList {
		return value.(string)
	}
	var parts []string
	for _, element := range list {
		parts = append(parts, element.(string))
	}
	return strings.Join(parts, ",")
}
