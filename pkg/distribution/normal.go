// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package distribution

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
)

// The two members of every list in CloudFront's API: {"Quantity": 2, "Items": [a, b]}. Quantity must equal the number of
// items (InconsistentQuantities), and an empty Items element is refused (MalformedInput): it has to be absent.
const (
	itemsKey    = "Items"
	quantityKey = "Quantity"
)

// identity says by which member the elements of a list are told apart, and whether their order means something.
type identity struct {
	key     string
	ordered bool
}

// identities are the lists of objects that have one, by the name of the field that holds Quantity and Items.
var identities = map[string]identity{
	"CacheBehaviors":             {key: "PathPattern", ordered: true}, // the first match wins
	"CustomErrorResponses":       {key: "ErrorCode"},
	"CustomHeaders":              {key: "HeaderName"},
	"FunctionAssociations":       {key: "EventType"},
	"LambdaFunctionAssociations": {key: "EventType"},
	"OriginGroups":               {key: "Id"},
	"Origins":                    {key: "Id"},
}

// enums are members for which an empty string is no value: Go's SDK writes it for one that is not set (service/cloudfront
// v1.73.0), the AWS CLI leaves the member out, and CloudFront takes only the latter.
var enums = []string{
	"CertificateSource", "ConnectionMode", "EventType", "Forward", "HttpVersion", "IpAddressType", "MinimumProtocolVersion",
	"Mode", "OriginProtocolPolicy", "PriceClass", "RestrictionType", "SSLSupportMethod", "SelectionCriteria",
	"ViewerProtocolPolicy",
}

// normal is value, the content of the field called name, in its one form. It shares nothing with value.
func normal(name string, value any) any {
	switch value := value.(type) {
	case map[string]any:
		return normalObject(name, value)
	case []any:
		return normalList(name, value)
	default:
		return value
	}
}

func normalObject(name string, object map[string]any) map[string]any {
	out := make(map[string]any, len(object))
	for key, value := range object {
		if value == nil || value == "" && slices.Contains(enums, key) {
			continue
		}
		// The elements of Items belong to the list that is named one level up.
		if key == itemsKey {
			out[key] = normal(name+"/"+itemsKey, value)
		} else {
			out[key] = normal(key, value)
		}
	}
	count(out)
	return out
}

// count sets Quantity to the number of items, and takes an empty Items away.
func count(object map[string]any) {
	items, isList := object[itemsKey].([]any)
	_, hasItems := object[itemsKey]
	_, counted := object[quantityKey]
	if hasItems && !isList || !hasItems && !counted {
		return
	}
	if len(items) == 0 {
		delete(object, itemsKey)
	}
	object[quantityKey] = json.Number(strconv.Itoa(len(items)))
}

func normalList(name string, list []any) []any {
	out := make([]any, 0, len(list))
	for _, value := range list {
		if value != nil {
			out = append(out, normal("", value))
		}
	}
	field, isItems := cutItems(name)
	if !isItems {
		return out
	}
	if isSet(out) {
		slices.SortFunc(out, compareScalars)
		return slices.Compact(out)
	}
	if id, regular := regularBy(field, out); regular && !id.ordered {
		slices.SortFunc(out, func(a, b any) int { return compareScalars(identityOf(a, id), identityOf(b, id)) })
	}
	return out
}

// cutItems is the field to which a list belongs that normalObject met under Items.
func cutItems(name string) (field string, isItems bool) {
	field = name[:max(0, len(name)-len("/"+itemsKey))]
	return field, name == field+"/"+itemsKey
}

// isSet reports whether list holds only strings or only numbers: all such lists of the API are sets.
func isSet(list []any) bool {
	strings, numbers := 0, 0
	for _, value := range list {
		switch value.(type) {
		case string:
			strings++
		case json.Number:
			numbers++
		}
	}
	return len(list) > 0 && (strings == len(list) || numbers == len(list))
}

// regularBy is the identity of the field's elements, if it has one and each element bears its own.
func regularBy(field string, list []any) (identity, bool) {
	id, known := identities[field]
	seen := map[string]bool{}
	for _, element := range list {
		name := scalarText(identityOf(element, id))
		if name == "" || seen[name] {
			return id, false
		}
		seen[name] = true
	}
	return id, known
}

// identityOf is what tells the element apart: a string, a number, or nil.
func identityOf(element any, id identity) any {
	object, _ := element.(map[string]any)
	switch value := object[id.key].(type) {
	case string, json.Number:
		return value
	default:
		return nil
	}
}

// scalarText is a string's or number's text; empty for everything else.
func scalarText(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case json.Number:
		return value.String()
	default:
		return ""
	}
}

// compareScalars orders numbers by their value where they are whole, and everything else by its text.
func compareScalars(a, b any) int {
	left, right := scalarText(a), scalarText(b)
	m, errM := strconv.ParseInt(left, 10, 64)
	n, errN := strconv.ParseInt(right, 10, 64)
	if isNumber(a) && isNumber(b) && errM == nil && errN == nil && m != n {
		return cmp.Compare(m, n)
	}
	return cmp.Compare(left, right)
}

func isNumber(value any) bool { _, is := value.(json.Number); return is }
