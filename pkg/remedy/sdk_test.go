// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package remedy

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"

	"cloudfront503/pkg/distribution"
)

// filled is a value of the type with every pointer set and one element in every list, so that JSON shows each member
// that the SDK cannot leave out.
func filled(kind reflect.Type) reflect.Value {
	value := reflect.New(kind).Elem()
	switch kind.Kind() {
	case reflect.Pointer:
		value.Set(reflect.New(kind.Elem()))
		value.Elem().Set(filled(kind.Elem()))
	case reflect.Slice:
		value.Set(reflect.Append(value, filled(kind.Elem())))
	case reflect.Struct:
		for i := range kind.NumField() {
			if kind.Field(i).IsExported() && kind.Field(i).Type.Kind() != reflect.String {
				value.Field(i).Set(filled(kind.Field(i).Type))
			}
		}
	}
	return value
}

// enumMembers are the members whose zero value JSON shows as an empty string.
func enumMembers(kind reflect.Type, found map[string]bool) {
	for kind.Kind() == reflect.Pointer || kind.Kind() == reflect.Slice {
		kind = kind.Elem()
	}
	if kind.Kind() != reflect.Struct {
		return
	}
	for field := range kind.Fields() {
		if field.Type.Kind() == reflect.String {
			found[field.Name] = true
		}
		enumMembers(field.Type, found)
	}
}

func TestEveryEnumOfTheSDKMayBeUnset(t *testing.T) {
	found := map[string]bool{}
	enumMembers(reflect.TypeFor[types.DistributionConfig](), found)
	for name := range found {
		config, err := distribution.Parse([]byte(`{"` + name + `":""}`))
		if err != nil || string(config.Canonical()) != `{}` {
			t.Errorf("%s: the SDK writes an unset one as an empty string, and Parse keeps it", name)
		}
	}
	if len(found) < 10 {
		t.Errorf("only %d members found", len(found))
	}
}

func TestTheSDKLosesNothingThatItKnows(t *testing.T) {
	config := filled(reflect.TypeFor[types.DistributionConfig]()).Interface().(types.DistributionConfig)
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := distribution.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := asInput(parsed); err != nil {
		t.Errorf("%v\n%s", err, parsed.Canonical())
	}
}
