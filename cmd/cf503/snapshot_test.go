// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	cftypes "github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	edge "cloudfront503/pkg/emulator/cloudfront"
	"cloudfront503/pkg/emulator/kernel"
	buckets "cloudfront503/pkg/emulator/s3"
	"cloudfront503/pkg/emulator/sts"
	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/snapshot"
)

const (
	bucket = "example-bucket"
	shop   = "E1SHOPEXAMPLE"
	secret = "hunter2-hunter2"
	ana    = "arn:aws:iam::111122223333:user/ana"
)

const shopConfig = `{"CallerReference": "shop-1", "Comment": "shop", "Enabled": true, "DefaultRootObject": "index.html",
  "Aliases": {"Quantity": 1, "Items": ["www.example.com"]},
  "Origins": {"Quantity": 1, "Items": [{"Id": "web", "DomainName": "origin.example.com", "OriginPath": "",
    "CustomHeaders": {"Quantity": 1, "Items": [{"HeaderName": "X-Origin", "HeaderValue": "` + secret + `"}]},
    "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}}]},
  "DefaultCacheBehavior": {"TargetOriginId": "web", "ViewerProtocolPolicy": "redirect-to-https"},
  "CustomErrorResponses": {"Quantity": 1, "Items": [{"ErrorCode": 404, "ResponsePagePath": "/404.html", "ResponseCode": "404", "ErrorCachingMinTTL": 60}]}}`

// stack stands for the deployed functions: it says which bucket is theirs, and answers a wish.
type stack struct {
	answer string // a JSON text
	failed bool
	asked  []byte
}

// Serve is part of kernel.Service.
func (s *stack) Serve(c *kernel.Call) {
	action := map[string]string{http.MethodGet: "lambda:GetFunctionConfiguration", http.MethodPost: "lambda:InvokeFunction"}[c.R.Method]
	if err := c.Begin(kernel.Access{Action: action}); err != nil {
		c.FailJSON(err)
		return
	}
	switch {
	case !strings.Contains(c.R.URL.Path, "/cloudfront503-respond/"):
		c.FailJSON(kernel.Errorf(http.StatusNotFound, "ResourceNotFoundException", "Function not found"))
	case c.R.Method == http.MethodGet:
		c.JSON(map[string]any{"Environment": map[string]any{"Variables": map[string]string{"CF503_BUCKET": bucket}}})
	default:
		s.asked = c.Body
		if s.failed {
			c.W.Header().Set("X-Amz-Function-Error", "Unhandled")
		}
		c.JSON([]byte(s.answer))
	}
}

// rig is an account with a stack, a distribution and what is kept of it, which the environment's credentials reach.
type rig struct {
	*testing.T
	world *kernel.World
	stack *stack
	event string // the change that made the live configuration
}

func newRig(t *testing.T) *rig {
	t.Helper()
	w := kernel.NewWorld("111122223333", home)
	r := &rig{T: t, world: w, stack: &stack{answer: "null"}}
	e, files := edge.New(w), buckets.New(w)
	sts.New(w)
	w.Register("lambda", r.stack)
	files.AddBucket(buckets.Bucket{Name: bucket, Versioning: "Enabled"})
	stop, err := w.Listen("127.0.0.1:0")
	r.ok(err)
	t.Cleanup(stop)
	r.ok(e.PutDistribution(shop, []byte(shopConfig), nil))
	w.Identity.AddUser(kernel.User{Name: "ana", ARN: ana, Policies: map[string]json.RawMessage{}})
	r.stock(e)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": w.Endpoint, "AWS_REGION": "eu-central-1", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_PROFILE": "", "AWS_SESSION_TOKEN": "", "CF503_BUCKET": "", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	r.may(`"s3:*","cloudfront:*","lambda:*"`)
	return r
}

// may lets ana, as whom the command runs, do only this.
func (r *rig) may(actions string) {
	r.Helper()
	r.world.Identity.AddUser(kernel.User{Name: "ana", ARN: ana, Policies: map[string]json.RawMessage{
		"all": json.RawMessage(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` + actions + `],"Resource":"*"}]}`),
	}})
	keys, err := r.world.Identity.UserCredentials(ana)
	r.ok(err)
	r.Setenv("AWS_ACCESS_KEY_ID", keys.AccessKeyID)
	r.Setenv("AWS_SECRET_ACCESS_KEY", keys.SecretAccessKey)
}

// stock keeps a baseline that is known good, one that a change made, and the snapshot of before an incident.
func (r *rig) stock(e *edge.Service) {
	r.Helper()
	endpoint, keys := aws.String(r.world.Endpoint), credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")
	store := snapshot.New(cloudfront.New(cloudfront.Options{Region: home, BaseEndpoint: endpoint, Credentials: keys}),
		s3.New(s3.Options{Region: home, BaseEndpoint: endpoint, Credentials: keys, UsePathStyle: true}), bucket, r.world.Clock.Now)
	live := func() incident.Snapshot {
		taken, err := store.Live(r.Context(), shop)
		r.ok(err)
		return taken
	}
	first, err := store.Record(r.Context(), live(), nil)
	r.ok(err)
	r.ok(store.MarkKnownGood(r.Context(), first))
	r.world.Clock.Advance(time.Hour)
	_, err = e.Change(shop, kernel.Principal{ARN: "arn:aws:iam::111122223333:user/bob"}, r.world.Clock.Now(), func(c map[string]any) {
		c["DefaultRootObject"] = "night.html"
		origin := c["Origins"].(map[string]any)["Items"].([]any)[0].(map[string]any)
		origin["CustomHeaders"].(map[string]any)["Items"].([]any)[0].(map[string]any)["HeaderValue"] = secret + "2"
	})
	r.ok(err)
	after := live()
	r.event = "c0ffee00-0000-4000-8000-000000000001"
	_, err = store.Record(r.Context(), after, &incident.Change{EventID: r.event, Name: "UpdateDistribution", By: "arn:aws:iam::111122223333:user/bob", ETag: after.ETag})
	r.ok(err)
	_, err = store.Save(r.Context(), "incidents/"+shop+"/000001/snapshot", after)
	r.ok(err)
}

func (r *rig) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// run is a snapshot command as a person types it.
func (r *rig) run(arguments ...string) (out, said string, status int) {
	r.Helper()
	return r.cf503(append([]string{"snapshot"}, arguments...)...)
}

// cf503 is the command as a person types it: what it prints, what it says beside that, and its exit status.
func (r *rig) cf503(arguments ...string) (out, said string, status int) {
	r.Helper()
	var printed, beside bytes.Buffer
	root := command()
	root.SetOut(&printed)
	root.SetErr(&beside)
	root.SetArgs(arguments)
	err := root.ExecuteContext(r.Context())
	if err != nil {
		beside.WriteString(err.Error())
		status = exitCode(err)
	}
	if strings.Contains(printed.String(), "\x1b") {
		r.Error("colours in a pipe")
	}
	return printed.String(), beside.String(), status
}

func TestTheListSaysWhatIsKnownGoodAndWhoMadeWhat(t *testing.T) {
	r := newRig(t)
	out, said, status := r.run("list", shop)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if status != 0 || said != "" || len(lines) != 4 {
		t.Fatalf("status %d, %s\n%s", status, said, out)
	}
	for i, parts := range [][]string{
		{"SNAPSHOT", "TIME", "ETAG", "HASH", "KNOWN GOOD", "MADE BY"},
		{"000001 ", " - ", "UpdateDistribution by user/bob (event " + r.event + "); taken before incident 000001"},
		{"Z-", " - ", "UpdateDistribution by user/bob"},
		{"Z-", " yes "},
	} {
		for _, part := range parts {
			if !strings.Contains(lines[i], part) {
				t.Errorf("line %d lacks %q: %s", i, part, lines[i])
			}
		}
	}
	var listed []snapshot.Listed
	out, _, status = r.run("list", shop, "--output", "json", "--limit", "1")
	if err := json.Unmarshal([]byte(out), &listed); err != nil || status != 0 || len(listed) != 3 || strings.Contains(out, secret) {
		t.Errorf("%v, status %d:\n%s", err, status, out)
	}
}

func TestSecretsAreShownOnDemandAlone(t *testing.T) {
	r := newRig(t)
	for name, c := range map[string]struct {
		arguments []string
		shows     bool
	}{
		"a summary":              {[]string{"show", shop, "known-good"}, false},
		"a summary that reveals": {[]string{"show", shop, "known-good", "--reveal"}, true},
		"JSON":                   {[]string{"show", shop, "known-good", "-o", "json"}, false},
		"JSON that reveals":      {[]string{"show", shop, "known-good", "-o", "json", "--reveal"}, true},
		"a comparison":           {[]string{"diff", shop, "known-good"}, false},
		"a comparison as JSON":   {[]string{"diff", shop, "known-good", "-o", "json"}, false},
	} {
		out, said, status := r.run(c.arguments...)
		if status != 0 || strings.Contains(out, secret) != c.shows || strings.Contains(said, secret) {
			t.Errorf("%s: status %d, %s\n%s", name, status, said, out)
		}
		if c.arguments[0] == "show" && strings.Contains(said, "--reveal shows them") == c.shows {
			t.Errorf("%s: it says %q", name, said)
		}
	}
}

func TestTheSummarySaysWhereRequestsGo(t *testing.T) {
	r := newRig(t)
	out, _, _ := r.run("show", shop, "000001")
	for _, part := range []string{"www.example.com", "night.html", "web: origin.example.com", "X-Origin: (masked)", "* -> web", "404 -> 404 /404.html, kept for 60 s", "s3://" + bucket + "/incidents/"} {
		if !strings.Contains(out, part) {
			t.Errorf("it lacks %q:\n%s", part, out)
		}
	}
}

// What is revealed is what CloudFront takes, whole; what is masked no tool can take for a configuration.
func TestOnlyWhatIsRevealedCanBeWrittenBack(t *testing.T) {
	r := newRig(t)
	whole, _, _ := r.run("show", shop, "known-good", "-o", "json", "--reveal")
	var config cftypes.DistributionConfig
	if err := json.Unmarshal([]byte(whole), &config); err != nil || aws.ToString(config.Origins.Items[0].CustomHeaders.Items[0].HeaderValue) != secret {
		t.Errorf("%v:\n%s", err, whole)
	}
	masked, _, _ := r.run("show", shop, "known-good", "-o", "json")
	if err := json.Unmarshal([]byte(masked), &config); err == nil {
		t.Error("the masked configuration can be written back")
	}
}

func TestADiffIsFieldByFieldAndLiveIsTheDefault(t *testing.T) {
	r := newRig(t)
	var changes []incident.Shown
	out, _, status := r.run("diff", shop, "known-good", "-o", "json")
	r.ok(json.Unmarshal([]byte(out), &changes))
	want := []incident.Shown{
		{Path: "DefaultRootObject", From: `"index.html"`, To: `"night.html"`},
		{Path: "Origins/Items/[Id=web]/CustomHeaders/Items/[HeaderName=X-Origin]/HeaderValue", From: "(masked)", To: "(masked)"},
	}
	if diff := cmp.Diff(want, changes); diff != "" || status != 0 {
		t.Errorf("status %d\n%s", status, diff)
	}
	if out, _, status := r.run("diff", shop, "000001", r.event); status != 0 || out != "Nothing differs.\n" {
		t.Errorf("status %d, %s", status, out)
	}
	if _, said, status := r.run("diff", shop, "live", "known-good", "--exit-code"); status != statusDiffers || said != "2 fields differ" {
		t.Errorf("status %d, %s", status, said)
	}
}

func TestARestoreAsksTheStackAndWritesNothing(t *testing.T) {
	r := newRig(t)
	r.stack.answer = `{"incident":{"distribution":"E1SHOPEXAMPLE","id":"000002"},"does":"put 1 field back","changes":[{"path":"DefaultRootObject","from":"\"a\"","to":"\"b\""}],
		"left":["A person asks for this."],"approvers":["ben","cem"],"required":1,"until":"2026-11-24T05:00:00Z","runbook":"11111111-2222"}`
	out, said, status := r.run("restore", shop, "known-good", "--only", "DefaultRootObject", "--only", "Comment")
	if status != 0 || said != "" {
		t.Fatalf("status %d, %s", status, said)
	}
	for _, part := range []string{"Asked: put 1 field back.", "DefaultRootObject\n  - \"a\"\n  + \"b\"\n", "Mind: A person", "E1SHOPEXAMPLE/000002", "1 of ben, cem, until 2026-11-24 05:00:00Z", "Nothing is written yet."} {
		if !strings.Contains(out, part) {
			t.Errorf("it lacks %q:\n%s", part, out)
		}
	}
	var asked struct {
		Cloudfront503, Distribution, Snapshot, Version, By string
		Only                                               []string
		At                                                 time.Time
	}
	r.ok(json.Unmarshal(r.stack.asked, &asked))
	if asked.Cloudfront503 != "restore" || asked.Distribution != shop || asked.Snapshot != "snapshots/"+shop+"/known-good.json" || asked.Version == "" ||
		asked.By != ana || strings.Join(asked.Only, ",") != "DefaultRootObject,Comment" || r.world.Clock.Now().Sub(asked.At).Abs() > 5*time.Second {
		t.Errorf("it asks %s", r.stack.asked)
	}
}

func TestWhatTheStackAnswersDecidesTheStatus(t *testing.T) {
	r := newRig(t)
	for name, c := range map[string]struct {
		answer string
		failed bool
		status int
		want   string
	}{
		"a refusal":         {`{"refused":"The stop switch is on."}`, false, statusRefused, "refused: The stop switch is on."},
		"a failure":         {`{"errorMessage":"no lease","errorType":"x"}`, true, 1, "cloudfront503-respond failed: no lease"},
		"an older stack":    {`null`, false, 1, "gives no answer"},
		"something strange": {`"yes"`, false, 1, "not understood"},
	} {
		r.stack.answer, r.stack.failed = c.answer, c.failed
		if out, said, status := r.run("restore", shop, "known-good"); status != c.status || !strings.Contains(said, c.want) || out != "" {
			t.Errorf("%s: status %d, %s\n%s", name, status, said, out)
		}
	}
	r.stack.answer, r.stack.failed = `{"refused":"No."}`, false
	if out, _, status := r.run("restore", shop, "known-good", "-o", "json"); status != statusRefused || !json.Valid([]byte(out)) {
		t.Errorf("status %d: %s", status, out)
	}
}

func TestErrorsSayWhatHelps(t *testing.T) {
	r := newRig(t)
	for name, c := range map[string]struct {
		may       string
		arguments []string
		status    int
		want      string
	}{
		"no distribution's id":     {`"*"`, []string{"list", "shop"}, statusUsage, `"shop" is no distribution's id`},
		"an output that is none":   {`"*"`, []string{"list", shop, "-o", "yaml"}, statusUsage, "text or json"},
		"an argument too few":      {`"*"`, []string{"show", shop}, statusUsage, "usage: cf503 snapshot show DISTRIBUTION SNAPSHOT"},
		"a flag that is none":      {`"*"`, []string{"list", shop, "--all"}, statusUsage, "unknown flag: --all"},
		"a limit of none":          {`"*"`, []string{"list", shop, "--limit", "0"}, statusUsage, "at least 1"},
		"no such snapshot":         {`"*"`, []string{"show", shop, "000009"}, statusUsage, "`cf503 snapshot list` shows what there is"},
		"no such bucket":           {`"*"`, []string{"list", shop, "--bucket", "other"}, 1, "there is no bucket other: give the stack's with --bucket"},
		"no such stack":            {`"*"`, []string{"list", shop, "--stack", "other"}, 1, "there is no function other-respond in us-east-1: give the stack's name with --stack"},
		"no such distribution":     {`"*"`, []string{"diff", "E9OTHEREXAMPLE", "live"}, 1, "there is no such distribution"},
		"no leave to list":         {`"lambda:*","s3:GetObject"`, []string{"list", shop}, 1, "s3:ListBucket"},
		"no leave to read":         {`"lambda:*","s3:ListBucket"`, []string{"show", shop, "known-good"}, 1, "s3:GetObject"},
		"no leave to ask":          {`"lambda:GetFunctionConfiguration","s3:*"`, []string{"restore", shop, "known-good"}, 1, "lambda:InvokeFunction"},
		"no leave to know the way": {`"s3:*"`, []string{"list", shop}, 1, "lambda:GetFunctionConfiguration"},
	} {
		r.may(c.may)
		out, said, status := r.run(c.arguments...)
		if status != c.status || !strings.Contains(said, c.want) || strings.Contains(said, "\n") || out != "" {
			t.Errorf("%s: status %d, %s\n%s", name, status, said, out)
		}
	}
	r.may(`"s3:*"`)
	t.Setenv("CF503_BUCKET", bucket)
	if _, said, status := r.run("list", shop); status != 0 {
		t.Errorf("with the bucket in the environment: status %d, %s", status, said)
	}
}

func TestAnEmptyListIsNoError(t *testing.T) {
	r := newRig(t)
	if out, _, status := r.run("list", "E9OTHEREXAMPLE"); status != 0 || !strings.Contains(out, "No configuration of E9OTHEREXAMPLE is kept") {
		t.Errorf("status %d: %s", status, out)
	}
	if out, _, status := r.run("list", "E9OTHEREXAMPLE", "-o", "json"); status != 0 || strings.TrimSpace(out) != "[]" {
		t.Errorf("status %d: %s", status, out)
	}
}
