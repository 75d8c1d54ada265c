// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package diagnosis

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"cloudfront503/pkg/distribution"
	"cloudfront503/pkg/incident"
)

// heaviest are the clues in the order of what they weigh here; those that are unknown by what they could weigh.
func heaviest(clues []clue, seen map[signID]sighting) []clue {
	sorted := slices.Clone(clues)
	slices.SortStableFunc(sorted, func(a, b clue) int {
		return cmp.Compare(b.heft(seen[b.sign]), a.heft(seen[a.sign]))
	})
	return sorted
}

func (c clue) heft(s sighting) float64 {
	if s.state == unknown {
		return max(math.Abs(c.present), math.Abs(c.absent))
	}
	return math.Abs(c.weight(s))
}

// once drops facts that were said already.
func once(facts []incident.Fact) []incident.Fact {
	out := facts[:0]
	for _, f := range facts {
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// sources of signs that were not seen, by a word in their name.
var missingSources = []struct{ word, source string }{
	{"edge says", "access-logs"}, {"edge answers", "access-logs"}, {"failing requests take", "access-logs"}, {"one client", "access-logs"},
	{"few edge", "access-logs"}, {"connections", "access-logs"}, {"answers are XML", "access-logs"},
	{"wrote", "probe"}, {"age", "probe"}, {"S3 says", "probe"}, {"page", "probe"}, {"own 503", "probe"},
	{"target group", "elbv2"}, {"rule", "elbv2"}, {"classic", "elb"}, {"Lambda@Edge cannot", "lambda/us-east-1"},
	{"WAF logs", "wafv2/logs"}, {"test", "cloudfront/functions"}, {"Health", "health"}, {"new", "baseline"},
}

func sourceFor(id signID) string {
	for _, m := range missingSources {
		if strings.Contains(string(id), m.word) {
			return m.source
		}
	}
	return "metrics"
}

func changeFact(c *incident.Call) string {
	return fmt.Sprintf("%s at %s by %s", c.Name, c.At.Format("15:04:05"), c.By)
}

func blamed(c *incident.Call) *incident.BlamedEvent {
	if c == nil {
		return nil
	}
	return &incident.BlamedEvent{EventID: c.ID, EventName: c.Name, At: c.At, By: c.By}
}

// settle gives the one or two cheapest things that would tell the leading candidates apart: a look before a setting.
func (v *view) settle(ranked []weighed, seen map[signID]sighting) []string {
	var commands []string
	for _, w := range ranked[:min(4, len(ranked))] {
		for _, clue := range heaviest(w.clues, seen) {
			s := signOf(clue.sign)
			if seen[clue.sign].state == unknown && s.next != "" && clue.present >= 2 {
				commands = append(commands, v.fill(s.next))
			}
		}
	}
	if v.status.code == 0 {
		commands = append(commands, v.fill(nextMetrics))
	}
	slices.SortStableFunc(commands, func(a, b string) int { return cmp.Compare(cost(a), cost(b)) })
	commands = slices.Compact(commands)
	return commands[:min(2, len(commands))]
}

// cost orders commands: one request first, reads next, what must be switched on and waited for last.
func cost(command string) int {
	switch {
	case strings.HasPrefix(command, "curl"):
		return 0
	case strings.Contains(command, "create-") || strings.Contains(command, "put-"):
		return 3
	case strings.Contains(command, "s3 ls"):
		return 1
	}
	return 2
}

// fill puts the distribution's names into a command.
func (v *view) fill(command string) string {
	if !strings.Contains(command, "%s") {
		return command
	}
	name := word(v.ev.Distribution, "ID")
	if strings.HasPrefix(command, "curl") {
		host := v.ev.Live.DomainName
		if aliases := v.config.Aliases(); len(aliases) > 0 {
			host = aliases[0]
		}
		name = word(host, "ALIAS")
	}
	return strings.Replace(command, "%s", name, 1)
}

// word is a name as it may stand in a command that somebody will paste into a shell; where it holds more than AWS allows in
// names, the placeholder.
func word(name, placeholder string) string {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:/+@"
	if name == "" || len(name) > 300 || strings.Trim(name, allowed) != "" || strings.HasPrefix(name, "-") {
		return placeholder
	}
	return name
}

// gaps are the sources that could not be read, and those that this configuration asks for and the record lacks.
func (v *view) gaps() []incident.Gap {
	out := slices.Clone(v.ev.Gaps)
	for _, wanted := range v.wanted() {
		named := slices.ContainsFunc(out, func(g incident.Gap) bool { return strings.HasPrefix(g.Source, wanted.Source) })
		if !v.readAny(wanted.Source) && !named {
			out = append(out, wanted)
		}
	}
	for i, g := range out {
		out[i].Next = cmp.Or(g.Next, v.nextFor(g.Source))
	}
	slices.SortStableFunc(out, func(a, b incident.Gap) int { return strings.Compare(a.Source, b.Source) })
	if out == nil {
		out = []incident.Gap{}
	}
	return out
}

// readers are the commands that read a source again, by the beginning of its name; %s is the Region, which ends the name.
var readers = []struct{ source, command string }{
	{"metrics/", "aws cloudwatch get-metric-data --region %s"},
	{"cloudtrail/", "aws cloudtrail lookup-events --region %s"},
	{"service-quotas/", "aws service-quotas list-service-quotas --region %s --service-code cloudfront"},
	{"elbv2/", "aws elbv2 describe-target-health --region %s --target-group-arn ARN"},
	{"elb/", "aws elb describe-instance-health --region %s --load-balancer-name NAME"},
	{"lambda/", "aws lambda get-function-configuration --region %s --function-name ARN"},
	{"health", "aws health describe-events --region us-east-1 --filter services=CLOUDFRONT,LAMBDA"},
	{"cloudfront/functions", "aws cloudfront describe-function --stage LIVE --name NAME"},
	{"wafv2", "aws wafv2 get-logging-configuration --resource-arn ARN"},
}

// nextFor is how to fill a gap whose own next step is not told; empty for what no command reads again.
func (v *view) nextFor(source string) string {
	switch {
	case strings.HasPrefix(source, "access-logs"):
		return v.fill(nextLogs)
	case strings.HasPrefix(source, "probe"):
		return v.fill(nextProbe)
	case source == "distribution":
		return "aws cloudfront get-distribution --id " + word(v.ev.Distribution, "ID")
	case source == "cloudfront/staging":
		return "aws cloudfront get-continuous-deployment-policy --id " + word(v.config.ContinuousDeploymentPolicyID(), "ID")
	}
	for _, r := range readers {
		if _, region, ok := strings.Cut(source, r.source); ok && strings.HasPrefix(source, r.source) {
			return strings.ReplaceAll(r.command, "%s", word(region, "REGION"))
		}
	}
	return ""
}

// wanted are the sources that would say something about a distribution of this configuration.
func (v *view) wanted() []incident.Gap {
	list := []incident.Gap{
		{Source: "metrics/us-east-1", Why: "not read", Next: "aws cloudwatch get-metric-data --region us-east-1"},
		{Source: "access-logs", Why: "no object for the window yet, or not read", Next: v.fill(nextLogs)},
		{Source: "cloudtrail/us-east-1", Why: "not read", Next: "aws cloudtrail lookup-events --region us-east-1"},
		{Source: "probe", Why: "no probe was made", Next: v.fill(nextProbe)},
	}
	if len(v.lambdas) > 0 {
		list = append(list, incident.Gap{Source: "lambda/us-east-1", Why: "not read", Next: "aws lambda get-function-configuration --region us-east-1 --function-name " + word(v.lambdas[0].arn, "ARN")})
	}
	if len(v.functions) > 0 {
		list = append(list, incident.Gap{Source: "cloudfront/functions", Why: "not read", Next: "aws cloudfront describe-function --stage LIVE --name " + word(v.functions[0].name, "NAME")})
	}
	if v.scope.hasOrigin(distribution.KindELB) && !v.readAny("elb/") {
		list = append(list, incident.Gap{Source: "elbv2/", Why: "not read", Next: "aws elbv2 describe-load-balancers"})
	}
	if v.config.ContinuousDeploymentPolicyID() != "" {
		list = append(list, incident.Gap{Source: "cloudfront/staging", Why: "not read",
			Next: "aws cloudfront get-continuous-deployment-policy --id " + word(v.config.ContinuousDeploymentPolicyID(), "ID")})
	}
	if v.config.WebACL() != "" {
		list = append(list, incident.Gap{Source: "wafv2/logs", Why: "not read", Next: "aws wafv2 get-logging-configuration --resource-arn " + word(v.config.WebACL(), "ARN")})
	}
	return list
}

// Remedies that several causes lead to.
var (
	putBack   = incident.RemedyHint{ID: incident.RemedyRestore, Runbook: "RestoreDistribution", Approval: true}
	edgeCode  = incident.RemedyHint{ID: incident.RemedyEdge, Runbook: "RestoreEdgeFunction", Approval: true}
	failOver  = incident.RemedyHint{ID: incident.RemedyFailover, Runbook: "FailOverOrigin", Approval: true}
	protect   = incident.RemedyHint{ID: incident.RemedyProtect, Runbook: "ProtectOrigin", Approval: true}
	goodCode  = incident.RemedyHint{ID: incident.RemedyCode, Runbook: "RestoreEdgeFunction", Approval: true}
	mendTrust = incident.RemedyHint{ID: incident.RemedyAccess, Runbook: "RestoreEdgeFunctionAccess", Approval: true}
	moreQuota = incident.RemedyHint{ID: incident.RemedyQuota, Runbook: "RequestQuotaIncrease", Approval: true}
)

// remedies are the remedies that a cause leads to, where they are possible: the plan says whether they are. Where there is
// no runbook people are told.
var remedies = map[incident.Cause]incident.RemedyHint{
	incident.ErrorPage503: putBack, incident.OriginMTLS: putBack,
	incident.LambdaEdgeTimeout: edgeCode, incident.LambdaEdgeError: edgeCode, incident.LambdaEdgePermission: mendTrust,
	incident.FunctionError: goodCode, incident.FunctionThrottled: goodCode,
	incident.S3Unavailable: failOver, incident.ALBNoTargets: failOver, incident.Target503: failOver, incident.Origin503: failOver,
	incident.S3SlowDown: protect, incident.Replayed503: protect,
	incident.LambdaEdgeConcurrency: moreQuota, incident.LambdaEdgeRate: moreQuota, incident.DistributionQuota: moreQuota,
	incident.FunctionResidualThrottle: {ID: "wait"},
	incident.CloudFrontIncident:       {ID: "wait"},
	incident.EdgeCapacity:             {ID: "wait"},
	incident.LambdaEdgeService:        {ID: "wait"},
	incident.Undetermined:             {ID: "settle"},
}

func remedyFor(cause incident.Cause) *incident.RemedyHint {
	hint, known := remedies[cause]
	if !known {
		hint = incident.RemedyHint{ID: "tell-owner"}
	}
	return &hint
}

// detail is what a remedy must know beyond the cause.
func (v *view) detail(cause incident.Cause) incident.Detail {
	var d incident.Detail
	if v.scope.known {
		for _, b := range v.scope.behaviors {
			d.Paths = append(d.Paths, b.PathPattern)
		}
	}
	switch cause {
	case incident.LambdaEdgeConcurrency, incident.LambdaEdgeRate:
		v.throttleDetail(&d)
	case incident.LambdaEdgeError, incident.LambdaEdgeTimeout, incident.LambdaEdgePermission, incident.LambdaEdgeService:
		d.FunctionARN = v.worstLambda().arn
	case incident.FunctionError, incident.FunctionThrottled, incident.FunctionResidualThrottle:
		d.FunctionARN = v.worstFunction()
	case incident.DistributionQuota:
		d.Quota = v.distributionQuota()
	case incident.ErrorPage503:
		v.errorPageDetail(&d)
	case incident.CloudFrontIncident:
		d.HealthARN = v.healthARN()
	case incident.OriginMTLS:
		for _, o := range v.scope.origins {
			if v.client[o.ID] != "" {
				d.OriginIDs = append(d.OriginIDs, o.ID)
			}
		}
	default:
		for _, o := range v.scope.origins {
			d.OriginIDs = append(d.OriginIDs, o.ID)
		}
	}
	return d
}

// worstLambda is the version that fails most: one that cannot be used, else that with the most errors or throttles.
func (v *view) worstLambda() lambdaView {
	return slices.MaxFunc(append([]lambdaView{{}}, v.lambdas...), func(a, b lambdaView) int {
		return cmp.Compare(a.harm(), b.harm())
	})
}

func (l lambdaView) harm() float64 {
	harm := l.errors.after + l.throttles.after
	if unusable(l).state == present {
		harm += 1e9
	}
	if l.arn != "" {
		harm++
	}
	return harm
}

// worstFunction is the ARN of the CloudFront Function that fails most.
func (v *view) worstFunction() string {
	best, worst := "", -1.0
	for _, arn := range v.scope.associations(functionOf) {
		for _, f := range v.functions {
			if harm := f.errors.after + f.throttles.after; strings.HasSuffix(arn, "/"+f.name) && harm > worst {
				best, worst = arn, harm
			}
		}
	}
	return best
}

// throttleDetail names the Regions that throttle, the worst first, and the quota of the worst.
func (v *view) throttleDetail(d *incident.Detail) {
	l := v.worstLambda()
	d.FunctionARN = l.arn
	for _, r := range l.regions {
		d.Regions = append(d.Regions, r.region)
	}
	if len(l.regions) == 0 || l.regions[0].limit == 0 {
		return
	}
	worst := l.regions[0]
	d.Quota = &incident.Quota{Service: "lambda", Name: concurrencyQuota, Region: worst.region, Value: worst.limit, Used: worst.concurrency}
	for _, q := range v.ev.Quotas {
		if q.Service == "lambda" && q.Name == concurrencyQuota && (q.Region == worst.region || d.Quota.Code == "") {
			d.Quota.Code = q.Code
		}
	}
}

func (v *view) distributionQuota() *incident.Quota {
	use, limit, what := v.quotaUse()
	q := &incident.Quota{Service: "cloudfront", Name: requestsQuota, Region: "us-east-1", Value: limit, Used: math.Round(use)}
	if what == "Gbit/s" {
		q.Name = bytesQuota
	}
	for _, known := range v.ev.Quotas {
		if known.Service == "cloudfront" && strings.EqualFold(known.Name, q.Name) {
			q.Code = known.Code
		}
	}
	return q
}

// errorPageDetail names the statuses that are turned and the pages that are shown.
func (v *view) errorPageDetail(d *incident.Detail) {
	d.Paths = nil
	for _, m := range mappings(v.config) {
		d.ErrorCodes = append(d.ErrorCodes, m.ErrorCode)
		if m.PagePath != "" {
			d.Paths = append(d.Paths, m.PagePath)
		}
	}
}

func (v *view) healthARN() string {
	for _, e := range v.ev.Health {
		if strings.EqualFold(e.Service, "CLOUDFRONT") && v.relevant(e) && !v.isAboutElse(e) {
			return e.ARN
		}
	}
	return ""
}
