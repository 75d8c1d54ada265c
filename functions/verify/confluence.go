// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cloudfront503/pkg/incident"
	"cloudfront503/pkg/lean/ssm"
	"cloudfront503/pkg/report"
	"cloudfront503/pkg/settings"
)

const (
	wikiWaits  = 10 * time.Second // for an answer
	mostAnswer = 1 << 20          // bytes of an answer that are read
)

// parameters is where the wiki's token is kept.
type parameters interface {
	GetParameter(ctx context.Context, in *ssm.GetParameterInput, options ...func(*ssm.Options)) (*ssm.GetParameterOutput, error)
}

// confluence is a space of a Confluence Cloud site [Atlassian, "The Confluence Cloud REST API v2"].
type confluence struct {
	site   settings.Wiki
	tokens parameters
	client *http.Client
}

// newConfluence follows no redirect: none of the calls has one in Confluence's documentation, and one would take the
// credentials elsewhere.
func newConfluence(site settings.Wiki, tokens parameters, transport http.RoundTripper) confluence {
	return confluence{site: site, tokens: tokens, client: &http.Client{
		Transport: transport, Timeout: wikiWaits,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// page is what is read and written of a page.
type page struct {
	ID       string   `json:"id,omitempty"`
	Status   string   `json:"status"`
	Title    string   `json:"title"`
	SpaceID  string   `json:"spaceId,omitempty"`
	ParentID string   `json:"parentId,omitempty"`
	Body     *content `json:"body,omitempty"`
	Version  *version `json:"version,omitempty"`
}

type content struct {
	Representation string `json:"representation"`
	Value          string `json:"value"`
}

type version struct {
	Number  int    `json:"number"`
	Message string `json:"message,omitempty"`
}

// publish fulfils wiki. A title is there once in a space, so that the same page is written again and no second one.
func (c confluence) publish(ctx context.Context, title string, markdown []byte) (string, error) {
	login, err := c.login(ctx)
	if err != nil {
		return "", err
	}
	found, err := c.find(ctx, login, title)
	if err != nil {
		return "", fmt.Errorf("find %q: %w", title, err)
	}
	next := page{Status: "current", Title: title, Body: &content{Representation: "storage", Value: report.Storage(markdown)}}
	method, path := http.MethodPost, "/wiki/api/v2/pages"
	if found == nil {
		next.SpaceID, next.ParentID = c.site.Space, c.site.Parent
	} else {
		method, path = http.MethodPut, path+"/"+url.PathEscape(found.ID)
		next.ID, next.Version = found.ID, &version{Number: found.Version.Number + 1, Message: "cloudfront503"}
	}
	var written page
	if err := c.ask(ctx, login, method, path, next, &written); err != nil {
		return "", fmt.Errorf("write %q: %w", title, err)
	}
	return c.site.URL + "/wiki/pages/viewpage.action?pageId=" + url.QueryEscape(written.ID), nil
}

// find is the page with the title; nil where there is none.
func (c confluence) find(ctx context.Context, login *url.Userinfo, title string) (*page, error) {
	query := url.Values{"space-id": {c.site.Space}, "title": {title}, "status": {"current"}, "limit": {"5"}}
	var answer struct{ Results []page }
	if err := c.ask(ctx, login, http.MethodGet, "/wiki/api/v2/pages?"+query.Encode(), nil, &answer); err != nil {
		return nil, err
	}
	for _, each := range answer.Results {
		if !strings.EqualFold(each.Title, title) {
			continue
		}
		if each.ID == "" || each.Version == nil {
			return nil, errors.New("the answer names neither id nor version")
		}
		return &each, nil
	}
	return nil, nil
}

// login reads who writes, and the token, when it is needed: it may have been changed since the last page.
func (c confluence) login(ctx context.Context) (*url.Userinfo, error) {
	out, err := c.tokens.GetParameter(ctx, &ssm.GetParameterInput{Name: &c.site.Token, WithDecryption: aws.Bool(true)})
	if err != nil {
		return nil, fmt.Errorf("parameter %s: %w", c.site.Token, err)
	}
	var value string
	if out.Parameter != nil {
		value = strings.TrimSpace(aws.ToString(out.Parameter.Value))
	}
	user, token, found := strings.Cut(value, ":")
	if !found || user == "" || token == "" {
		return nil, fmt.Errorf("parameter %s does not hold user:token", c.site.Token)
	}
	return url.UserPassword(user, token), nil
}

// ask makes one call. What an error says of the answer is bounded, and never has the token.
func (c confluence) ask(ctx context.Context, login *url.Userinfo, method, path string, in, into any) error {
	request, err := c.request(ctx, method, path, in)
	if err != nil {
		return err
	}
	token, _ := login.Password()
	request.SetBasicAuth(login.Username(), token)
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusCreated {
		said := strings.ReplaceAll(string(body[:min(len(body), 4<<10)]), token, "(masked)")
		return fmt.Errorf("answered %d: %s", response.StatusCode, incident.Line(incident.MaskText(said), 120))
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("the answer is not what Confluence documents: %w", err)
	}
	return nil
}

func (c confluence) request(ctx context.Context, method, path string, in any) (*http.Request, error) {
	if !strings.HasPrefix(c.site.URL, "https://") {
		return nil, fmt.Errorf("%s is not https", c.site.URL)
	}
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.site.URL+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", "application/json")
	return request, nil
}
