// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package cloudfront

import (
	"net/http"
	"net/url"
	"strings"
)

// paging are the parameters of every list.
var paging = []string{"Marker", "MaxItems"}

// operations are what is known here; methods and paths are those of the API model. What IAM is asked about is that of the
// Service Authorization Reference: monitoring subscriptions and lists have no resource.
var operations = concat([]operation{
	{"GetDistribution", http.MethodGet, "distribution/{Id}", "", nil, "distribution/{Id}", false, (*Service).getDistribution},
	{"GetDistributionConfig", http.MethodGet, "distribution/{Id}/config", "", nil, "distribution/{Id}", false, (*Service).getDistributionConfig},
	{"UpdateDistribution", http.MethodPut, "distribution/{Id}/config", "", nil, "distribution/{Id}", true, (*Service).updateDistribution},
	{"UpdateDistributionWithStagingConfig", http.MethodPut, "distribution/{Id}/promote-staging-config", "", []string{"StagingDistributionId"}, "distribution/{Id}", true, (*Service).promoteStaging},
	{"CreateDistribution", http.MethodPost, "distribution", "", nil, "distribution/*", true, (*Service).createDistribution},
	{"CreateDistributionWithTags", http.MethodPost, "distribution", "WithTags", nil, "distribution/*", true, (*Service).createDistribution},
	{"ListDistributions", http.MethodGet, "distribution", "", paging, "", false, (*Service).listDistributions},
	{"ListTagsForResource", http.MethodGet, "tagging", "", []string{"Resource"}, "{Resource}", false, (*Service).listTags},
	{"TagResource", http.MethodPost, "tagging", "Operation=Tag", []string{"Resource"}, "{Resource}", true, (*Service).tagResource},
	{"UntagResource", http.MethodPost, "tagging", "Operation=Untag", []string{"Resource"}, "{Resource}", true, (*Service).untagResource},
	{"CreateInvalidation", http.MethodPost, "distribution/{DistributionId}/invalidation", "", nil, "distribution/{DistributionId}", true, (*Service).createInvalidation},
	{"GetInvalidation", http.MethodGet, "distribution/{DistributionId}/invalidation/{Id}", "", nil, "distribution/{DistributionId}", false, (*Service).getInvalidation},
	{"ListInvalidations", http.MethodGet, "distribution/{DistributionId}/invalidation", "", paging, "distribution/{DistributionId}", false, (*Service).listInvalidations},
	{"GetMonitoringSubscription", http.MethodGet, "distributions/{DistributionId}/monitoring-subscription", "", nil, "", false, (*Service).getMonitoring},
	{"CreateMonitoringSubscription", http.MethodPost, "distributions/{DistributionId}/monitoring-subscription", "", nil, "", true, (*Service).createMonitoring},
	{"DeleteMonitoringSubscription", http.MethodDelete, "distributions/{DistributionId}/monitoring-subscription", "", nil, "", true, (*Service).deleteMonitoring},

	{"GetFunction", http.MethodGet, "function/{Name}", "", []string{"Stage"}, "function/{Name}", false, (*Service).getFunction},
	{"DescribeFunction", http.MethodGet, "function/{Name}/describe", "", []string{"Stage"}, "function/{Name}", false, (*Service).describeFunction},
	{"UpdateFunction", http.MethodPut, "function/{Name}", "", nil, "function/{Name}", true, (*Service).updateFunction},
	{"PublishFunction", http.MethodPost, "function/{Name}/publish", "", nil, "function/{Name}", true, (*Service).publishFunction},
	{"TestFunction", http.MethodPost, "function/{Name}/test", "", nil, "function/{Name}", false, (*Service).testFunction},
	{"CreateFunction", http.MethodPost, "function", "", nil, "function/*", true, (*Service).createFunction},
	{"ListFunctions", http.MethodGet, "function", "", []string{"Marker", "MaxItems", "Stage"}, "", false, (*Service).listFunctions},
	{"GetDistributionTenant", http.MethodGet, "distribution-tenant/{Identifier}", "", nil, "distribution-tenant/{Identifier}", false, (*Service).getTenant},
	{"ListDistributionTenants", http.MethodPost, "distribution-tenants", "", nil, "", false, (*Service).listTenants},
	{"ListKeyValueStores", http.MethodGet, "key-value-store", "", []string{"Marker", "MaxItems", "Status"}, "", false, (*Service).listStores},
	{"UpdateContinuousDeploymentPolicy", http.MethodPut, "continuous-deployment-policy/{Id}", "", nil, "continuous-deployment-policy/{Id}", true, (*Service).updateDeploymentPolicy},
}, resourceOperations(), listOperations())

func concat(lists ...[]operation) []operation {
	var all []operation
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// resourceOperations are the reads of what a configuration points to.
func resourceOperations() []operation {
	var list []operation
	for kind, k := range kinds {
		list = append(list, operation{"Get" + string(kind), http.MethodGet, k.path + "/{Id}", "", nil, k.iam, false, getResource(kind, false)})
		if k.config != "" {
			list = append(list, operation{"Get" + k.config, http.MethodGet, k.path + "/{Id}/config", "", nil, k.iam, false, getResource(kind, true)})
		}
	}
	return list
}

// listOperations are ListDistributionsBy…: the last path part, and how a configuration shows that it belongs.
func listOperations() []operation {
	var list []operation
	for _, by := range []struct{ name, path, member string }{
		{"CachePolicyId", "distributionsByCachePolicyId", "CachePolicyId"},
		{"OriginRequestPolicyId", "distributionsByOriginRequestPolicyId", "OriginRequestPolicyId"},
		{"ResponseHeadersPolicyId", "distributionsByResponseHeadersPolicyId", "ResponseHeadersPolicyId"},
		{"KeyGroup", "distributionsByKeyGroupId", "TrustedKeyGroups"},
		{"VpcOriginId", "distributionsByVpcOriginId", "VpcOriginId"},
		{"WebACLId", "distributionsByWebACLId", "WebACLId"},
		{"AnycastIpListId", "distributionsByAnycastIpListId", "AnycastIpListId"},
		{"ConnectionMode", "distributionsByConnectionMode", "ConnectionMode"},
	} {
		summaries := by.name == "WebACLId" || by.name == "AnycastIpListId" || by.name == "ConnectionMode"
		list = append(list, operation{
			"ListDistributionsBy" + by.name, http.MethodGet, by.path + "/{Value}", "", paging, "", false, listBy(by.member, summaries),
		})
	}
	return list
}

// match says whether an escaped path has the pattern's form, and what stands for its variables.
func match(pattern, path string) (map[string]string, bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	vars := map[string]string{}
	for i, part := range want {
		if !strings.HasPrefix(part, "{") {
			if part != got[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(got[i])
		if err != nil || value == "" {
			return nil, false
		}
		vars[strings.Trim(part, "{}")] = value
	}
	return vars, true
}
