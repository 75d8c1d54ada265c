// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"cloudfront503/pkg/emulator/cloudfront"
	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/logs"
	"cloudfront503/pkg/emulator/rehearsal"
	"cloudfront503/pkg/emulator/s3"
)

// unused are the permissions that these scenarios do not use, and why the stack has them all the same. The key is a
// pattern for "policy#statement action".
var unused = map[string]string{
	"*#Log logs:*":                           "Lambda writes the logs; the emulator keeps them without a call",
	"*#Administration kms:*":                 "for the account's administrators",
	"resource:*#0 sts:AssumeRole":            "Lambda takes up a function's role; the emulator hands it over without a call",
	"*-approver-1/sign#Sign *":               "as the second approver's, who signs without a reply in a play",
	"resource:*#Approver1Signs sts:*":        "as the second approver's, who signs without a reply in a play",
	"* ssm:DescribeAutomationStepExecutions": "only where GetAutomationExecution does not show all steps",
	"*-baseline/baseline#Find *":             "without it a missing key reads as 403",
}

// alongside are the actions that AWS asks about within a call of another.
var alongside = map[string]string{
	"sts:SetSourceIdentity": "sts:AssumeRole", "iam:PassRole": "ssm:StartAutomationExecution", "ssm:AddTagsToResource": "ssm:StartAutomationExecution",
	"cloudfront:AllowVendedLogDeliveryForResource": "logs:PutDeliverySource",
	"wafv2:GetWebACL": "wafv2:GetWebACLForResource",
}

// allowed is one action that a statement allows.
type allowed struct{ statement, action string }

// statements are all actions that the Allow statements of a policy name.
func statements(t *testing.T, name string, raw []byte) []allowed {
	t.Helper()
	var policy struct {
		Statement []struct {
			Sid, Effect string
			Action      any
		}
	}
	if err := json.Unmarshal(raw, &policy); err != nil {
		t.Fatalf("policy %s: %v", name, err)
	}
	var all []allowed
	for i, s := range policy.Statement {
		if s.Effect != "Allow" {
			continue
		}
		actions, several := s.Action.([]any)
		if !several {
			actions = []any{s.Action}
		}
		if s.Sid == "" {
			s.Sid = fmt.Sprint(i)
		}
		for _, action := range actions {
			all = append(all, allowed{name + "#" + s.Sid, fmt.Sprint(action)})
		}
	}
	return all
}

// granted are all permissions that the stack gives: its roles', its keys'.
func granted(t *testing.T, r *rehearsal.Rehearsal) []allowed {
	t.Helper()
	var all []allowed
	for _, role := range r.World.Identity.Roles() {
		if !strings.HasPrefix(role.Name, rehearsal.StackName) {
			continue
		}
		for name, raw := range role.Policies {
			all = append(all, statements(t, role.Name+"/"+name, raw)...)
		}
		all = append(all, statements(t, "resource:"+role.ARN, role.Trust.Raw)...)
	}
	for _, logical := range []string{"TicketKey", "TopicKey"} {
		arn, policy, err := r.KMS.KeyPolicy(r.Stack.Resources[logical].Attributes["Arn"])
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range statements(t, "resource:"+arn, policy.Raw) {
			a.statement = strings.Replace(a.statement, "resource:"+arn, logical, 1) // its id is another in every account
			all = append(all, a)
		}
	}
	return all
}

// used are the permissions by which calls were allowed.
func used(r *rehearsal.Rehearsal) map[allowed]bool {
	all := map[allowed]bool{}
	for _, line := range r.World.Journal.Lines() {
		for _, grant := range line.Grants {
			for _, logical := range []string{"TicketKey", "TopicKey"} {
				grant = strings.Replace(grant, "resource:"+r.Stack.Resources[logical].Attributes["Arn"], logical, 1)
			}
			all[allowed{grant, line.Action}] = true
		}
	}
	return all
}

// denials are the calls of the stack's roles that IAM has refused.
func denials(r *rehearsal.Rehearsal) []string {
	var all []string
	for _, line := range r.World.Journal.Lines() {
		ours := strings.Contains(line.Principal, ":assumed-role/"+rehearsal.StackName)
		if ours && (strings.Contains(line.Outcome, "Denied") || line.Outcome == "AuthorizationError") {
			all = append(all, fmt.Sprintf("%s %s %v: %s", line.Principal, line.Action, line.Resources, line.Outcome))
		}
	}
	return all
}

// plays are what the permissions are for.
var plays = map[string]func(*testing.T, *rehearsal.Rehearsal){
	"error-page-503 approved": func(t *testing.T, r *rehearsal.Rehearsal) {
		untilAsked(t, r)
		reply(t, r, "bob", "approve forged")
		approves(t, r, "alice")
		untilClosed(t, r, "changed")
	},
	"lambda-edge-concurrency approved": func(t *testing.T, r *rehearsal.Rehearsal) {
		untilAsked(t, r)
		if err := signsSelf(t, r, "bob", "Approve"); err != nil {
			t.Error(err)
		}
		untilClosed(t, r, "requested")
	},
	"function-error approved": func(t *testing.T, r *rehearsal.Rehearsal) {
		untilAsked(t, r)
		approves(t, r, "alice")
		untilClosed(t, r, "changed")
	},
	"lambda-edge-permission approved": func(t *testing.T, r *rehearsal.Rehearsal) {
		untilAsked(t, r)
		approves(t, r, "alice")
		untilClosed(t, r, "changed")
	},
	"undetermined undone": func(t *testing.T, r *rehearsal.Rehearsal) {
		untilAsked(t, r)
		approves(t, r, "alice")
		until(t, r, 30*time.Minute, "it is switched on", func() bool { return r.Has("deployed") })
		undoes(t, r, "alice")
		untilClosed(t, r, "undone")
	},
	"cloudfront-incident told": func(t *testing.T, r *rehearsal.Rehearsal) { untilClosed(t, r, "told") },
	"error-page-503 rejected": func(t *testing.T, r *rehearsal.Rehearsal) {
		untilAsked(t, r)
		_, ticket := r.Tickets("alice")
		reply(t, r, "alice", "reject "+ticket+" not now")
		untilClosed(t, r, "rejected")
	},
	"error-page-503 approved by text": func(t *testing.T, r *rehearsal.Rehearsal) {
		untilAsked(t, r)
		approve, _ := r.Codes(rehearsal.AlicePhone)
		for _, body := range []string{"AAA-AAA-AAA", approve} {
			if err := r.Text(rehearsal.AlicePhone, body); err != nil {
				t.Error(err)
			}
		}
		untilClosed(t, r, "changed")
	},
	"error-page-503 rejected in chat": func(t *testing.T, r *rehearsal.Rehearsal) {
		untilAsked(t, r)
		if err := chats(t, r, topics+"-chat", "reject "+rehearsal.Distribution+"/000001 no"); err != nil {
			t.Error(err)
		}
		untilClosed(t, r, "rejected")
	},
	"error-page-503 silent": func(t *testing.T, r *rehearsal.Rehearsal) {
		untilAsked(t, r)
		untilClosed(t, r, "silent")
	},
	"error-page-503 undone": func(t *testing.T, r *rehearsal.Rehearsal) {
		untilAsked(t, r)
		approves(t, r, "alice")
		until(t, r, 30*time.Minute, "the change is on all edges", func() bool { return r.Has("deployed") })
		r.Lambda.KillAt(rehearsal.StackName+"-approve", "ssm:StartAutomationExecution", "", true)
		undoes(t, r, "alice")
		untilClosed(t, r, "undone")
	},
	"error-page-503 taken back": func(t *testing.T, r *rehearsal.Rehearsal) {
		untilAsked(t, r)
		approves(t, r, "alice")
		until(t, r, 30*time.Minute, "the change is on all edges", func() bool { return r.Has("deployed") })
		r.Fail(anyPath)
		untilClosed(t, r, "undone")
	},
	"error-page-503 killed once":  killed,
	"error-page-503 killed often": killed,
	"error-page-503 furnished": func(t *testing.T, r *rehearsal.Rehearsal) {
		until(t, r, 20*time.Minute, "people are told", func() bool { return r.Has("told") })
		until(t, r, 20*time.Minute, "it is looked at again", func() bool { return r.Has("second-look") })
	},
	"error-page-503 withdrawn": func(t *testing.T, r *rehearsal.Rehearsal) {
		broken := r.World.Clock.Now()
		untilAsked(t, r)
		deliver(t, r, broken.Add(5*time.Minute), "CapacityExceeded")
		until(t, r, 20*time.Minute, "the plan is withdrawn", func() bool { return r.Has("withdrawn") })
	},
	"error-page-503 unparsable": func(t *testing.T, r *rehearsal.Rehearsal) {
		for _, function := range []string{respond, verify, approve, rehearsal.StackName + "-baseline"} {
			deliverGarbage(t, r, function)
		}
		r.World.Clock.Advance(10 * time.Minute)
	},
}

// kills is how often respond is killed in a play: once after it has started the runbook, often before. Lambda's own
// retries do not outlast three leases, so that the sweep must hand over.
var kills = map[string]int{"error-page-503 killed once": 1, "error-page-503 killed often": 3}

func killed(t *testing.T, r *rehearsal.Rehearsal) {
	t.Helper()
	until(t, r, time.Hour, "people are asked", func() bool { return r.Has("asked") })
}

// deliverGarbage invokes a function with what it cannot parse, as somebody of the account may do.
func deliverGarbage(t *testing.T, r *rehearsal.Rehearsal, function string) {
	t.Helper()
	source := map[string]string{respond: "AlarmRule", verify: "SweepRule", rehearsal.StackName + "-baseline": "HourlyRule"}[function]
	service, arn := "events.amazonaws.com", r.Stack.Resources[source].Attributes["Arn"]
	if source == "" {
		service, arn = "sns.amazonaws.com", topics+"-reply-1"
	}
	if err := r.World.Lambda.InvokeAsync(functionARN(function), []byte(`{"Records":[{"EventSource":"aws:sns","Sns":7}]}`), service, arn); err != nil {
		t.Fatal(err)
	}
}

// furnish gives the distribution what the scenarios do without: load balancers, a CloudFront Function, a staging policy.
func furnish(r *rehearsal.Rehearsal) error {
	const arn = "arn:aws:elasticloadbalancing:eu-west-1:" + account + ":"
	return errors.Join(
		r.ELB.Put("eu-west-1", []byte(`{
			"LoadBalancers": [{"LoadBalancerArn": "`+arn+`loadbalancer/app/web/01", "LoadBalancerName": "web", "DNSName": "web-1.eu-west-1.elb.amazonaws.com", "Type": "application", "State": {"Code": "active"}}],
			"Listeners": [{"ListenerArn": "`+arn+`listener/app/web/01/aa", "LoadBalancerArn": "`+arn+`loadbalancer/app/web/01", "Port": 443}],
			"Rules": [{"RuleArn": "`+arn+`listener-rule/app/web/01/aa/bb", "Priority": "default", "IsDefault": true, "Actions": [{"Type": "forward", "TargetGroupArn": "`+arn+`targetgroup/web/cc"}]}],
			"TargetGroups": [{"TargetGroupArn": "`+arn+`targetgroup/web/cc", "TargetGroupName": "web", "LoadBalancerArns": ["`+arn+`loadbalancer/app/web/01"]}],
			"TargetHealth": {"`+arn+`targetgroup/web/cc": {"TargetHealthDescriptions": [{"Target": {"Id": "i-1", "Port": 80}, "TargetHealth": {"State": "healthy"}}]}}}`)),
		r.ELB.PutClassic("eu-west-1", []byte(`{
			"LoadBalancerDescriptions": [{"LoadBalancerName": "old", "DNSName": "old-1.eu-west-1.elb.amazonaws.com", "Instances": [{"InstanceId": "i-1"}]}],
			"InstanceStates": {"old": [{"InstanceId": "i-1", "State": "InService"}]}}`)),
		r.CloudFront.PutFunction("rewrite", "", []byte(`{"Comment": "", "Runtime": "cloudfront-js-2.0",
			"KeyValueStoreAssociations": {"Quantity": 1, "Items": [{"KeyValueStoreARN": "`+r.CloudFront.PutKeyValueStore("flags", "0a", "")+`"}]}}`), []byte("function handler(e) { return e.request; }")),
		r.CloudFront.PutResource(cloudfront.ContinuousDeploymentPolicy, policyID, "", []byte(`{"Id": "`+policyID+`", "ContinuousDeploymentPolicyConfig": {
			"StagingDistributionDnsNames": {"Quantity": 1, "Items": ["d111111abcdef8.cloudfront.net"]}, "Enabled": false}}`)),
		r.CloudFront.PutResource(cloudfront.VpcOrigin, vpcOriginID, "", []byte(`{"Id": "`+vpcOriginID+`", "Status": "Deployed", "VpcOriginEndpointConfig": {
			"Name": "inner", "Arn": "`+arn+`loadbalancer/app/web/01", "HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}}`)),
		r.CloudFront.PutTenant("dt_0a", []byte(`{"DistributionId": "`+rehearsal.Distribution+`", "Name": "shop"}`)),
		furnishLogs(r), furnishPointed(r), furnishStaging(r),
	)
}

// furnishLogs makes logs of every kind, in places whose names the stack's parameters hold. CloudTrail denies with an
// encoded message.
func furnishLogs(r *rehearsal.Rehearsal) error {
	r.KeyValues.Put("arn:aws:cloudfront::"+account+":key-value-store/0a", map[string]string{"flag": "on"})
	r.S3.AddBucket(s3.Bucket{Name: "cdn-logs", Region: "eu-west-1"})
	r.S3.AddBucket(s3.Bucket{Name: "media", Region: "eu-west-1"})
	now := r.World.Clock.Now().UTC()
	var err error
	for _, hour := range []time.Time{now, now.Add(time.Hour)} { // it breaks an hour later, and logs of long before are not read
		_, problem := r.S3.Put("cdn-logs", "cf/"+rehearsal.Distribution+"."+hour.Format("2006-01-02-15")+".0a1b2c3d.gz", []byte("#Version: 1.0\n"))
		err = errors.Join(err, problem)
	}
	r.Logs.Put("us-east-1", "aws-waf-logs-cdn", logs.Event{At: now, Message: `{"timestamp":1,"action":"BLOCK"}`})
	r.World.Faults.Add(kernel.Fault{Action: "cloudtrail:LookupEvents", Error: kernel.Errorf(http.StatusForbidden, "UnauthorizedOperation",
		"You are not authorized to perform this operation. Encoded authorization failure message: %s",
		r.STS.Encode(`{"allowed":false,"explicitDeny":true,"context":{"action":"cloudtrail:LookupEvents"}}`))})
	r.WAF.Associate("arn:aws:elasticloadbalancing:eu-west-1:"+account+":loadbalancer/app/web/01", originACL)
	err = errors.Join(err, r.WAF.Put([]byte(`{"Name": "gate", "Id": "0b", "ARN": "`+originACL+`"}`), nil))
	return errors.Join(err, r.WAF.Put([]byte(`{"Name": "shield", "Id": "0a", "ARN": "`+webACL+`"}`),
		[]byte(`{"ResourceArn": "`+webACL+`", "LogDestinationConfigs": ["arn:aws:logs:us-east-1:`+account+`:log-group:aws-waf-logs-cdn"]}`)))
}

// furnishStaging makes the distribution that the continuous deployment policy names.
func furnishStaging(r *rehearsal.Rehearsal) error {
	var config map[string]any
	if err := json.Unmarshal(r.Scenario.Config(), &config); err != nil {
		return err
	}
	config["Staging"], config["CallerReference"], config["ContinuousDeploymentPolicyId"] = true, "staging", ""
	config["Aliases"] = map[string]any{"Quantity": 0}
	text, err := json.Marshal(config)
	return errors.Join(err, r.CloudFront.PutDistributionAs("E2STAGINGEXAMPLE", "", "d111111abcdef8.cloudfront.net", text, nil))
}

const (
	vpcOriginID = "vo_0a1b2c3d4e5f6a7b8c9d0e"
	originACL   = "arn:aws:wafv2:eu-west-1:" + account + ":regional/webacl/gate/0b"
	webACL      = "arn:aws:wafv2:us-east-1:" + account + ":global/webacl/shield/0a"
)

// pointedIDs are further things that a furnished configuration points to.
var pointedIDs = map[cloudfront.Kind]string{
	cloudfront.OriginRequestPolicy: "0a1b2c3d-0000-4000-8000-00000000aaaa", cloudfront.ResponseHeadersPolicy: "0a1b2c3d-0000-4000-8000-00000000bbbb",
	cloudfront.OriginAccessControl: "E1ACCESSEXAMPLE", cloudfront.KeyGroup: "0a1b2c3d-0000-4000-8000-00000000cccc",
}

// furnishPointed makes them.
func furnishPointed(r *rehearsal.Rehearsal) error {
	var problems []error
	for kind, id := range pointedIDs {
		problems = append(problems, r.CloudFront.PutResource(kind, id, "", []byte(`{"Id": "`+id+`"}`)))
	}
	return errors.Join(problems...)
}

const policyID = "0a1b2c3d-0000-4000-8000-000000000503"

// furnished points the scenario's distribution to what furnish makes.
func furnished(o *rehearsal.Options) {
	o.Parameters = map[string]string{"LogBuckets": "cdn-logs"}
	plain, prepare := o.Scenario.Config, o.Scenario.Prepare
	o.Scenario.Config = func() []byte {
		var config map[string]any
		_ = json.Unmarshal(plain(), &config) // the scenario's own
		origins := config["Origins"].(map[string]any)
		for _, name := range []string{"web", "old"} {
			origin := maps.Clone(origins["Items"].([]any)[0].(map[string]any))
			origin["Id"], origin["DomainName"] = "balancer-"+name, name+"-1.eu-west-1.elb.amazonaws.com"
			origins["Items"] = append(origins["Items"].([]any), origin)
		}
		for name, domain := range map[string]string{"media": "media.s3.amazonaws.com", "inner": "inner.example.internal"} {
			origin := maps.Clone(origins["Items"].([]any)[0].(map[string]any))
			origin["Id"], origin["DomainName"] = name, domain
			if name == "media" {
				origin["OriginAccessControlId"] = pointedIDs[cloudfront.OriginAccessControl]
			}
			if name == "inner" {
				delete(origin, "CustomOriginConfig")
				origin["VpcOriginConfig"] = map[string]any{"VpcOriginId": vpcOriginID}
			}
			origins["Items"] = append(origins["Items"].([]any), origin)
		}
		origins["Quantity"] = len(origins["Items"].([]any))
		config["WebACLId"] = webACL
		config["Logging"] = map[string]any{"Enabled": true, "IncludeCookies": false, "Bucket": "cdn-logs.s3.amazonaws.com", "Prefix": "cf/"}
		config["ContinuousDeploymentPolicyId"], config["ConnectionMode"] = policyID, "tenant-only"
		behavior := config["DefaultCacheBehavior"].(map[string]any)
		behavior["OriginRequestPolicyId"] = pointedIDs[cloudfront.OriginRequestPolicy]
		behavior["ResponseHeadersPolicyId"] = pointedIDs[cloudfront.ResponseHeadersPolicy]
		behavior["TrustedKeyGroups"] = map[string]any{"Enabled": true, "Quantity": 1, "Items": []any{pointedIDs[cloudfront.KeyGroup]}}
		config["DefaultCacheBehavior"].(map[string]any)["FunctionAssociations"] = map[string]any{"Quantity": 1, "Items": []any{map[string]any{
			"FunctionARN": "arn:aws:cloudfront::" + account + ":function/rewrite", "EventType": "viewer-request",
		}}}
		text, _ := json.Marshal(config) // strings, numbers and maps
		return text
	}
	o.Scenario.Prepare = func(r *rehearsal.Rehearsal) {
		if err := furnish(r); err != nil {
			r.World.Strict("furnish: %v", err)
		}
		if prepare != nil {
			prepare(r)
		}
	}
}

// play plays what the permissions are for, in an account of its own.
func play(t *testing.T, name string) *rehearsal.Rehearsal {
	t.Helper()
	scenario, _, _ := strings.Cut(name, " ")
	var overrides []func(*rehearsal.Options)
	for ending, override := range map[string]func(*rehearsal.Options){"furnished": furnished, "withdrawn": logged, "in chat": chatting, "by text": texting, "taken back": takesBack("worse")} {
		if strings.HasSuffix(name, ending) {
			overrides = append(overrides, override)
		}
	}
	r := start(t, scenario, overrides...)
	for range kills[name] {
		r.Lambda.KillAt(respond, "ssm:StartAutomationExecution", "", kills[name] == 1)
	}
	breaks(t, r)
	plays[name](t, r)
	return r
}

func TestEveryPermissionIsUsedAndNoneIsMissing(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	all, seen := map[allowed]bool{}, map[allowed]bool{} // of every play: what a parameter adds, too
	t.Run("plays", func(t *testing.T) {
		for name := range plays {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := play(t, name)
				for _, denial := range denials(r) {
					t.Errorf("denied: %s", denial)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, a := range granted(t, r) {
					all[a] = true
				}
				maps.Copy(seen, used(r))
			})
		}
	})
	excused := map[string]bool{}
	for a := range all {
		if !uses(seen, a) && !excuses(a, excused) {
			t.Errorf("never used: %s %s", a.statement, a.action)
		}
	}
	for pattern := range unused {
		if !excused[pattern] {
			t.Errorf("%q excuses nothing any more", pattern)
		}
	}
}

// uses tells whether a permission was used.
func uses(seen map[allowed]bool, a allowed) bool {
	for use := range seen {
		if use.statement == a.statement && (kernel.Glob(a.action, use.action) || alongside[a.action] == use.action) {
			return true
		}
	}
	return false
}

// excuses tells whether the table says why a permission was not used.
func excuses(a allowed, excused map[string]bool) bool {
	for pattern := range unused {
		if kernel.Glob(pattern, a.statement+" "+a.action) {
			excused[pattern] = true
			return true
		}
	}
	return false
}
