// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package rehearsal

import (
	"net/http"

	"cloudfront503/pkg/emulator/cloudfront"
)

// TakingBack are the parameters of a stack that takes a change back by itself, where more fails after it than before.
func TakingBack() map[string]string { return map[string]string{"TakeBack": "worse"} }

// Fail lets the origins answer 503 from now on, to the paths that are said. Before, all was as the scenario has it.
func (r *Rehearsal) Fail(paths func(path string) bool) {
	now := r.World.Clock.Now()
	r.CloudFront.AmendEdge(Distribution, func(until cloudfront.EdgeFunc) cloudfront.EdgeFunc {
		return func(cfg cloudfront.Deployed, request *http.Request) cloudfront.EdgeAnswer {
			if cfg.At.Before(now) || !paths(request.URL.Path) {
				return until(cfg, request)
			}
			return cloudfront.OriginAnswer(cfg, request, http.StatusServiceUnavailable, "text/html", "<h1>busy</h1>")
		}
	})
}
