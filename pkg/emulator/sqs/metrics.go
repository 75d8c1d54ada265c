// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package sqs

import (
	"maps"
	"slices"
	"time"

	"cloudfront503/pkg/emulator/kernel"
)

// visible is the one metric of queues that is known here. AWS reports it every minute for active queues (SQS Developer
// Guide, "Available CloudWatch metrics for Amazon SQS").
const visible = "ApproximateNumberOfMessagesVisible"

func (s *Service) metric(queue string) kernel.Metric {
	return kernel.Metric{Region: s.world.Region, Namespace: "AWS/SQS", Name: visible, Dimensions: map[string]string{"QueueName": queue}}
}

// Minute is how many of the messages that are still in a queue could be received in the minute that begins at.
func (s *Service) Minute(metric kernel.Metric, at time.Time) (kernel.Datum, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[metric.Dimensions["QueueName"]]
	end := at.Add(time.Minute)
	if q == nil || metric.Key() != s.metric(q.name).Key() || end.Before(q.created) {
		return kernel.Datum{}, false
	}
	n := 0.0
	for _, m := range q.messages {
		if m.sent.Before(end) && m.visible.Before(end) {
			n++
		}
	}
	return kernel.Datum{Sum: n, Count: 1, Min: n, Max: n}, true
}

// Metrics are the queues' metrics.
func (s *Service) Metrics() []kernel.Metric {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []kernel.Metric
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		all = append(all, s.metric(name))
	}
	return all
}
