// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package kernel

// Authorize asks IAM whether a caller may. The grants are the statements that allowed it; the error is an *APIError in the
// words that AWS uses, its code the one of the service that is asked.
func (w *World) Authorize(caller Principal, service, region string, access Access) (grants []string, err error) {
	return nil, nil
}

// ServiceMay asks whether a resource's policy lets a service principal, as "sns.amazonaws.com", act on the resource on
// behalf of sourceARN. It journals the access. The error is an *APIError.
func (w *World) ServiceMay(service, sourceARN, action, resource string, policy *Policy, conditions map[string]string) error {
	return nil
}
