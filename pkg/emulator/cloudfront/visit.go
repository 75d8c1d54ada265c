// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudfront

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Visit is what the viewers of one path and Region get.
type Visit struct {
	Path, Region string
	Answer       EdgeAnswer    // of the part that Share names; the others get a healthy one
	Age          time.Duration // of an origin's error that the edge replays; 0: it was asked just now
}

// Visits are what a distribution's viewers get at a time, by path and Region, as its metrics count it and logs would tell;
// nil where there is no traffic.
func (s *Service) Visits(id string, at time.Time) []Visit {
	s.mu.Lock()
	d := s.distributions[id]
	if d == nil || d.traffic.RequestsPerMinute <= 0 {
		s.mu.Unlock()
		return nil
	}
	p := d.snapshot()
	s.mu.Unlock()
	var visits []Visit
	paths, regions := p.d.traffic.visited()
	for _, path := range paths {
		for _, region := range regions {
			answer, age := p.ask(at, region.Name, p.request(path.Path))
			visits = append(visits, Visit{Path: path.Path, Region: region.Name, Answer: answer, Age: age})
		}
	}
	return visits
}

// visited are the paths that are asked for and the Regions that they are asked from.
func (t Traffic) visited() ([]Path, []Region) {
	paths, regions := t.Paths, t.Regions
	if len(paths) == 0 {
		paths = []Path{{Path: "/", Share: 1}}
	}
	if len(regions) == 0 {
		regions = []Region{{Name: "us-east-1", Share: 1}}
	}
	return paths, regions
}

// request is a viewer's request for a path.
func (p *past) request(path string) *http.Request {
	r := &http.Request{Method: http.MethodGet, Host: p.d.domain, URL: &url.URL{Scheme: "https", Host: p.d.domain, Path: path}, Header: http.Header{}}
	return r.WithContext(context.Background())
}
