// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package evidence

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"cloudfront503/pkg/incident"
)

// Bounds of a smoke: enough requests to see a path that still fails, too few to be felt by an origin.
const (
	smokeRequests = 24
	smokeAtOnce   = 2
	smokeTime     = time.Minute // for all of it
)

// Smoked is the answer to one request: its status, 0 where none came.
type Smoked struct {
	Path   string
	Status int
}

// Smoke asks for paths under an alias of the distribution, in turn, two dozen times in all, two at once, within a minute.
// It gives as many answers as it has asked for; none where the distribution has no name to ask under.
func Smoke(ctx context.Context, prober Prober, s incident.Snapshot, paths []string) []Smoked {
	name := host(s)
	if name == "" || len(paths) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, smokeTime)
	defer cancel()
	answers := make([]Smoked, smokeRequests)
	var wait sync.WaitGroup
	for worker := range smokeAtOnce {
		wait.Go(func() {
			for i := worker; i < len(answers); i += smokeAtOnce {
				path := "/" + strings.TrimPrefix(paths[i%len(paths)], "/")
				answers[i] = Smoked{Path: path, Status: statusOf(ctx, prober, "https://"+name+path)}
			}
		})
	}
	wait.Wait()
	return answers
}

// statusOf is the status of a GET, 0 where no answer came.
func statusOf(ctx context.Context, prober Prober, url string) int {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0
	}
	request.Header.Set("User-Agent", "cloudfront503-probe")
	response, err := prober.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, probeBody)) // the status has come; of the body nothing is wanted
	return response.StatusCode
}
