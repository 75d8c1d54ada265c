// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudfront

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"cloudfront503/pkg/emulator/kernel"
	"cloudfront503/pkg/emulator/wirexml"
)

// tenant is a distribution tenant.
type tenant struct {
	etag  string
	value map[string]any
}

// PutTenant makes a distribution tenant, or replaces it. document is the inner object that the AWS CLI prints for it, as
// {"Id": "dt_…", "DistributionId": …, "Name": …}.
func (s *Service) PutTenant(id string, document []byte) error {
	value, err := wirexml.JSON(document)
	members, ok := value.(map[string]any)
	if err != nil || !ok {
		return fmt.Errorf("tenant %s: no JSON object: %w", id, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	members["Id"], members["Arn"] = id, "arn:aws:cloudfront::"+s.world.Account+":distribution-tenant/"+id
	members["LastModifiedTime"] = stamp(s.world.Clock.Now())
	if members["CreatedTime"] == nil {
		members["CreatedTime"] = members["LastModifiedTime"]
	}
	s.tenants[id] = &tenant{etag: s.newID("E", "tenant", id), value: members}
	return nil
}

// DropTenant removes a distribution tenant.
func (s *Service) DropTenant(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tenants, id)
}

func (s *Service) getTenant(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tenants[q.vars["Identifier"]]
	if t == nil {
		return reply{}, kernel.Errorf(http.StatusNotFound, "EntityNotFound", "The entity was not found.")
	}
	return reply{header: map[string]string{"ETag": t.etag}, root: "DistributionTenant", value: t.value}, nil
}

// listTenants is a POST whose body says what is asked for and where to go on.
func (s *Service) listTenants(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	filter := q.body.Child("AssociationFilter")
	for name, child := range map[string]*wirexml.Node{"Marker": q.body.Child("Marker"), "MaxItems": q.body.Child("MaxItems")} {
		if child != nil {
			q.vars[name] = child.Text
		}
	}
	var found []string
	for _, id := range slices.Sorted(maps.Keys(s.tenants)) {
		if of := filter.Child("DistributionId"); of == nil || of.Text == text(s.tenants[id].value, "DistributionId") {
			found = append(found, id)
		}
	}
	listed, err := page(q, "ListDistributionTenantsResult", found, func(id string) any { return s.tenants[id].summary() })
	if err != nil {
		return reply{}, err
	}
	list := object(listed.value)
	value := map[string]any{"DistributionTenantList": list["Items"]}
	if next := list["NextMarker"]; next != nil {
		value["NextMarker"] = next
	}
	listed.value = value
	return listed, nil
}

// summary is what a list shows of a tenant: not its parameters, but its ETag.
func (t *tenant) summary() map[string]any {
	shown := maps.Clone(t.value)
	delete(shown, "Parameters")
	delete(shown, "Tags")
	shown["ETag"] = t.etag
	return shown
}

// PutKeyValueStore makes a key value store known; what is in it is another service's.
func (s *Service) PutKeyValueStore(name, id, comment string) (arn string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	arn = "arn:aws:cloudfront::" + s.world.Account + ":key-value-store/" + id
	s.stores[name] = map[string]any{
		"Name": name, "Id": id, "Comment": comment, "ARN": arn, "Status": "READY", "LastModifiedTime": stamp(s.world.Clock.Now()),
	}
	return arn
}

func (s *Service) listStores(q *request) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	listed, err := page(q, "KeyValueStoreList", slices.Sorted(maps.Keys(s.stores)), func(name string) any { return s.stores[name] })
	delete(object(listed.value), "Marker")
	delete(object(listed.value), "IsTruncated")
	return listed, err
}
