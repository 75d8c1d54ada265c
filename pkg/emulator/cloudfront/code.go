// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudfront

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/wirexml"
)

// SetCodeTest sets what TestFunction answers for code, in whichever stage and function it stands, as the CLI's TestResult;
// the summary is put in. What SetFunctionTest says of a stage comes first.
func (s *Service) SetCodeTest(code, result []byte) error {
	value, err := wirexml.JSON(result)
	if err != nil {
		return fmt.Errorf("test of code: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tests[string(code)] = object(value)
	return nil
}

// Stage is what stands in a stage of a function: its code, its FunctionConfig as the CLI prints it, and its ETag. ok is
// false where there is nothing.
func (s *Service) Stage(name, in string) (code, config []byte, etag string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[name]
	if f == nil || f.stage(in) == nil {
		return nil, nil, "", false
	}
	config, err := json.Marshal(f.stage(in).config)
	return f.stage(in).code, config, f.stage(in).etag, err == nil
}

// Served is the code of a function that edges run at a time; nil where they run none.
func (s *Service) Served(name string, at time.Time) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.functions[name]
	if f == nil {
		return nil
	}
	for _, each := range slices.Backward(f.served) {
		if !each.from.After(at) {
			return each.code
		}
	}
	return nil
}

// ChangeFunction is an UpdateFunction by somebody else, followed by a PublishFunction where publish is true. Both are
// recorded in CloudTrail as of now.
func (s *Service) ChangeFunction(name string, by kernel.Principal, code []byte, publish bool) error {
	s.mu.Lock()
	f := s.functions[name]
	if f == nil {
		s.mu.Unlock()
		return fmt.Errorf("function %s: there is none", name)
	}
	f.dev = &stage{etag: s.newID("E", name), config: f.dev.config, code: code, modified: s.world.Clock.Now()}
	events := []kernel.TrailEvent{s.functionEvent("UpdateFunction", f, by, development)}
	if publish {
		s.publish(f)
		events = append(events, s.functionEvent("PublishFunction", f, by, live))
	}
	s.mu.Unlock()
	for _, event := range events {
		if s.world.Trail != nil {
			s.world.Trail.Record(event)
		}
	}
	return nil
}

func (s *Service) functionEvent(name string, f *function, by kernel.Principal, in string) kernel.TrailEvent {
	return kernel.TrailEvent{
		At: s.world.Clock.Now(), Region: "us-east-1", Source: eventSource, Name: name, Caller: by,
		Request:   map[string]any{"name": f.name, "ifMatch": f.dev.etag},
		Response:  map[string]any{"functionSummary": hide(lower(f.summary(s.world.Account, in)))},
		Resources: trailResources(map[string]string{"Name": f.name}),
	}
}

// publish copies DEVELOPMENT to LIVE. Edges run it once the distributions that use it have been deployed, which takes the
// propagation delay and leaves their ETags alone (CloudFront guide, "Publish functions"). The lock is held.
func (s *Service) publish(f *function) {
	now := s.world.Clock.Now()
	published := *f.dev
	published.etag, published.modified = s.newID("E", f.name), now
	f.live = &published
	from := now.Add(s.propagation)
	f.served = append(f.served, served{from, published.code})
	arn := "arn:aws:cloudfront::" + s.world.Account + ":function/" + f.name
	for _, d := range s.distributions {
		if holds(d.live().config, "FunctionARN", arn) {
			d.republished, d.minutes = from, map[int64]*minute{}
		}
	}
	s.world.Clock.After(s.propagation, "cloudfront: function "+f.name+" is deployed", func() {})
}
