// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"fmt"
	"slices"
	"strings"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// home is the Region in which the stack and all that is CloudFront's lie, and each Lambda@Edge function.
const home = "us-east-1"

// alarms are those on the quotas that the distribution uses: in the stack's own Region, and in each other where the evidence
// shows that its Lambda@Edge functions ran and for which a topic is listed. unwatched says which of these Regions get none.
func (in EvidenceInputs) alarms(config distribution.Config) (alarms []incident.QuotaAlarm, unwatched []string) {
	ran := in.ran(config)
	for _, watched := range watchedQuotas {
		if !watched.needed(config) {
			continue
		}
		regions := []string{home}
		if !watched.ofDistribution {
			regions = append(regions, ran...)
		}
		var untold, unread []string
		for _, region := range regions {
			value := in.quota(watched, region)
			switch {
			case region == home && value > 0:
				alarms = append(alarms, in.Place.alarm(in.Snapshot.Distribution, watched, "", value))
			case region != home && in.Place.Topics[region] == "":
				untold = append(untold, region)
			case value <= 0:
				unread = append(unread, region)
			default:
				alarms = append(alarms, in.Place.alarm(in.Snapshot.Distribution, watched, region, value))
			}
		}
		unwatched = append(unwatched, withoutAlarm(watched.name, untold, unread)...)
	}
	return alarms, append(unwatched, in.unasked(config)...)
}

// quota is the value of a quota in a Region, 0 where it could not be read.
func (in EvidenceInputs) quota(watched watchedQuota, region string) float64 {
	for _, quota := range in.Found.Quotas {
		if quota.Region == region && quota.Service == watched.service && quota.Name == watched.name {
			return quota.Value
		}
	}
	return 0
}

// withoutAlarm says in which Regions a quota is used and gets no alarm, and what to do about it.
func withoutAlarm(quota string, untold, unread []string) (sentences []string) {
	if len(untold) > 0 {
		sentences = append(sentences, fmt.Sprintf("The quota %s is used in %s too, and gets no alarm there: list a topic of each such Region in QuotaTopics.",
			quota, strings.Join(untold, ", ")))
	}
	if len(unread) > 0 {
		sentences = append(sentences, fmt.Sprintf("The quota %s could not be read in %s, and gets no alarm there.", quota, strings.Join(unread, ", ")))
	}
	return sentences
}

// runSigns are the metrics of a Lambda@Edge replica of which a value above zero says that it ran, or would have.
var runSigns = []string{"Invocations", "Throttles", "ConcurrentExecutions"}

// ran are the Regions but home in which the distribution's Lambda@Edge functions ran, sorted. A replica's metrics lie where
// it ran, under us-east-1.NAME [CloudFront guide, "Testing and debugging Lambda@Edge functions"]; what the account's other
// functions use there is not meant.
func (in EvidenceInputs) ran(config distribution.Config) (regions []string) {
	replicas := replicasOf(config)
	for _, series := range in.Found.Series {
		replica := series.Namespace == "AWS/Lambda" && slices.Contains(replicas, series.Dimensions["FunctionName"])
		if replica && series.Region != home && slices.Contains(runSigns, series.Name) &&
			slices.ContainsFunc(series.Points, func(point incident.Point) bool { return point.Value > 0 }) {
			regions = append(regions, series.Region)
		}
	}
	slices.Sort(regions)
	return slices.Compact(regions)
}

// replicasOf are the names under which the replicas of a distribution's Lambda@Edge functions have their metrics.
func replicasOf(config distribution.Config) (names []string) {
	for _, behavior := range config.Behaviors() {
		for _, association := range behavior.Lambda {
			if parts := strings.Split(association.ARN, ":"); len(parts) > 6 {
				names = append(names, home+"."+parts[6])
			}
		}
	}
	return names
}

// unasked says of which Regions nobody could tell whether Lambda@Edge runs there.
func (in EvidenceInputs) unasked(config distribution.Config) []string {
	var regions []string
	for _, region := range in.Regions {
		if region != home && !slices.Contains(in.Found.Read, "metrics/"+region) {
			regions = append(regions, region)
		}
	}
	if len(regions) == 0 || !runsLambda(config) {
		return nil
	}
	slices.Sort(regions)
	return []string{"Whether Lambda@Edge runs in " + strings.Join(regions, ", ") + " could not be read, so that there is no alarm."}
}
