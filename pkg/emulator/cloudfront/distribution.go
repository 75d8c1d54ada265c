// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudfront

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/wirexml"
)

// distribution is one distribution with all the configurations it ever had.
type distribution struct {
	id, domain    string
	tags          map[string]string
	versions      []version // by acceptance
	invalidations []invalidation
	monitoring    bool      // additional metrics are paid for
	republished   time.Time // when edges have the function's code that was published last
	edge          EdgeFunc
	traffic       Traffic
	minutes       map[int64]*minute // what the traffic of a past minute was
}

// version is one accepted configuration.
type version struct {
	etag               string
	accepted, deployed time.Time
	raw                []byte         // the DistributionConfig element as it came
	config             map[string]any // the same as the CLI prints it
}

type invalidation struct {
	id        string
	at        time.Time
	batch     any
	completed time.Time
}

func (d *distribution) arn(account string) string {
	return "arn:aws:cloudfront::" + account + ":distribution/" + d.id
}

func (d *distribution) live() version { return d.versions[len(d.versions)-1] }

// at is the configuration that edges served at a time, the first one before there was any.
func (d *distribution) at(t time.Time) version {
	for i := len(d.versions) - 1; i > 0; i-- {
		if !d.versions[i].deployed.After(t) {
			return d.versions[i]
		}
	}
	return d.versions[0]
}

func (d *distribution) status(now time.Time) string {
	if d.live().deployed.After(now) || d.republished.After(now) {
		return "InProgress"
	}
	return "Deployed"
}

// add accepts a configuration. Propagation is in order: none is deployed before the one it follows.
func (d *distribution) add(v version) {
	if len(d.versions) > 0 && v.deployed.Before(d.live().deployed) {
		v.deployed = d.live().deployed
	}
	d.versions = append(d.versions, v)
	d.minutes = map[int64]*minute{}
}

// PutDistribution makes a distribution, or replaces it, that has been deployed for long. config is the DistributionConfig
// as the AWS CLI prints it or as XML; tags may be nil.
func (s *Service) PutDistribution(id string, config []byte, tags map[string]string) error {
	return s.PutDistributionAs(id, "", "", config, tags)
}

// PutDistributionAs is PutDistribution with the ETag and the domain name that it is to have; empty ones are made.
func (s *Service) PutDistributionAs(id, etag, domain string, config []byte, tags map[string]string) error {
	raw, object, err := read(config)
	if err != nil {
		return fmt.Errorf("distribution %s: %w", id, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if etag == "" {
		etag = s.newID("E", id)
	}
	if domain == "" {
		domain = "d" + strings.ToLower(digest(13, id)) + ".cloudfront.net"
	}
	long := s.world.Clock.Now().Add(-365 * 24 * time.Hour)
	d := &distribution{id: id, domain: domain, tags: maps.Clone(tags), edge: Healthy}
	if old := s.distributions[id]; old != nil {
		d.edge, d.traffic, d.monitoring = old.edge, old.traffic, old.monitoring
	}
	d.add(version{etag: etag, accepted: long, deployed: long, raw: raw, config: object})
	s.distributions[id] = d
	return nil
}

// read takes a configuration in either form.
func read(config []byte) (raw []byte, object map[string]any, err error) {
	if bytes.HasPrefix(bytes.TrimSpace(config), []byte("<")) {
		return readXML(config)
	}
	value, err := wirexml.JSON(config)
	if err != nil {
		return nil, nil, err
	}
	return readXML(shape.Document("DistributionConfig", namespace, value))
}

func readXML(config []byte) (raw []byte, object map[string]any, err error) {
	node, err := wirexml.Parse(config)
	if err != nil {
		return nil, nil, err
	}
	object, isObject := shape.Value(node).(map[string]any)
	if node.Name != "DistributionConfig" || !isObject {
		return nil, nil, fmt.Errorf("config: root element %s, want DistributionConfig with members", node.Name)
	}
	return element(config), object, nil
}

// element is a document without its declaration.
func element(document []byte) []byte {
	document = bytes.TrimSpace(document)
	if bytes.HasPrefix(document, []byte("<?xml")) {
		if end := bytes.Index(document, []byte("?>")); end > 0 {
			document = document[end+2:]
		}
	}
	return bytes.TrimSpace(document)
}

// Change is an UpdateDistribution by somebody else: edit changes the live configuration as the CLI prints it, and Quantity
// follows Items by itself. at may lie in the past, so that a scenario can begin in the middle; it is recorded in CloudTrail
// as of then. It returns the CloudTrail event's id.
func (s *Service) Change(id string, by kernel.Principal, at time.Time, edit func(config map[string]any)) (eventID string, err error) {
	s.mu.Lock()
	d := s.distributions[id]
	if d == nil {
		s.mu.Unlock()
		return "", fmt.Errorf("distribution %s: there is none", id)
	}
	before := d.live()
	config := clone(before.config)
	edit(config)
	v, err := s.edited(d, config, at)
	if err != nil {
		s.mu.Unlock()
		return "", err
	}
	d.add(v)
	answer := s.distributionReply(d, 0)
	s.mu.Unlock()
	s.announce(d, v)
	return s.recordChange(d, by, at, before.etag, v, answer), nil
}

// edited is a version from a configuration that a scenario wrote. The lock is held.
func (s *Service) edited(d *distribution, config map[string]any, at time.Time) (version, error) {
	generic, err := wirexml.Generic(config)
	if err != nil {
		return version{}, fmt.Errorf("distribution %s: %w", d.id, err)
	}
	count(generic)
	raw, object, err := readXML(shape.Document("DistributionConfig", namespace, generic))
	if err != nil {
		return version{}, fmt.Errorf("distribution %s: %w", d.id, err)
	}
	return version{etag: s.newID("E", d.id), accepted: at, deployed: at.Add(s.propagation), raw: raw, config: object}, nil
}

// count sets every Quantity to the number of its Items.
func count(value any) {
	switch v := value.(type) {
	case map[string]any:
		list, hasItems := v["Items"].([]any)
		if _, counted := v["Quantity"]; counted || hasItems {
			v["Quantity"] = json.Number(fmt.Sprint(len(list)))
		}
		for _, member := range v {
			count(member)
		}
	case []any:
		for _, entry := range v {
			count(entry)
		}
	}
}

// Live is the configuration that the control plane has now, as canonical JSON (sorted keys, no nulls, no empty Items), and
// its ETag. ok is false where there is no such distribution.
func (s *Service) Live(id string) (config []byte, etag string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.distributions[id]
	if d == nil {
		return nil, "", false
	}
	data, err := json.Marshal(d.live().config)
	return data, d.live().etag, err == nil
}

// SetModified sets when the live configuration was accepted; edges have it a propagation delay later.
func (s *Service) SetModified(id string, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.distributions[id]; d != nil {
		v := &d.versions[len(d.versions)-1]
		v.accepted, v.deployed = at, at.Add(s.propagation)
	}
}

// SetMonitoring switches the additional metrics on or off.
func (s *Service) SetMonitoring(id string, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.distributions[id]; d != nil {
		d.monitoring = on
	}
}

// Monitored says whether the additional metrics are on.
func (s *Service) Monitored(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.distributions[id]
	return d != nil && d.monitoring
}

// announce leaves a timer for the moment when a change is deployed, so that whoever steps from timer to timer stops there.
func (s *Service) announce(d *distribution, v version) {
	if wait := v.deployed.Sub(s.world.Clock.Now()); wait > 0 {
		s.world.Clock.After(wait, "cloudfront: "+d.id+" is deployed", func() {})
	}
}

func clone(value map[string]any) map[string]any {
	copied := make(map[string]any, len(value))
	for name, member := range value {
		copied[name] = cloneValue(member)
	}
	return copied
}

func cloneValue(value any) any {
	switch v := value.(type) {
	case map[string]any:
		return clone(v)
	case []any:
		list := slices.Clone(v)
		for i := range list {
			list[i] = cloneValue(list[i])
		}
		return list
	}
	return value
}
