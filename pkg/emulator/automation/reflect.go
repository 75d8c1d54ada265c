// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package automation

import (
	"fmt"
	"io"
	"reflect"
	"time"
)

var (
	timeType   = reflect.TypeFor[time.Time]()
	readerType = reflect.TypeFor[io.Reader]()
)

// fill puts JSON values into an operation's input, as strictly as boto3: exact names, exact types.
func fill(target reflect.Value, value any, at string) error {
	if target.Kind() == reflect.Pointer {
		target.Set(reflect.New(target.Type().Elem()))
		return fill(target.Elem(), value, at)
	}
	if target.Type() == timeType {
		return fillTime(target, value, at)
	}
	switch target.Kind() {
	case reflect.Struct:
		return fillStruct(target, value, at)
	case reflect.Slice:
		return fillSlice(target, value, at)
	case reflect.Map:
		return fillMap(target, value, at)
	}
	return fillScalar(target, value, at)
}

func fillStruct(target reflect.Value, value any, at string) error {
	m, ok := value.(map[string]any)
	if !ok {
		return badInput(at, value, "a map")
	}
	for name, item := range m {
		field, known := target.Type().FieldByName(name)
		if !known || !field.IsExported() {
			return fmt.Errorf("unknown parameter in input: %q at %s", name, at)
		}
		if err := fill(target.FieldByIndex(field.Index), item, at+"."+name); err != nil {
			return err
		}
	}
	return nil
}

func fillSlice(target reflect.Value, value any, at string) error {
	if text, ok := value.(string); ok && target.Type().Elem().Kind() == reflect.Uint8 {
		target.SetBytes([]byte(text))
		return nil
	}
	list, ok := value.([]any)
	if !ok {
		return badInput(at, value, "a list")
	}
	target.Set(reflect.MakeSlice(target.Type(), len(list), len(list)))
	for i, item := range list {
		if err := fill(target.Index(i), item, fmt.Sprintf("%s[%d]", at, i)); err != nil {
			return err
		}
	}
	return nil
}

func fillMap(target reflect.Value, value any, at string) error {
	m, ok := value.(map[string]any)
	if !ok {
		return badInput(at, value, "a map")
	}
	target.Set(reflect.MakeMapWithSize(target.Type(), len(m)))
	for name, item := range m {
		element := reflect.New(target.Type().Elem()).Elem()
		if err := fill(element, item, at+"."+name); err != nil {
			return err
		}
		target.SetMapIndex(reflect.ValueOf(name).Convert(target.Type().Key()), element)
	}
	return nil
}

func fillTime(target reflect.Value, value any, at string) error {
	text, ok := value.(string)
	if !ok {
		return badInput(at, value, "a time")
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return badInput(at, value, "a time")
	}
	target.Set(reflect.ValueOf(t))
	return nil
}

func fillScalar(target reflect.Value, value any, at string) error {
	switch v := value.(type) {
	case string:
		if target.Kind() == reflect.String {
			target.SetString(v)
			return nil
		}
	case bool:
		if target.Kind() == reflect.Bool {
			target.SetBool(v)
			return nil
		}
	case int:
		if target.CanInt() && !target.OverflowInt(int64(v)) {
			target.SetInt(int64(v))
			return nil
		}
		if target.CanFloat() {
			target.SetFloat(float64(v))
			return nil
		}
	case float64:
		if target.CanFloat() {
			target.SetFloat(v)
			return nil
		}
	}
	return badInput(at, value, "a "+target.Kind().String())
}

func badInput(at string, value any, want string) error {
	return fmt.Errorf("invalid type for parameter %s: %T is not %s", at, value, want)
}

// plainAnswer is an operation's output as JSON values. Members that the answer did not have are left out, as boto3 does.
func plainAnswer(output reflect.Value) (map[string]any, error) {
	m := map[string]any{}
	for i := range output.NumField() {
		field := output.Type().Field(i)
		if !field.IsExported() || field.Name == "ResultMetadata" || field.Anonymous {
			continue
		}
		if field.Type.Implements(readerType) {
			return nil, fmt.Errorf("%s is a stream, which this action does not take", field.Name)
		}
		value, ok, err := plain(output.Field(i))
		if err != nil {
			return nil, err
		}
		if ok {
			m[field.Name] = value
		}
	}
	return m, nil
}

// plain is one value of an output; ok is false where the answer did not have it.
func plain(v reflect.Value) (value any, ok bool, err error) {
	if v.Type() == timeType {
		return v.Interface().(time.Time).UTC().Format(time.RFC3339), true, nil
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return nil, false, nil
		}
		value, _, err = plain(v.Elem())
		return value, true, err
	case reflect.Struct:
		value, err = plainAnswer(v)
		return value, true, err
	case reflect.Slice:
		return plainSlice(v)
	case reflect.Map:
		return plainMap(v)
	}
	return plainScalar(v)
}

func plainSlice(v reflect.Value) (any, bool, error) {
	if v.IsNil() {
		return nil, false, nil
	}
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return string(v.Bytes()), true, nil
	}
	list := make([]any, 0, v.Len())
	for i := range v.Len() {
		item, _, err := plain(v.Index(i))
		if err != nil {
			return nil, false, err
		}
		list = append(list, item)
	}
	return list, true, nil
}

func plainMap(v reflect.Value) (any, bool, error) {
	if v.IsNil() {
		return nil, false, nil
	}
	m := map[string]any{}
	for _, key := range v.MapKeys() {
		item, _, err := plain(v.MapIndex(key))
		if err != nil {
			return nil, false, err
		}
		m[key.String()] = item
	}
	return m, true, nil
}

func plainScalar(v reflect.Value) (any, bool, error) {
	switch {
	case v.Kind() == reflect.String:
		return v.String(), v.Len() > 0, nil // an enum that is not there is empty; a text that is, stands behind a pointer
	case v.Kind() == reflect.Bool:
		return v.Bool(), true, nil
	case v.CanInt():
		return int(v.Int()), true, nil
	case v.CanFloat():
		return v.Float(), true, nil
	}
	return nil, false, fmt.Errorf("a %s is no JSON value", v.Type())
}
