// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package functions

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"cloudfront503/pkg/emulator/rehearsal"
)

const wikiToken = "Tr0ub4dor"

// wiki plays a Confluence site with one page, which refuses the first calls.
type wiki struct {
	*httptest.Server
	mu      sync.Mutex
	refuses int
	calls   []string
	page    map[string]any
}

func (w *wiki) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, r.Method)
	if _, token, _ := r.BasicAuth(); token != wikiToken || w.refuses > 0 {
		w.refuses--
		http.Error(out, "not now, "+token, http.StatusTooManyRequests)
		return
	}
	results := []any{}
	if r.Method == http.MethodGet {
		if w.page != nil {
			results = append(results, map[string]any{"id": "7", "title": w.page["title"], "version": map[string]any{"number": 1}})
		}
		_ = json.NewEncoder(out).Encode(map[string]any{"results": results})
		return
	}
	w.page = nil
	_ = json.NewDecoder(r.Body).Decode(&w.page) // what cannot be read is no page
	_, _ = out.Write([]byte(`{"id":"7"}`))
}

// startsWiki stages a scenario in a stack that sends its pages to a wiki.
func startsWiki(t *testing.T, scenario string, refuses int) (*rehearsal.Rehearsal, *wiki) {
	t.Helper()
	w := &wiki{refuses: refuses}
	w.Server = httptest.NewTLSServer(w)
	t.Cleanup(w.Close)
	trusted := t.TempDir()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.Certificate().Raw})
	if err := os.WriteFile(filepath.Join(trusted, "wiki.pem"), certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	r := start(t, scenario, func(o *rehearsal.Options) {
		o.Environment["SSL_CERT_DIR"] = trusted
		o.Parameters["WikiUrl"], o.Parameters["WikiSpace"], o.Parameters["WikiTokenParameter"] = w.URL, "42", "/cf503/wiki"
	})
	_, err := ssm.NewFromConfig(operator(r)).PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: aws.String("/cf503/wiki"), Type: ssmtypes.ParameterTypeSecureString, Value: aws.String("ann@example.com:" + wikiToken),
	})
	if err != nil {
		t.Fatal(err)
	}
	breaks(t, r)
	return r, w
}

// keepsToken fails where the wiki's token stands in what people see.
func keepsToken(t *testing.T, r *rehearsal.Rehearsal) {
	t.Helper()
	for place, text := range public(r) {
		if strings.Contains(text, wikiToken) {
			t.Errorf("the wiki's token stands in %s", place)
		}
	}
}

func TestThePageOfAChangeStandsInTheWiki(t *testing.T) {
	t.Parallel()
	r, w := startsWiki(t, "error-page-503", 0)
	untilAsked(t, r)
	approves(t, r, "alice")
	untilClosed(t, r, "changed")
	if !r.Has("published") || r.Has("unpublished") || !slices.Equal(w.calls, []string{"GET", "POST"}) {
		t.Errorf("published %v, calls %v", r.Has("published"), w.calls)
	}
	text, _ := json.Marshal(w.page)
	for _, want := range []string{`"title":"CloudFront incident ` + rehearsal.Distribution + `/000001 (`, `"spaceId":"42"`, "As code", "CustomErrorResponses"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the page has no %q: %s", want, text)
		}
	}
	if strings.Contains(string(text), rehearsal.Secret) {
		t.Error("the origin's secret stands in the wiki")
	}
	if !usesWiki(r) {
		t.Error("the permission to read the token was not used")
	}
	keepsToken(t, r)
}

// usesWiki reports whether the token was read by the statement that is there for it.
func usesWiki(r *rehearsal.Rehearsal) bool {
	for use := range used(r) {
		if strings.HasSuffix(use.statement, "#ReadTheWikisToken") && use.action == "ssm:GetParameter" {
			return true
		}
	}
	return false
}

func TestAPageThatDidNotArriveIsSentAgainAfterClosing(t *testing.T) {
	t.Parallel()
	r, w := startsWiki(t, "cloudfront-incident", 1)
	untilClosed(t, r, "told")
	until(t, r, 20*time.Minute, "the page stands in the wiki", func() bool { return r.Has("published") })
	if recorded(r, "unpublished") != 1 || !slices.Equal(w.calls, []string{"GET", "GET", "POST"}) {
		t.Errorf("%d in vain, calls %v", recorded(r, "unpublished"), w.calls)
	}
	keepsToken(t, r)
}

func TestAWikiThatRefusesKeepsNoIncidentOpen(t *testing.T) {
	t.Parallel()
	r, w := startsWiki(t, "cloudfront-incident", 1000)
	untilClosed(t, r, "told")
	pass(r, 2)
	if n := recorded(r, "unpublished"); n != 3 || len(w.calls) != 3 || r.Has("published") {
		t.Errorf("%d in vain, calls %v", n, w.calls)
	}
	mails := 0
	for _, mail := range r.OnCall() {
		if strings.Contains(mail, "into the wiki") {
			mails++
		}
	}
	if mails != 1 {
		t.Errorf("%d mails about the wiki", mails)
	}
	keepsToken(t, r)
}

func TestWithoutAWikiNobodyMayReadAToken(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503")
	for _, a := range granted(t, r) {
		if strings.Contains(a.action, "GetParameter") || strings.Contains(a.action, "secretsmanager") {
			t.Errorf("%s allows %s", a.statement, a.action)
		}
	}
}

func TestATokenInSecretsManagerMayBeReadAndNoOther(t *testing.T) {
	t.Parallel()
	r := start(t, "error-page-503", func(o *rehearsal.Options) {
		o.Parameters["WikiUrl"], o.Parameters["WikiSpace"] = "https://wiki.example.com", "42"
		o.Parameters["WikiTokenParameter"] = "/aws/reference/secretsmanager/shop/wiki"
	})
	var policies strings.Builder
	for _, role := range r.World.Identity.Roles() {
		for _, raw := range role.Policies {
			policies.Write(raw)
		}
	}
	for _, want := range []string{
		"arn:aws:secretsmanager:us-east-1:" + account + ":secret:shop/wiki-??????",
		"arn:aws:ssm:us-east-1:" + account + ":parameter/aws/reference/secretsmanager/shop/wiki",
	} {
		if strings.Count(policies.String(), want) != 1 {
			t.Errorf("%s stands in the policies %d times", want, strings.Count(policies.String(), want))
		}
	}
}
