// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// Place is where a stack puts the evidence that it switches on.
type Place struct {
	Prefix string // the stack's name: every name that is given begins with it
	Target string // the ARN of the bucket, with the prefix, that logs go to
	Topic  string // the ARN of the topic that alarms tell
}

// logPrefix is where in the stack's bucket standard logs go, as the template lets them.
const logPrefix = "access-logs"

// NewPlace is the place of a stack with a name, a bucket's name, and the ARN of the topic that is told.
func NewPlace(stack, bucket, topic string) Place {
	partition := "aws"
	if parts := strings.Split(topic, ":"); len(parts) > 1 {
		partition = parts[1]
	}
	return Place{Prefix: stack, Target: "arn:" + partition + ":s3:::" + bucket + "/" + logPrefix, Topic: topic}
}

// hourly is the path of an hour's logs under the prefix. Evidence finds it by what CloudWatch Logs says of the delivery.
const hourly = "{DistributionId}/{yyyy}/{MM}/{dd}/{HH}"

// mostDeliveryName is how long the name of a delivery source may be [CloudWatch Logs PutDeliverySource].
const mostDeliveryName = 60

// warnShare is the share of a quota at whose use people are warned.
const warnShare = 0.8

// watchedQuota is a quota that can be watched by an alarm.
type watchedQuota struct {
	service, name     string // as Service Quotas calls them; codes differ between sources
	suffix            string // of the alarm's name
	namespace, metric string
	statistic         string
	perMinute         float64 // of the quota's unit in the metric's minute
	ofDistribution    bool    // the metric is the distribution's, else the Region's
	needed            func(distribution.Config) bool
}

// watchedQuotas are those that can be the cause of a 503 and have a metric. The alarms lie in the stack's Region.
var watchedQuotas = []watchedQuota{
	{"cloudfront", "Requests per second per distribution", "requests", "AWS/CloudFront", "Requests", "Sum", 60, true,
		func(distribution.Config) bool { return true }},
	{"lambda", "Concurrent executions", "concurrency", "AWS/Lambda", "ConcurrentExecutions", "Maximum", 1, false, runsLambda},
}

func runsLambda(config distribution.Config) bool {
	return slices.ContainsFunc(config.Behaviors(), func(b distribution.Behavior) bool { return len(b.Lambda) > 0 })
}

// logs is the delivery of a distribution's logs.
func (p Place) logs(arn string) *incident.LogDelivery {
	return &incident.LogDelivery{Name: p.Prefix + "-" + arn[strings.LastIndex(arn, "/")+1:], Source: arn, Target: p.Target, Path: hourly}
}

// alarm is the alarm on a quota of a value.
func (p Place) alarm(id string, watched watchedQuota, value float64) incident.QuotaAlarm {
	alarm := incident.QuotaAlarm{
		Name: p.Prefix + "-quota-" + id + "-" + watched.suffix, Quota: watched.name, Value: value, Namespace: watched.namespace,
		Metric: watched.metric, Statistic: watched.statistic, Threshold: warnShare * value * watched.perMinute, Topic: p.Topic,
	}
	if watched.ofDistribution {
		alarm.Dimensions = map[string]string{"DistributionId": id, "Region": "Global"}
	}
	return alarm
}

// looking says how a part of the evidence stands.
type looking interface {
	Look(context.Context, Part) (Standing, error)
}

// ProposeEvidence finds what is not switched on. quotas are those of the stack's Region; left names what is on, and stays as
// it is. A *Refused says that nothing is missing.
func ProposeEvidence(ctx context.Context, looks looking, place Place, snapshot incident.Snapshot, quotas []incident.QuotaValue) (recipe *incident.EvidenceRecipe, left []string, err error) {
	config, err := distribution.Parse(snapshot.Config)
	if err != nil {
		return nil, nil, refuse("the live configuration cannot be read: %v", err)
	}
	all, left := place.wanted(snapshot, config, quotas)
	standing := map[string]Standing{}
	for _, part := range Parts(snapshot.Distribution, all) {
		if standing[part.String()], err = looks.Look(ctx, part); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", part, err)
		}
	}
	missing, on := lacking(snapshot.Distribution, all, standing)
	left = append(left, on...)
	if len(Parts(snapshot.Distribution, missing)) == 0 {
		return nil, nil, refuse("everything that would tell more is switched on already")
	}
	return &missing, left, nil
}

// lacking is the part of a recipe that is not there, and the names of the rest. Logs are there also where somebody has made
// the distribution's one delivery source, whatever it delivers to.
func lacking(id string, all incident.EvidenceRecipe, standing map[string]Standing) (missing incident.EvidenceRecipe, on []string) {
	absent := func(kind, name string) bool { return standing[Part{Kind: kind, Name: name}.String()] == Absent }
	if missing.Metrics = absent(kindMetrics, id); !missing.Metrics {
		on = append(on, "additional metrics")
	}
	if logs := all.Logs; logs != nil {
		if standing[Part{Kind: kindSource, Name: logs.Name}.String()] != Otherwise && absent(kindDelivery, logs.Name) {
			missing.Logs = logs
		} else {
			on = append(on, standardLogs)
		}
	}
	for _, alarm := range all.Alarms {
		if absent(kindAlarm, alarm.Name) {
			missing.Alarms = append(missing.Alarms, alarm)
		} else {
			on = append(on, "the alarm on "+alarm.Quota)
		}
	}
	return missing, on
}

const standardLogs = "standard logs"

// wanted is all that could be switched on. Legacy standard logs tell the same as those of version 2.
func (p Place) wanted(snapshot incident.Snapshot, config distribution.Config, quotas []incident.QuotaValue) (all incident.EvidenceRecipe, left []string) {
	all.Metrics = true
	switch logs := p.logs(snapshot.ARN); {
	case config.Logging().Enabled:
		left = append(left, standardLogs)
	case len(logs.Name) <= mostDeliveryName:
		all.Logs = logs
	}
	for _, watched := range watchedQuotas {
		for _, quota := range quotas {
			if quota.Service == watched.service && quota.Name == watched.name && quota.Value > 0 && watched.needed(config) {
				all.Alarms = append(all.Alarms, p.alarm(snapshot.Distribution, watched, quota.Value))
				break
			}
		}
	}
	return all, left
}

// checkEvidence refuses a recipe that is not one this stack would make: other names, another target, another topic.
func checkEvidence(plan incident.Plan, snapshot incident.Snapshot, place Place) (incident.EvidenceRecipe, error) {
	if plan.Recipe == nil || plan.Recipe.Evidence == nil {
		return incident.EvidenceRecipe{}, refuse("the plan names nothing to switch on")
	}
	recipe := *plan.Recipe.Evidence
	if !strings.HasSuffix(snapshot.ARN, ":distribution/"+plan.Distribution) {
		return recipe, refuse("the incident's snapshot is of another distribution")
	}
	if recipe.Logs != nil && *recipe.Logs != *place.logs(snapshot.ARN) {
		return recipe, refuse("the logs would go elsewhere than this stack lets them go")
	}
	for _, alarm := range recipe.Alarms {
		if !slices.ContainsFunc(watchedQuotas, func(w watchedQuota) bool { return sameAlarm(place.alarm(plan.Distribution, w, alarm.Value), alarm) }) {
			return recipe, refuse("alarm %s is none that this stack makes", alarm.Name)
		}
	}
	if len(Parts(plan.Distribution, recipe)) == 0 {
		return recipe, refuse("the plan switches nothing on")
	}
	return recipe, nil
}

func sameAlarm(a, b incident.QuotaAlarm) bool {
	same := maps.Equal(a.Dimensions, b.Dimensions)
	a.Dimensions, b.Dimensions = nil, nil
	return same && fmt.Sprint(a) == fmt.Sprint(b)
}

// EvidenceDifference shows people what would be switched on.
func EvidenceDifference(recipe incident.EvidenceRecipe) (changes []incident.FieldChange) {
	add := func(path, to string) {
		changes = append(changes, incident.FieldChange{Path: path, To: quoted(to)})
	}
	if recipe.Metrics {
		add("CloudFront/MonitoringSubscription", "Enabled")
	}
	if recipe.Logs != nil {
		add("CloudWatchLogs/Delivery/"+recipe.Logs.Name, recipe.Logs.Target)
	}
	for _, alarm := range recipe.Alarms {
		add("CloudWatch/Alarm/"+alarm.Name, fmt.Sprintf("more than %.0f of %s %s a minute (%s)", alarm.Threshold, alarm.Namespace, alarm.Metric, alarm.Statistic))
	}
	return changes
}
