// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Package recorded fills an emulated account from a recorded incident, the folder of AWS CLI answers around one alarm: every
// service then answers what AWS answered, the clock stands at the time of collecting, and the edge gives the recorded probe.
package recorded

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/cloudfront"
	"cloudfront503/pkg/emulator/cloudtrail"
	"cloudfront503/pkg/emulator/elb"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/lambda"
	"cloudfront503/pkg/emulator/logs"
	"cloudfront503/pkg/emulator/quotas"
	"cloudfront503/pkg/emulator/s3"
	"cloudfront503/pkg/emulator/wafv2"
)

// Incident is what a record says of itself.
type Incident struct {
	Format         int
	DistributionID string `json:"distributionId"`
	AccountID      string `json:"accountId"`
	AlarmAt        time.Time
	CollectedAt    time.Time
	AlarmMetric    string

	Event    json.RawMessage `json:"-"` // the trigger as it was delivered; nil where it is not recorded
	Baseline json.RawMessage `json:"-"` // {"ETag", "DistributionConfig"} of the last known good; nil where it is not recorded
}

// Read reads incident.json, event.json and baseline.json.
func Read(folder fs.FS) (Incident, error) {
	var in Incident
	raw, err := fs.ReadFile(folder, "incident.json")
	if err != nil {
		return in, fmt.Errorf("recorded incident: %w", err)
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return in, fmt.Errorf("recorded incident: incident.json: %w", err)
	}
	if in.Format != 1 || in.DistributionID == "" || in.CollectedAt.IsZero() {
		return in, fmt.Errorf("recorded incident: incident.json has format %d, distribution %q", in.Format, in.DistributionID)
	}
	for name, into := range map[string]*json.RawMessage{"event.json": &in.Event, "baseline.json": &in.Baseline} {
		raw, err := fs.ReadFile(folder, name)
		if err == nil {
			*into = raw
		} else if !errors.Is(err, fs.ErrNotExist) {
			return in, fmt.Errorf("recorded incident: %w", err)
		}
	}
	return in, nil
}

// loader fills one world from one folder.
type loader struct {
	world  *kernel.World
	folder fs.FS
	Incident
	distribution distribution
}

// distribution is what get-distribution prints.
type distribution struct {
	ETag         string
	Distribution struct {
		ID                 string `json:"Id"`
		DomainName         string
		LastModifiedTime   time.Time
		DistributionConfig json.RawMessage
	}
}

// Load fills a world whose account is the record's. A file that is absent leaves its service as it is; a service that the
// record needs and the world lacks is an error.
func Load(w *kernel.World, folder fs.FS) (Incident, error) {
	in, err := Read(folder)
	if err != nil {
		return in, err
	}
	if in.AccountID != "" && in.AccountID != w.Account {
		return in, fmt.Errorf("recorded incident of account %s: the world is account %s", in.AccountID, w.Account)
	}
	w.Clock.SetNow(in.CollectedAt)
	l := &loader{world: w, folder: folder, Incident: in}
	for _, step := range []struct {
		name string
		load func() error
	}{
		{"distribution.json", l.loadDistribution}, {"cloudfront", l.loadEdgeFunctions}, {"cloudfront", l.loadStaging},
		{"probe.http", l.loadProbe}, {"metrics", l.regions("metrics", l.loadMetrics)}, {"cloudtrail", l.regions("cloudtrail", l.loadTrail)},
		{"service-quotas", l.regions("service-quotas", l.loadQuotas)}, {"elbv2", l.regions("elbv2", l.loadBalancers)},
		{"elb", l.regions("elb", l.loadClassic)}, {"lambda", l.regions("lambda", l.loadLambda)}, {"access-logs", l.loadAccessLogs},
		{"wafv2", l.regions("wafv2", l.loadWebACLs)}, {"wafv2", l.loadWAF}, {"health", l.loadHealth},
	} {
		if err := step.load(); err != nil {
			return in, fmt.Errorf("recorded incident %s: %s: %w", in.DistributionID, step.name, err)
		}
	}
	return in, nil
}

// service is a world's service of a type.
func service[S any](w *kernel.World, name string) (S, error) {
	s, ok := w.Service(name).(S)
	if !ok {
		return s, fmt.Errorf("the world has no %s", name)
	}
	return s, nil
}

// file decodes a file into a value; ok is false where it is absent.
func (l *loader) file(name string, into any) (ok bool, err error) {
	raw, err := fs.ReadFile(l.folder, name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return true, nil
}

// regions calls load for each REGION.json of a folder.
func (l *loader) regions(folder string, load func(region string, raw []byte) error) func() error {
	return func() error {
		entries, err := fs.ReadDir(l.folder, folder)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, entry := range entries {
			region, isJSON := strings.CutSuffix(entry.Name(), ".json")
			if !isJSON {
				continue
			}
			raw, err := fs.ReadFile(l.folder, path.Join(folder, entry.Name()))
			if err != nil {
				return err
			}
			if err := load(region, raw); err != nil {
				return fmt.Errorf("%s: %w", region, err)
			}
		}
		return nil
	}
}

func (l *loader) loadDistribution() error {
	ok, err := l.file("distribution.json", &l.distribution)
	if err != nil || !ok {
		return errors.Join(err, missing(ok, "distribution.json"))
	}
	return l.putDistribution(l.distribution)
}

func missing(ok bool, name string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%s is missing or broken", name)
}

func (l *loader) putDistribution(d distribution) error {
	edge, err := service[*cloudfront.Service](l.world, "cloudfront")
	if err != nil {
		return err
	}
	if err := edge.PutDistributionAs(d.Distribution.ID, d.ETag, d.Distribution.DomainName, d.Distribution.DistributionConfig, nil); err != nil {
		return err
	}
	edge.SetModified(d.Distribution.ID, d.Distribution.LastModifiedTime)
	return nil
}

func (l *loader) loadEdgeFunctions() error {
	var record struct {
		Functions []struct {
			Name, Stage      string
			DescribeFunction struct {
				ETag            string
				FunctionSummary json.RawMessage
			}
			TestFunction struct{ TestResult json.RawMessage }
		}
	}
	ok, err := l.file("cloudfront/functions.json", &record)
	if err != nil || !ok {
		return err
	}
	edge, err := service[*cloudfront.Service](l.world, "cloudfront")
	if err != nil {
		return err
	}
	for _, f := range record.Functions {
		if len(f.DescribeFunction.FunctionSummary) == 0 {
			continue
		}
		summary, err := completed(f.DescribeFunction.FunctionSummary)
		if err != nil {
			return err
		}
		if err := edge.PutFunctionSummary(f.Stage, cmp.Or(f.DescribeFunction.ETag, "ETVRECORDED"), summary); err != nil {
			return err
		}
		if len(f.TestFunction.TestResult) == 0 {
			continue
		}
		if err := edge.SetFunctionTest(f.Name, f.Stage, f.TestFunction.TestResult); err != nil {
			return err
		}
	}
	return nil
}

// completed fills in what a summary of AWS always has and a record made by hand may lack: when the function was made.
func completed(summary json.RawMessage) (json.RawMessage, error) {
	var members map[string]any
	if err := json.Unmarshal(summary, &members); err != nil {
		return nil, err
	}
	metadata, _ := members["FunctionMetadata"].(map[string]any)
	if metadata != nil && metadata["CreatedTime"] == nil {
		metadata["CreatedTime"] = metadata["LastModifiedTime"]
	}
	return json.Marshal(members)
}

func (l *loader) loadStaging() error {
	var record struct {
		ContinuousDeploymentPolicy json.RawMessage
		StagingDistribution        *distribution
	}
	ok, err := l.file("cloudfront/staging.json", &record)
	if err != nil || !ok {
		return err
	}
	edge, err := service[*cloudfront.Service](l.world, "cloudfront")
	if err != nil {
		return err
	}
	if len(record.ContinuousDeploymentPolicy) > 0 && string(record.ContinuousDeploymentPolicy) != "null" {
		id, err := l.putPolicy(edge, record.ContinuousDeploymentPolicy, record.StagingDistribution)
		if err != nil {
			return fmt.Errorf("policy %s: %w", id, err)
		}
	}
	if record.StagingDistribution == nil {
		return nil
	}
	return l.putDistribution(*record.StagingDistribution)
}

// putPolicy makes the policy and its staging distribution name each other: the policy knows it by its domain name only, and a
// record need not hold both spellings.
func (l *loader) putPolicy(edge *cloudfront.Service, document json.RawMessage, staging *distribution) (string, error) {
	var policy struct {
		ID string `json:"Id"`
	}
	var members map[string]any
	if err := errors.Join(json.Unmarshal(document, &policy), json.Unmarshal(document, &members)); err != nil {
		return policy.ID, err
	}
	config, _ := members["ContinuousDeploymentPolicyConfig"].(map[string]any)
	if config != nil && staging != nil {
		names, _ := config["StagingDistributionDnsNames"].(map[string]any)
		items, _ := names["Items"].([]any)
		if len(items) > 0 {
			staging.Distribution.DomainName, _ = items[0].(string)
		} else {
			staging.Distribution.DomainName = "d" + strings.ToLower(staging.Distribution.ID) + ".cloudfront.net"
			config["StagingDistributionDnsNames"] = map[string]any{"Quantity": 1, "Items": []string{staging.Distribution.DomainName}}
		}
	}
	whole, err := json.Marshal(members)
	if err != nil {
		return policy.ID, err
	}
	return policy.ID, edge.PutResource(cloudfront.ContinuousDeploymentPolicy, policy.ID, "", whole)
}

func (l *loader) loadMetrics(region string, raw []byte) error {
	var record struct {
		MetricDataQueries []struct {
			ID         string `json:"Id"`
			MetricStat *struct {
				Metric struct {
					Namespace, MetricName string
					Dimensions            []struct{ Name, Value string }
				}
				Stat string
			}
		}
		MetricDataResults []struct {
			ID         string `json:"Id"`
			Timestamps []time.Time
			Values     []float64
		}
	}
	if err := json.Unmarshal(raw, &record); err != nil {
		return err
	}
	for _, q := range record.MetricDataQueries {
		if q.MetricStat == nil {
			continue
		}
		metric := kernel.Metric{Region: region, Namespace: q.MetricStat.Metric.Namespace, Name: q.MetricStat.Metric.MetricName, Dimensions: map[string]string{}}
		for _, d := range q.MetricStat.Metric.Dimensions {
			metric.Dimensions[d.Name] = d.Value
		}
		for _, r := range record.MetricDataResults {
			if r.ID != q.ID {
				continue
			}
			for i := range min(len(r.Timestamps), len(r.Values)) {
				l.world.Metrics.PutStatistic(metric, q.MetricStat.Stat, r.Timestamps[i], r.Values[i])
			}
			l.monitored(metric, len(r.Values))
		}
	}
	return nil
}

// monitored says that a distribution has additional metrics, where one of them has values.
func (l *loader) monitored(metric kernel.Metric, values int) {
	edge, ok := l.world.Service("cloudfront").(*cloudfront.Service)
	if ok && values > 0 && metric.Namespace == "AWS/CloudFront" && metric.Name == "503ErrorRate" {
		edge.SetMonitoring(metric.Dimensions["DistributionId"], true)
	}
}

func (l *loader) loadTrail(region string, raw []byte) error {
	// The CLI prints times as text, the API as numbers.
	var record struct {
		Events []struct {
			cloudtrail.Event
			EventTime time.Time
		}
	}
	if err := json.Unmarshal(raw, &record); err != nil {
		return err
	}
	trail, err := service[*cloudtrail.Service](l.world, "cloudtrail")
	if err != nil {
		return err
	}
	for _, e := range record.Events {
		entry := e.Event
		entry.EventTime.Time = e.EventTime
		trail.Put(region, entry)
	}
	return nil
}

func (l *loader) loadQuotas(region string, raw []byte) error {
	var record struct{ Quotas []quotas.Quota }
	if err := json.Unmarshal(raw, &record); err != nil {
		return err
	}
	limits, err := service[*quotas.Service](l.world, "servicequotas")
	if err != nil {
		return err
	}
	for _, q := range record.Quotas {
		limits.Put(region, q)
	}
	return nil
}

func (l *loader) loadBalancers(region string, raw []byte) error {
	balancers, err := service[*elb.Service](l.world, "elasticloadbalancing")
	if err != nil {
		return err
	}
	return balancers.Put(region, raw)
}

func (l *loader) loadClassic(region string, raw []byte) error {
	balancers, err := service[*elb.Service](l.world, "elasticloadbalancing")
	if err != nil {
		return err
	}
	return balancers.PutClassic(region, raw)
}

// foreign is what the loader needs of Lambda.
type foreign interface {
	AddForeign(region, name string, reserved *int, configurations ...json.RawMessage)
	SetLimit(region string, limit int)
}

var _ foreign = (*lambda.Service)(nil)

func (l *loader) loadLambda(region string, raw []byte) error {
	var record struct {
		Functions       []json.RawMessage
		Roles           map[string]*struct{ Role role }
		AccountSettings struct {
			AccountLimit struct{ ConcurrentExecutions int }
		}
	}
	if err := json.Unmarshal(raw, &record); err != nil {
		return err
	}
	functions, err := service[foreign](l.world, "lambda")
	if err != nil {
		return err
	}
	versions := map[string][]json.RawMessage{}
	for _, configuration := range record.Functions {
		var named struct{ FunctionName string }
		if err := json.Unmarshal(configuration, &named); err != nil {
			return err
		}
		whole, err := versioned(configuration)
		if err != nil {
			return err
		}
		versions[named.FunctionName] = append(versions[named.FunctionName], whole)
	}
	for name, configurations := range versions {
		functions.AddForeign(region, name, nil, configurations...)
	}
	if limit := record.AccountSettings.AccountLimit.ConcurrentExecutions; limit > 0 {
		functions.SetLimit(region, limit)
	}
	for arn, answer := range record.Roles {
		if answer != nil {
			l.world.Identity.AddRole(kernel.Role{Name: cmp.Or(answer.Role.RoleName, arn[strings.LastIndex(arn, "/")+1:]), ARN: arn, ID: answer.Role.RoleID, Trust: &kernel.Policy{Raw: answer.Role.AssumeRolePolicyDocument}})
		}
	}
	return nil
}

// versioned fills in the version where a configuration has it in its ARN only.
func versioned(configuration json.RawMessage) (json.RawMessage, error) {
	var members map[string]any
	if err := json.Unmarshal(configuration, &members); err != nil {
		return nil, err
	}
	arn, _ := members["FunctionArn"].(string)
	if parts := strings.Split(arn, ":"); members["Version"] == nil && len(parts) == 8 {
		members["Version"] = parts[7]
	}
	return json.Marshal(members)
}

// role is what get-role prints.
type role struct {
	RoleName                 string
	RoleID                   string `json:"RoleId"`
	AssumeRolePolicyDocument json.RawMessage
}

// loadAccessLogs puts the objects into the bucket that the distribution's configuration names, or, where it names none,
// into one that a delivery of CloudWatch Logs points to.
func (l *loader) loadAccessLogs() error {
	entries, err := fs.ReadDir(l.folder, "access-logs")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	files, err := service[*s3.Service](l.world, "s3")
	if err != nil {
		return err
	}
	bucket, prefix, err := l.logBucket()
	if err != nil {
		return err
	}
	files.AddBucket(s3.Bucket{Name: bucket})
	for _, entry := range entries {
		body, err := fs.ReadFile(l.folder, path.Join("access-logs", entry.Name()))
		if err != nil {
			return err
		}
		if _, err := files.Put(bucket, prefix+entry.Name(), body); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) logBucket() (bucket, prefix string, err error) {
	var config struct {
		Logging struct {
			Enabled        bool
			Bucket, Prefix string
		}
	}
	if err := json.Unmarshal(l.distribution.Distribution.DistributionConfig, &config); err != nil {
		return "", "", err
	}
	if bucket, _, named := strings.Cut(config.Logging.Bucket, ".s3"); named && bucket != "" {
		return bucket, config.Logging.Prefix, nil
	}
	return "access-logs-" + strings.ToLower(l.DistributionID), "AWSLogs/" + l.world.Account + "/CloudFront/", l.deliver()
}

// deliver makes the delivery of standard logs v2 that the objects came through.
func (l *loader) deliver() error {
	vended, err := service[*logs.Service](l.world, "logs")
	if err != nil {
		return err
	}
	arn := "arn:aws:logs:us-east-1:" + l.world.Account + ":delivery-destination:recorded"
	for kind, document := range map[string]any{
		logs.Sources: map[string]any{
			"name": "recorded", "arn": "arn:aws:logs:us-east-1:" + l.world.Account + ":delivery-source:recorded", "service": "cloudfront", "logType": "ACCESS_LOGS",
			"resourceArns": []string{"arn:aws:cloudfront::" + l.world.Account + ":distribution/" + l.DistributionID},
		},
		logs.Deliveries: map[string]any{
			"id": "recorded", "deliverySourceName": "recorded", "deliveryDestinationType": "S3", "deliveryDestinationArn": arn,
			"s3DeliveryConfiguration": map[string]any{"suffixPath": "", "enableHiveCompatiblePath": false},
		},
		logs.Destinations: map[string]any{
			"name": "recorded", "arn": arn, "deliveryDestinationType": "S3", "outputFormat": "w3c",
			"deliveryDestinationConfiguration": map[string]any{"destinationResourceArn": "arn:aws:s3:::access-logs-" + strings.ToLower(l.DistributionID)},
		},
	} {
		raw, err := json.Marshal(document)
		if err != nil {
			return err
		}
		if err := vended.PutDelivery("us-east-1", kind, raw); err != nil {
			return err
		}
	}
	return nil
}

// loadWAF puts the logs of each web ACL into a log group of its own, and makes the web ACL known where no state tells of it.
func (l *loader) loadWAF() error {
	raw, err := fs.ReadFile(l.folder, "wafv2/logs.jsonl")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	vended, err := service[*logs.Service](l.world, "logs")
	if err != nil {
		return err
	}
	groups := map[string]string{} // by web ACL
	for line := range strings.Lines(string(raw)) {
		var record struct {
			Timestamp int64
			WebACLID  string `json:"webaclId"`
		}
		if strings.TrimSpace(line) == "" || json.Unmarshal([]byte(line), &record) != nil {
			continue // a torn line is no record
		}
		parts := strings.Split(record.WebACLID, "/")
		if len(parts) != 4 || strings.Count(parts[0], ":") < 5 {
			continue
		}
		region, group := strings.Split(parts[0], ":")[3], "aws-waf-logs-"+parts[2]
		groups[record.WebACLID] = "arn:aws:logs:" + region + ":" + l.world.Account + ":log-group:" + group
		vended.Put(region, group, logs.Event{Stream: "recorded_0", At: time.UnixMilli(record.Timestamp).UTC(), Message: strings.TrimSpace(line)})
	}
	for arn, group := range groups {
		if err := l.putWebACL(arn, group); err != nil {
			return err
		}
	}
	return nil
}

// loadWebACLs puts the web ACLs of a Region over what they protect.
func (l *loader) loadWebACLs(_ string, raw []byte) error {
	var record struct{ Resources map[string]json.RawMessage }
	if err := json.Unmarshal(raw, &record); err != nil {
		return err
	}
	acls, err := service[*wafv2.Service](l.world, "wafv2")
	if err != nil {
		return err
	}
	for resource, document := range record.Resources {
		var acl struct{ ARN string }
		if err := json.Unmarshal(document, &acl); err != nil {
			return fmt.Errorf("%s: %w", resource, err)
		}
		if acl.ARN != "" {
			if err := acls.Put(document, nil); err != nil {
				return fmt.Errorf("%s: %w", resource, err)
			}
		}
		acls.Associate(resource, acl.ARN)
	}
	return nil
}

func (l *loader) putWebACL(arn, destination string) error {
	acls, ok := l.world.Service("wafv2").(*wafv2.Service)
	parts := strings.Split(arn, "/")
	if !ok || len(parts) != 4 {
		return nil
	}
	logging, err := json.Marshal(map[string]any{"ResourceArn": arn, "LogDestinationConfigs": []string{destination}})
	if err != nil || acls.SetLogging(arn, logging) {
		return err
	}
	document, err := json.Marshal(map[string]any{"Name": parts[2], "Id": parts[3], "ARN": arn, "DefaultAction": map[string]any{"Allow": map[string]any{}}, "Rules": []any{}})
	if err != nil {
		return err
	}
	return acls.Put(document, logging)
}

// injector is a bus that takes whole events.
type injector interface{ Inject(whole []byte) error }

// loadHealth puts the events on the bus as they were delivered, in the order of their times.
func (l *loader) loadHealth() error {
	entries, err := fs.ReadDir(l.folder, "health")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	type event struct {
		raw                []byte
		Time               string
		Source, DetailType string
		Resources          []string
		Detail             json.RawMessage
	}
	var events []event
	for _, entry := range entries {
		raw, err := fs.ReadFile(l.folder, path.Join("health", entry.Name()))
		if err != nil {
			return err
		}
		e := event{raw: raw}
		if err := json.Unmarshal(raw, &e); err != nil {
			return fmt.Errorf("%s: %w", entry.Name(), err)
		}
		events = append(events, e)
	}
	slices.SortStableFunc(events, func(a, b event) int { return strings.Compare(a.Time, b.Time) })
	for _, e := range events {
		if bus, ok := l.world.Bus.(injector); ok {
			if err := bus.Inject(e.raw); err != nil {
				return err
			}
		} else if l.world.Bus != nil {
			l.world.Bus.Emit(e.Source, "AWS Health Event", e.Resources, e.Detail)
		}
	}
	return nil
}
