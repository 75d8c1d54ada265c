// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudfront

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/wirexml"
)

// find is the distribution of a request. The lock is held.
func (s *Service) find(id string) (*distribution, error) {
	d := s.distributions[id]
	if d == nil {
		return nil, kernel.Errorf(http.StatusNotFound, "NoSuchDistribution", "The specified distribution does not exist.")
	}
	return d, nil
}

func (s *Service) getDistribution(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.find(q.vars["Id"])
	if err != nil {
		return reply{}, err
	}
	return s.distributionReply(d, http.StatusOK), nil
}

// distributionReply is a Distribution with its ETag. The lock is held.
func (s *Service) distributionReply(d *distribution, status int) reply {
	v := d.live()
	none := map[string]any{"Enabled": false, "Quantity": 0}
	value := map[string]any{
		"Id": d.id, "ARN": d.arn(s.world.Account), "Status": d.status(s.world.Clock.Now()), "DomainName": d.domain,
		"LastModifiedTime": stamp(v.accepted), "InProgressInvalidationBatches": d.pending(s.world.Clock.Now()),
		"ActiveTrustedSigners": none, "ActiveTrustedKeyGroups": none,
		"DistributionConfig": wirexml.Raw(inner(v.raw)),
	}
	return reply{status: status, header: map[string]string{"ETag": v.etag}, root: "Distribution", value: value}
}

// inner is what stands between an element's tags.
func inner(element []byte) []byte {
	text := string(element)
	from, to := strings.Index(text, ">")+1, strings.LastIndex(text, "</")
	if from > to {
		return nil
	}
	return element[from:to]
}

func (s *Service) getDistributionConfig(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.find(q.vars["Id"])
	if err != nil {
		return reply{}, err
	}
	return reply{header: map[string]string{"ETag": d.live().etag}, raw: d.live().raw}, nil
}

// precondition checks If-Match as CloudFront does: none or garbage is a 400, another one a 412.
func precondition(q *request, etag string) error {
	given := q.call.R.Header.Get("If-Match")
	switch {
	case !plausible(given):
		return kernel.Errorf(http.StatusBadRequest, "InvalidIfMatchVersion", "The If-Match version is missing or not valid for the resource.")
	case given != etag:
		return kernel.Errorf(http.StatusPreconditionFailed, "PreconditionFailed", "The request failed because it didn't meet the preconditions in one or more request-header fields.")
	}
	return nil
}

func plausible(etag string) bool {
	if len(etag) < 2 || len(etag) > 128 {
		return false
	}
	return strings.Trim(etag, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

func (s *Service) updateDistribution(q *request) (reply, error) {
	s.mu.Lock()
	d, err := s.find(q.vars["Id"])
	if err != nil {
		s.mu.Unlock()
		return reply{}, err
	}
	v, err := s.updated(q, d)
	if err != nil {
		s.mu.Unlock()
		return reply{}, err
	}
	d.add(v)
	answer := s.distributionReply(d, http.StatusOK)
	s.mu.Unlock()
	s.announce(d, v)
	return answer, nil
}

// updated is the version that a request asks for, checked. The lock is held.
func (s *Service) updated(q *request, d *distribution) (version, error) {
	if q.body == nil {
		return version{}, kernel.Errorf(http.StatusBadRequest, "MissingBody", "This operation requires a body. Ensure that the body is present and the Content-Type header is set.")
	}
	if err := precondition(q, d.live().etag); err != nil {
		return version{}, err
	}
	if err := s.check(q.body, d); err != nil {
		return version{}, err
	}
	return s.accept(q.call.Body, d.id)
}

// accept makes a version of a checked configuration. The lock is held.
func (s *Service) accept(document []byte, id string) (version, error) {
	raw, config, err := readXML(document)
	if err != nil {
		return version{}, kernel.Errorf(http.StatusBadRequest, "MalformedXML", "%v", err)
	}
	now := s.world.Clock.Now()
	return version{etag: s.newID("E", id), accepted: now, deployed: now.Add(s.propagation), raw: raw, config: config}, nil
}

func (s *Service) createDistribution(q *request) (reply, error) {
	if q.body == nil {
		return reply{}, kernel.Errorf(http.StatusBadRequest, "MissingBody", "This operation requires a body.")
	}
	config, tags := q.body, map[string]string{}
	document := q.call.Body
	if q.body.Name == "DistributionConfigWithTags" {
		config = q.body.Child("DistributionConfig")
		tags = tagsOf(q.body.Child("Tags"))
		if config == nil {
			return reply{}, kernel.Errorf(http.StatusBadRequest, "MalformedXML", "DistributionConfig is missing")
		}
		document = shape.Document("DistributionConfig", namespace, shape.Value(config))
	}
	s.mu.Lock()
	id := s.newID("E", "distribution")
	d := &distribution{id: id, domain: "d" + strings.ToLower(digest(13, id)) + ".cloudfront.net", tags: tags, edge: Healthy}
	if err := s.check(config, d); err != nil {
		s.mu.Unlock()
		return reply{}, err
	}
	v, err := s.accept(document, id)
	if err != nil {
		s.mu.Unlock()
		return reply{}, err
	}
	d.add(v)
	s.distributions[id] = d
	answer := s.distributionReply(d, http.StatusCreated)
	answer.header["Location"] = "https://cloudfront.amazonaws.com/2020-05-31/distribution/" + id
	s.mu.Unlock()
	s.announce(d, v)
	return answer, nil
}

// promoteStaging overwrites the primary's configuration with the staging distribution's, except its aliases and its policy.
func (s *Service) promoteStaging(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	primary, err := s.find(q.vars["Id"])
	if err != nil {
		return reply{}, err
	}
	staging, err := s.find(q.vars["StagingDistributionId"])
	if err != nil {
		return reply{}, err
	}
	want := primary.live().etag + "," + staging.live().etag
	if strings.ReplaceAll(q.call.R.Header.Get("If-Match"), " ", "") != want {
		return reply{}, kernel.Errorf(http.StatusPreconditionFailed, "PreconditionFailed", "The request failed because it didn't meet the preconditions in one or more request-header fields.")
	}
	config := clone(staging.live().config)
	for _, kept := range []string{"Aliases", "ContinuousDeploymentPolicyId", "CallerReference", "Staging"} {
		config[kept] = primary.live().config[kept]
	}
	v, err := s.edited(primary, config, s.world.Clock.Now())
	if err != nil {
		return reply{}, err
	}
	primary.add(v)
	return s.distributionReply(primary, http.StatusOK), nil
}

// summaryMembers are the members of a configuration that a DistributionSummary shows.
var summaryMembers = []string{
	"Aliases", "Origins", "OriginGroups", "DefaultCacheBehavior", "CacheBehaviors", "CustomErrorResponses", "Comment", "PriceClass",
	"Enabled", "ViewerCertificate", "Restrictions", "WebACLId", "HttpVersion", "IsIPV6Enabled", "Staging", "ConnectionMode", "AnycastIpListId",
}

func (s *Service) summary(d *distribution) any {
	v := d.live()
	summary := map[string]any{
		"Id": d.id, "ARN": d.arn(s.world.Account), "ETag": v.etag, "Status": d.status(s.world.Clock.Now()),
		"LastModifiedTime": stamp(v.accepted), "DomainName": d.domain,
	}
	for _, member := range summaryMembers {
		if value, ok := v.config[member]; ok {
			summary[member] = value
		}
	}
	return summary
}

func (s *Service) listDistributions(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return page(q, "DistributionList", slices.Sorted(maps.Keys(s.distributions)), func(id string) any { return s.summary(s.distributions[id]) })
}

// listBy is ListDistributionsBy…: those whose configuration holds a value in a member of that name.
func listBy(member string, summaries bool) func(*Service, *request) (reply, error) {
	return func(s *Service, q *request) (reply, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		var ids []string
		for _, id := range slices.Sorted(maps.Keys(s.distributions)) {
			if holds(s.distributions[id].live().config, member, q.vars["Value"]) {
				ids = append(ids, id)
			}
		}
		if summaries {
			return page(q, "DistributionList", ids, func(id string) any { return s.summary(s.distributions[id]) })
		}
		return page(q, "DistributionIdList", ids, func(id string) any { return id })
	}
}

func holds(value any, member, want string) bool {
	switch v := value.(type) {
	case map[string]any:
		for name, inside := range v {
			if name == member && (wirexml.Text(inside) == want || slices.Contains(items(inside), any(want))) {
				return true
			}
			if holds(inside, member, want) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(entry any) bool { return holds(entry, member, want) })
	}
	return false
}

// page is one page of a list after Marker; keys are sorted.
func page(q *request, root string, keys []string, entry func(key string) any) (reply, error) {
	limit := 100
	if given := q.vars["MaxItems"]; given != "" {
		n, err := strconv.Atoi(given)
		if err != nil || n < 1 {
			return reply{}, kernel.Errorf(http.StatusBadRequest, "InvalidArgument", "MaxItems is %q", given)
		}
		limit = min(n, limit)
	}
	from, found := slices.BinarySearch(keys, q.vars["Marker"])
	if found {
		from++
	}
	keys = keys[from:]
	list := map[string]any{"Marker": q.vars["Marker"], "MaxItems": limit, "IsTruncated": len(keys) > limit}
	if len(keys) > limit {
		keys = keys[:limit]
		list["NextMarker"] = keys[limit-1]
	}
	entries := make([]any, 0, len(keys))
	for _, key := range keys {
		entries = append(entries, entry(key))
	}
	list["Quantity"], list["Items"] = len(entries), entries
	return reply{root: root, value: list}, nil
}

func (s *Service) tagged(arn string) (*distribution, error) {
	for _, d := range s.distributions {
		if d.arn(s.world.Account) == arn {
			return d, nil
		}
	}
	return nil, kernel.Errorf(http.StatusNotFound, "NoSuchResource", "A resource that was specified is not valid.")
}

func (s *Service) listTags(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.tagged(q.vars["Resource"])
	if err != nil {
		return reply{}, err
	}
	tags := []any{}
	for _, key := range slices.Sorted(maps.Keys(d.tags)) {
		tags = append(tags, map[string]any{"Key": key, "Value": d.tags[key]})
	}
	return reply{root: "Tags", value: map[string]any{"Items": tags}}, nil
}

func (s *Service) tagResource(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.tagged(q.vars["Resource"])
	if err != nil {
		return reply{}, err
	}
	if d.tags == nil {
		d.tags = map[string]string{}
	}
	maps.Copy(d.tags, tagsOf(q.body))
	return reply{status: http.StatusNoContent}, nil
}

func (s *Service) untagResource(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.tagged(q.vars["Resource"])
	if err != nil {
		return reply{}, err
	}
	for _, key := range items(shape.Value(orEmpty(q.body))) {
		delete(d.tags, wirexml.Text(key))
	}
	return reply{status: http.StatusNoContent}, nil
}

func orEmpty(node *wirexml.Node) *wirexml.Node {
	if node == nil {
		return &wirexml.Node{}
	}
	return node
}

func tagsOf(node *wirexml.Node) map[string]string {
	tags := map[string]string{}
	for _, entry := range items(shape.Value(orEmpty(node))) {
		tags[text(object(entry), "Key")] = text(object(entry), "Value")
	}
	return tags
}

func (d *distribution) pending(now time.Time) int {
	n := 0
	for _, i := range d.invalidations {
		if i.completed.After(now) {
			n++
		}
	}
	return n
}

func (s *Service) createInvalidation(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.find(q.vars["DistributionId"])
	if err != nil {
		return reply{}, err
	}
	if q.body == nil {
		return reply{}, kernel.Errorf(http.StatusBadRequest, "MissingBody", "This operation requires a body.")
	}
	now := s.world.Clock.Now()
	i := invalidation{id: s.newID("I", d.id), at: now, batch: shape.Value(q.body), completed: now.Add(time.Minute)}
	d.invalidations = append(d.invalidations, i)
	d.minutes = map[int64]*minute{}
	answer := i.reply(now, http.StatusCreated)
	answer.header = map[string]string{"Location": "https://cloudfront.amazonaws.com/2020-05-31/distribution/" + d.id + "/invalidation/" + i.id}
	return answer, nil
}

func (i invalidation) reply(now time.Time, status int) reply {
	value := map[string]any{"Id": i.id, "Status": i.status(now), "CreateTime": stamp(i.at), "InvalidationBatch": i.batch}
	return reply{status: status, root: "Invalidation", value: value}
}

func (i invalidation) status(now time.Time) string {
	if i.completed.After(now) {
		return "InProgress"
	}
	return "Completed"
}

func (s *Service) getInvalidation(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.find(q.vars["DistributionId"])
	if err != nil {
		return reply{}, err
	}
	for _, i := range d.invalidations {
		if i.id == q.vars["Id"] {
			return i.reply(s.world.Clock.Now(), http.StatusOK), nil
		}
	}
	return reply{}, kernel.Errorf(http.StatusNotFound, "NoSuchInvalidation", "The specified invalidation does not exist.")
}

func (s *Service) listInvalidations(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.find(q.vars["DistributionId"])
	if err != nil {
		return reply{}, err
	}
	byID := map[string]any{}
	for _, i := range d.invalidations {
		byID[i.id] = map[string]any{"Id": i.id, "Status": i.status(s.world.Clock.Now()), "CreateTime": stamp(i.at)}
	}
	return page(q, "InvalidationList", slices.Sorted(maps.Keys(byID)), func(id string) any { return byID[id] })
}

func (s *Service) getMonitoring(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.find(q.vars["DistributionId"])
	if err != nil {
		return reply{}, err
	}
	if !d.monitoring {
		return reply{}, kernel.Errorf(http.StatusNotFound, "NoSuchMonitoringSubscription", "A monitoring subscription does not exist for the specified distribution.")
	}
	return monitoringReply(), nil
}

func monitoringReply() reply {
	status := map[string]any{"RealtimeMetricsSubscriptionStatus": "Enabled"}
	return reply{root: "MonitoringSubscription", value: map[string]any{"RealtimeMetricsSubscriptionConfig": status}}
}

func (s *Service) createMonitoring(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.find(q.vars["DistributionId"])
	if err != nil {
		return reply{}, err
	}
	if d.monitoring {
		return reply{}, kernel.Errorf(http.StatusConflict, "MonitoringSubscriptionAlreadyExists", "A monitoring subscription already exists for the specified distribution.")
	}
	d.monitoring = true
	return monitoringReply(), nil
}

func (s *Service) deleteMonitoring(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.find(q.vars["DistributionId"])
	if err != nil {
		return reply{}, err
	}
	if !d.monitoring {
		return reply{}, kernel.Errorf(http.StatusNotFound, "NoSuchMonitoringSubscription", "A monitoring subscription does not exist for the specified distribution.")
	}
	d.monitoring = false
	return reply{}, nil
}
