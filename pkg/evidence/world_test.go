// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"testing"
	"time"

	"cloudfront503/pkg/emulator"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/s3"
)

type emulatorAccount = emulator.Account

func bucket(name, region string) s3.Bucket { return s3.Bucket{Name: name, Region: region} }

// counted gives a metric with dimensions (name, value, name, value …) a value.
func counted(a *emulator.Account, region, namespace, name string, dimensions ...string) {
	metric := kernel.Metric{Region: region, Namespace: namespace, Name: name, Dimensions: map[string]string{}}
	for i := 0; i+1 < len(dimensions); i += 2 {
		metric.Dimensions[dimensions[i]] = dimensions[i+1]
	}
	a.World.Metrics.PutStatistic(metric, "Sum", a.World.Clock.Now().Add(-5*time.Minute), 7)
}

// balancerOf makes a load balancer without listeners in eu-west-1.
func balancerOf(t *testing.T, a *emulator.Account, arn, dns, kind string) {
	t.Helper()
	err := a.ELB.Put("eu-west-1", encode(map[string]any{
		"LoadBalancers": []any{map[string]any{"LoadBalancerArn": arn, "LoadBalancerName": "web", "DNSName": dns, "Type": kind, "State": map[string]string{"Code": "active"}}},
		"Listeners":     []any{}, "Rules": []any{}, "TargetGroups": []any{}, "TargetHealth": map[string]any{},
	}))
	if err != nil {
		t.Fatal(err)
	}
}
