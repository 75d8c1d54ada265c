// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package lambda

import (
	"net/http"

	"cloudfront503/pkg/emulator/kernel"
)

// unreservedMinimum is what reservations must leave of an account's concurrency.
// Source: "Configuring reserved concurrency for a function".
const unreservedMinimum = 100

// SetLimit sets the account's concurrency in a Region.
func (s *Service) SetLimit(region string, limit int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits[region] = limit
}

// Exhaust uses up the unreserved concurrency of a Region: functions without any of their own are throttled until Restore.
func (s *Service) Exhaust(region string) { s.setExhausted(region, true) }

// Restore ends Exhaust.
func (s *Service) Restore(region string) { s.setExhausted(region, false) }

func (s *Service) setExhausted(region string, exhausted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exhausted[region] = exhausted
}

// Reserve sets a function's reserved concurrency, by name or ARN. It fails where too little would be left for the others.
func (s *Service) Reserve(name string, n int) error {
	f, _, err := s.find(s.world.Region, name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.limit(f.region) - s.reservedIn(f.region, f) - n
	minimum := min(unreservedMinimum, s.limit(f.region))
	if n < 0 || n > 0 && left < minimum {
		return badValue("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "+
			"below its minimum value of [%d].", minimum)
	}
	f.reserved = &n
	return nil
}

func (s *Service) unreserve(f *function) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.reserved = nil
}

// limit is a Region's concurrency. The caller holds the lock, as in the two below.
func (s *Service) limit(region string) int {
	if n, ok := s.limits[region]; ok {
		return n
	}
	return defaultLimit
}

// reservedIn is what the functions of a Region but one have reserved.
func (s *Service) reservedIn(region string, but *function) int {
	sum := 0
	for _, f := range s.functions {
		if f.region == region && f != but && f.reserved != nil {
			sum += *f.reserved
		}
	}
	return sum
}

func (s *Service) unreservedBusy(region string) int {
	sum := 0
	for _, f := range s.functions {
		if f.region == region && f.reserved == nil {
			sum += f.busy
		}
	}
	return sum
}

// admit takes one unit of concurrency for a function, or throttles. Whoever is admitted gives it back with leave.
func (s *Service) admit(f *function) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return kernel.Errorf(http.StatusServiceUnavailable, "ServiceException", "Lambda is closed")
	case f.reserved != nil && f.busy >= *f.reserved:
		return throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
	case f.reserved == nil && s.full(f.region):
		return throttled("ConcurrentInvocationLimitExceeded")
	}
	f.busy++
	return nil
}

func (s *Service) full(region string) bool {
	return s.exhausted[region] || s.unreservedBusy(region) >= s.limit(region)-s.reservedIn(region, nil)
}

func (s *Service) leave(f *function) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.busy--
}

// off tells whether a function's concurrency is zero, its kill switch.
func (s *Service) off(f *function) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return f.reserved != nil && *f.reserved == 0
}

func throttled(reason string) error {
	refusal := kernel.Errorf(http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.")
	refusal.Extra = map[string]string{"Reason": reason, "Type": "User"}
	return refusal
}
