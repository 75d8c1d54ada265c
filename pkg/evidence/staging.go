// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"context"
	"encoding/json"

	"cloudfront503/pkg/distribution"
)

// stagingLogs are where the staging distribution's own logs lie, as its requests stand in no log of the distribution that
// sends them there. Nothing is asked where the policy sends none.
func stagingLogs(q Question, record Record) []source {
	var file struct {
		ContinuousDeploymentPolicy struct {
			ContinuousDeploymentPolicyConfig struct{ Enabled bool }
		}
		StagingDistribution *struct {
			Distribution struct {
				ID, DomainName     string
				DistributionConfig json.RawMessage
			}
		}
	}
	if json.Unmarshal(record["cloudfront/staging.json"], &file) != nil || file.StagingDistribution == nil ||
		!file.ContinuousDeploymentPolicy.ContinuousDeploymentPolicyConfig.Enabled {
		return nil
	}
	staging := file.StagingDistribution.Distribution
	config, err := distribution.Parse(staging.DistributionConfig)
	if err != nil {
		return nil
	}
	q.Snapshot.Distribution, q.Snapshot.DomainName = staging.ID, staging.DomainName
	list := logSources(q, config.Logging(), record["logs/deliveries.json"])
	for i := range list {
		list[i].name, list[i].read = "staging "+list[i].name, about(q, list[i].read)
	}
	return list
}

// about reads with another question than the one that is asked.
func about(q Question, read reader) reader {
	return func(ctx context.Context, g *Gatherer, _ Question) (Record, error) { return read(ctx, g, q) }
}
