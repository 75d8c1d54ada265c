// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"cloudfront503/pkg/lean/ssm"
	"cloudfront503/pkg/settings"
)

const wikiToken = "hunter2hunter2"

// kept is a Parameter Store with one parameter.
type kept struct{ value string }

func (k kept) GetParameter(_ context.Context, in *ssm.GetParameterInput, _ ...func(*ssm.Options)) (*ssm.GetParameterOutput, error) {
	if aws.ToString(in.Name) != "/cf503/wiki" || !aws.ToBool(in.WithDecryption) {
		return nil, errors.New("ParameterNotFound")
	}
	return &ssm.GetParameterOutput{Parameter: &ssm.Parameter{Value: &k.value}}, nil
}

// site plays Confluence: it holds pages by their titles and notes each call.
type site struct {
	t     *testing.T
	pages map[string]*page
	calls []string
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.calls = append(s.calls, r.Method+" "+r.URL.Path)
	if user, token, ok := r.BasicAuth(); !ok || user != "ann@example.com" || token != wikiToken {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.Method == http.MethodGet {
		s.find(w, r)
		return
	}
	var written page
	if err := json.NewDecoder(r.Body).Decode(&written); err != nil {
		s.t.Error(err)
	}
	before := s.pages[written.Title]
	switch {
	case r.Method == http.MethodPost && before == nil:
		written.ID, written.Version = fmt.Sprint(100+len(s.pages)), &version{Number: 1}
	case r.Method == http.MethodPut && before != nil && r.URL.Path == "/wiki/api/v2/pages/"+before.ID && written.ID == before.ID && written.Version.Number == before.Version.Number+1:
	default:
		http.Error(w, `{"errors":[{"status":409,"title":"A page with this title already exists"}]}`, http.StatusConflict)
		return
	}
	s.pages[written.Title] = &written
	_ = json.NewEncoder(w).Encode(written)
}

func (s *site) find(w http.ResponseWriter, r *http.Request) {
	answer := map[string][]page{"results": {}}
	if q := r.URL.Query(); q.Get("space-id") != "42" || r.URL.Path != "/wiki/api/v2/pages" {
		s.t.Errorf("asked for %s", r.URL)
	} else if found := s.pages[q.Get("title")]; found != nil {
		answer["results"] = append(answer["results"], page{ID: found.ID, Title: found.Title, Version: found.Version})
	}
	_ = json.NewEncoder(w).Encode(answer)
}

// serve starts a site over TLS, and a client of it.
func serve(t *testing.T, handler http.Handler, token string) confluence {
	t.Helper()
	server := httptest.NewTLSServer(handler)
	t.Cleanup(server.Close)
	wiki := settings.Wiki{URL: server.URL, Space: "42", Parent: "7", Token: "/cf503/wiki"}
	return newConfluence(wiki, kept{token}, server.Client().Transport)
}

func TestAPageIsMadeOnceAndThenReplaced(t *testing.T) {
	t.Parallel()
	confluence := &site{t: t, pages: map[string]*page{}}
	c := serve(t, confluence, "ann@example.com:"+wikiToken)
	for _, text := range []string{"# one\n", "# two & <three>\n"} {
		where, err := c.publish(t.Context(), "CloudFront incident E2EXAMPLE/000007 (prod)", []byte(text))
		if err != nil || where != c.site.URL+"/wiki/pages/viewpage.action?pageId=100" {
			t.Errorf("it stands at %q, %v", where, err)
		}
	}
	if diff := cmp.Diff([]string{"GET /wiki/api/v2/pages", "POST /wiki/api/v2/pages", "GET /wiki/api/v2/pages", "PUT /wiki/api/v2/pages/100"}, confluence.calls); diff != "" {
		t.Error(diff)
	}
	if len(confluence.pages) != 1 {
		t.Fatalf("%d pages", len(confluence.pages))
	}
	for _, got := range confluence.pages {
		want := &content{Representation: "storage", Value: "<h1>two &amp; &lt;three&gt;</h1>\n"}
		if diff := cmp.Diff(want, got.Body); diff != "" || got.Version.Number != 2 || got.Status != "current" {
			t.Errorf("%+v %s", got, diff)
		}
	}
}

func TestANewPageStandsInItsSpaceBelowItsParent(t *testing.T) {
	t.Parallel()
	confluence := &site{t: t, pages: map[string]*page{}}
	c := serve(t, confluence, "ann@example.com:"+wikiToken)
	if _, err := c.publish(t.Context(), "a", nil); err != nil {
		t.Fatal(err)
	}
	if got := confluence.pages["a"]; got.SpaceID != "42" || got.ParentID != "7" {
		t.Errorf("%+v", got)
	}
}

func TestWhatTheWikiMayAnswer(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("it went to %s with %v", r.URL, r.Header) }))
	t.Cleanup(elsewhere.Close)
	answers := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); _, _ = w.Write([]byte(body)) }
	}
	for _, tt := range []struct {
		name, token string
		handler     http.Handler
		want        string
	}{
		{"a wrong token", "ann@example.com:other", &site{t: t}, "answered 401"},
		{"too many requests", "a:" + wikiToken, answers(429, "slow down"), "answered 429: slow down"},
		{"an error that repeats the token", "a:" + wikiToken, answers(500, "bad token "+wikiToken), "answered 500: bad token (masked)"},
		{"a redirect to another host", "a:" + wikiToken, http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect), "answered 307"},
		{"a page for people", "a:" + wikiToken, answers(200, "<html>"), "not what Confluence documents"},
		{"a page without an id", "a:" + wikiToken, answers(200, `{"results":[{"title":"a"}]}`), "neither id nor version"},
		{"an answer without an end", "a:" + wikiToken, answers(200, `{"results":[`+strings.Repeat(" ", 2<<20)+`]}`), "not what Confluence documents"},
		{"a parameter without a user", wikiToken, answers(200, "{}"), "does not hold user:token"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := serve(t, tt.handler, tt.token).publish(t.Context(), "a", []byte("# a"))
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), wikiToken) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAWikiThatDoesNotAnswerIsWaitedForNoLongerThanItsTime(t *testing.T) {
	t.Parallel()
	let := make(chan struct{})
	c := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-let }), "ann@example.com:"+wikiToken)
	t.Cleanup(func() { close(let) })
	if c.client.Timeout != wikiWaits {
		t.Errorf("it waits for %s", c.client.Timeout)
	}
	c.client.Timeout = 20 * time.Millisecond
	if _, err := c.publish(t.Context(), "a", nil); err == nil || !strings.Contains(err.Error(), "Timeout") {
		t.Errorf("error %v", err)
	}
}

func TestATokenLeavesOnlyOverTLS(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("it was asked with %v", r.Header) }))
	t.Cleanup(plain.Close)
	c := newConfluence(settings.Wiki{URL: plain.URL, Space: "42", Token: "/cf503/wiki"}, kept{"a:" + wikiToken}, http.DefaultTransport)
	if _, err := c.publish(t.Context(), "a", nil); err == nil {
		t.Error("no error")
	}
}
