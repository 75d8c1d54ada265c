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
	Prefix string            // the stack's name: every name that is given begins with it
	Target string            // the ARN of the bucket, with the prefix, that logs go to
	Topic  string            // the ARN of the topic that alarms in the stack's own Region tell
	Topics map[string]string // the ARNs of those that alarms elsewhere tell, by Region; there is no alarm in a Region without one
}

// logPrefix is where in the stack's bucket standard logs go, as the template lets them.
const logPrefix = "access-logs"

// NewPlace is the place of a stack with a name, a bucket's name, and the ARNs of the topic that is told and of those in
// other Regions.
func NewPlace(stack, bucket, topic string, elsewhere []string) Place {
	place := Place{Prefix: stack, Target: "arn:aws:s3:::" + bucket + "/" + logPrefix, Topic: topic, Topics: map[string]string{}}
	if parts := strings.Split(topic, ":"); len(parts) > 1 {
		place.Target = strings.Replace(place.Target, "arn:aws:", "arn:"+parts[1]+":", 1)
	}
	for _, arn := range elsewhere {
		if region := regionOf(arn); region != "" {
			place.Topics[region] = arn
		}
	}
	return place
}

// regionOf is the Region that an ARN names, empty for none.
func regionOf(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 3 {
		return parts[3]
	}
	return ""
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
	ofDistribution    bool    // the metric is the distribution's, and there is but one; else it is each Region's
	needed            func(distribution.Config) bool
}

// watchedQuotas are those that can be the cause of a 503 and have a metric.
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

// alarm is the alarm on a quota of a value in a Region, empty for the stack's own. Its name tells which Region it is of: the
// record knows it by that.
func (p Place) alarm(id string, watched watchedQuota, region string, value float64) incident.QuotaAlarm {
	alarm := incident.QuotaAlarm{
		Name: p.Prefix + "-quota-" + id + "-" + watched.suffix, Quota: watched.name, Value: value, Namespace: watched.namespace,
		Metric: watched.metric, Statistic: watched.statistic, Threshold: warnShare * value * watched.perMinute, Topic: p.Topic,
	}
	if region != "" {
		alarm.Name, alarm.Region, alarm.Topic = alarm.Name+"-"+region, region, p.Topics[region]
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

// EvidenceInputs are what a proposal to switch evidence on is made from.
type EvidenceInputs struct {
	Place    Place
	Snapshot incident.Snapshot // with Config
	Found    incident.Evidence // its metrics and quotas
	Regions  []string          // in which Lambda@Edge may run, and which were asked
}

// EvidenceProposal is what could be switched on.
type EvidenceProposal struct {
	Recipe    *incident.EvidenceRecipe
	Left      []string // names what is on, and stays as it is
	Unwatched []string // sentences on quotas that are used, or may be, and get no alarm
}

// ProposeEvidence finds what is not switched on. A *Refused says that nothing is missing.
func ProposeEvidence(ctx context.Context, looks looking, in EvidenceInputs) (EvidenceProposal, error) {
	config, err := distribution.Parse(in.Snapshot.Config)
	if err != nil {
		return EvidenceProposal{}, refuse("the live configuration cannot be read: %v", err)
	}
	id := in.Snapshot.Distribution
	all, left := in.wanted(config)
	alarms, unwatched := in.alarms(config)
	all.Alarms = alarms
	standing := map[string]Standing{}
	for _, part := range Parts(id, all) {
		stands, err := looks.Look(ctx, part)
		switch {
		case err != nil && part.alarm != nil && part.alarm.Region != "": // which keeps nothing else from being switched on
			stands = unseen
			unwatched = append(unwatched, fmt.Sprintf("Whether %s has an alarm could not be read: %s.", where(part.alarm), incident.Line(err.Error(), 200)))
		case err != nil:
			return EvidenceProposal{}, fmt.Errorf("%s: %w", part, err)
		}
		standing[part.String()] = stands
	}
	missing, on := lacking(id, all, standing)
	if len(Parts(id, missing)) == 0 {
		return EvidenceProposal{}, refuse("everything that would tell more is switched on already")
	}
	return EvidenceProposal{Recipe: &missing, Left: append(left, on...), Unwatched: unwatched}, nil
}

// unseen is a part of which nobody could tell how it stands. It is neither made nor called on.
const unseen Standing = -1

// where names the quota of an alarm, and its Region where that is not the stack's own.
func where(alarm *incident.QuotaAlarm) string {
	if alarm.Region == "" {
		return alarm.Quota
	}
	return alarm.Quota + " in " + alarm.Region
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
		switch standing[Part{Kind: kindAlarm, Name: alarm.Name}.String()] {
		case Absent:
			missing.Alarms = append(missing.Alarms, alarm)
		case AsPlanned, Otherwise:
			on = append(on, "the alarm on "+where(&alarm))
		}
	}
	return missing, on
}

const standardLogs = "standard logs"

// wanted is all that could be switched on, but for alarms. Legacy standard logs tell the same as those of version 2.
func (in EvidenceInputs) wanted(config distribution.Config) (all incident.EvidenceRecipe, left []string) {
	all.Metrics = true
	switch logs := in.Place.logs(in.Snapshot.ARN); {
	case config.Logging().Enabled:
		left = append(left, standardLogs)
	case len(logs.Name) <= mostDeliveryName:
		all.Logs = logs
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
		if alarm.Region != "" && place.Topics[alarm.Region] == "" {
			return recipe, refuse("alarm %s would lie in %s, where this stack lists no topic", alarm.Name, alarm.Region)
		}
		if !slices.ContainsFunc(watchedQuotas, func(w watchedQuota) bool { return place.makes(plan.Distribution, w, alarm) }) {
			return recipe, refuse("alarm %s is none that this stack makes", alarm.Name)
		}
	}
	if len(Parts(plan.Distribution, recipe)) == 0 {
		return recipe, refuse("the plan switches nothing on")
	}
	return recipe, nil
}

// makes reports whether an alarm is the one that this stack makes on a quota. What is the distribution's has its metric in
// the stack's own Region alone.
func (p Place) makes(id string, watched watchedQuota, alarm incident.QuotaAlarm) bool {
	return (alarm.Region == "" || !watched.ofDistribution) && sameAlarm(p.alarm(id, watched, alarm.Region, alarm.Value), alarm)
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
		to := fmt.Sprintf("more than %.0f of %s %s a minute (%s)", alarm.Threshold, alarm.Namespace, alarm.Metric, alarm.Statistic)
		if alarm.Region != "" {
			to += " in " + alarm.Region + ", told to " + alarm.Topic
		}
		add("CloudWatch/Alarm/"+alarm.Name, to)
	}
	return changes
}
