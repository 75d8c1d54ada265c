// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package keyvalues is the emulator's CloudFront KeyValueStore, as far as reading goes: what is in the stores that CloudFront
// Functions read. The stores themselves are CloudFront's.
package keyvalues

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"cloudfront503/pkg/emulator/kernel"
)

// Service is the data plane. It is safe for concurrent use.
type Service struct {
	world *kernel.World

	mu     sync.Mutex
	stores map[string]*store // by ARN
}

type store struct {
	serial int // of the last change, which the ETag tells
	items  map[string]string
	at     float64 // seconds since 1970
}

// New makes the data plane answer in the world.
func New(w *kernel.World) *Service {
	s := &Service{world: w, stores: map[string]*store{}}
	w.Register("cloudfront-keyvaluestore", s)
	return s
}

// Put fills a store anew.
func (s *Service) Put(arn string, items map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	serial := 1
	if before := s.stores[arn]; before != nil {
		serial = before.serial + 1
	}
	s.stores[arn] = &store{serial: serial, items: maps.Clone(items), at: float64(s.world.Clock.Now().Unix())}
}

func (s *store) etag() string { return fmt.Sprintf("KV%dEXAMPLE", s.serial) }

// Serve is part of kernel.Service: GET /key-value-stores/ARN is DescribeKeyValueStore, with /keys after it ListKeys
// [CloudFront KeyValueStore API reference].
func (s *Service) Serve(c *kernel.Call) {
	arn, keys, known := target(c.R)
	if !known {
		c.World.Strict("cloudfront-keyvaluestore: %s %s is not known here", c.R.Method, c.R.URL.Path)
		c.FailJSON(kernel.Errorf(http.StatusBadRequest, "UnknownOperationException", "%s %s", c.R.Method, c.R.URL.Path))
		return
	}
	action, answer := "DescribeKeyValueStore", s.describe
	if keys {
		action, answer = "ListKeys", s.list
	}
	if err := c.Begin(kernel.Access{Action: "cloudfront-keyvaluestore:" + action, Resources: []string{arn}}); err != nil {
		c.FailJSON(err)
		return
	}
	value, err := answer(c, arn)
	if err != nil {
		c.FailJSON(err)
		return
	}
	body, err := json.Marshal(value)
	if err != nil {
		c.FailJSON(kernel.Errorf(http.StatusInternalServerError, "InternalServerException", "%v", err))
		return
	}
	c.JSON(body)
}

// target is the store that a request names, and whether its keys are asked for.
func target(r *http.Request) (arn string, keys, known bool) {
	parts := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")
	if r.Method != http.MethodGet || len(parts) < 2 || len(parts) > 3 || parts[0] != "key-value-stores" || len(parts) == 3 && parts[2] != "keys" {
		return "", false, false
	}
	arn, err := url.PathUnescape(parts[1])
	return arn, len(parts) == 3, err == nil
}

func (s *Service) find(arn string) (*store, error) {
	found := s.stores[arn]
	if found == nil {
		return nil, kernel.Errorf(http.StatusNotFound, "ResourceNotFoundException", "The key value store was not found.")
	}
	return found, nil
}

func (s *Service) describe(c *kernel.Call, arn string) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(arn)
	if err != nil {
		return nil, err
	}
	size := 0
	for key, value := range found.items {
		size += len(key) + len(value)
	}
	c.W.Header().Set("ETag", found.etag())
	return map[string]any{"KvsARN": arn, "ItemCount": len(found.items), "TotalSizeInBytes": size, "Created": found.at, "LastModified": found.at, "Status": "READY"}, nil
}

// list gives 10 keys a page, or as many as are asked for up to 50.
func (s *Service) list(c *kernel.Call, arn string) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(arn)
	if err != nil {
		return nil, err
	}
	query, limit := c.R.URL.Query(), 10
	if given := query.Get("MaxResults"); given != "" {
		if limit, err = strconv.Atoi(given); err != nil || limit < 1 || limit > 50 {
			return nil, kernel.Errorf(http.StatusBadRequest, "ValidationException", "MaxResults is %q", given)
		}
	}
	keys := slices.Sorted(maps.Keys(found.items))
	from, exact := slices.BinarySearch(keys, query.Get("NextToken"))
	if exact {
		from++
	}
	keys = keys[from:]
	answer := map[string]any{}
	if len(keys) > limit {
		keys = keys[:limit]
		answer["NextToken"] = keys[limit-1]
	}
	items := []any{}
	for _, key := range keys {
		items = append(items, map[string]any{"Key": key, "Value": found.items[key]})
	}
	answer["Items"] = items
	return answer, nil
}
