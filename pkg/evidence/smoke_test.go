// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"

	"cloudfront503/pkg/incident"
)

// asker answers a probe.
type asker func(*http.Request) (*http.Response, error)

func (a asker) Do(r *http.Request) (*http.Response, error) { return a(r) }

func TestASmokeAsksEachPathInTurnAndNotMoreThanItMay(t *testing.T) {
	var mu sync.Mutex
	asked, now, most := map[string]int{}, 0, 0
	prober := asker(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		asked[r.URL.String()]++
		now++
		most = max(most, now)
		mu.Unlock()
		defer func() { mu.Lock(); now--; mu.Unlock() }()
		if r.URL.Path == "/gone" {
			return nil, errors.New("refused")
		}
		return &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody}, nil
	})
	snapshot := incident.Snapshot{DomainName: "d111111abcdef8.cloudfront.net"}
	answers := Smoke(t.Context(), prober, snapshot, []string{"/", "feed.xml", "/gone"})
	if len(answers) != smokeRequests || most > smokeAtOnce {
		t.Errorf("%d answers, %d at once", len(answers), most)
	}
	for _, path := range []string{"/", "/feed.xml", "/gone"} {
		if n := asked["https://d111111abcdef8.cloudfront.net"+path]; n != smokeRequests/3 {
			t.Errorf("%s was asked for %d times", path, n)
		}
	}
	for _, answer := range answers {
		if strings.HasPrefix(answer.Path, "/gone") != (answer.Status == 0) {
			t.Errorf("%+v", answer)
		}
	}
	if none := Smoke(t.Context(), prober, incident.Snapshot{}, []string{"/"}); len(none) != 0 {
		t.Errorf("without a name: %v", none)
	}
}
