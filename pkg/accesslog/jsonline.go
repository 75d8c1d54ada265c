// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

package accesslog

import (
	"encoding/json"
	"strings"
)

// takeJSON counts one line of v2's JSON form: an object whose names are the fields' and whose values are strings; numbers
// and nulls are taken as well.
//
//	{"date":"2026-03-03","time":"21:33:28","x-edge-location":"SYD62-P1","sc-status":"503","x-edge-result-type":"Error"}
func (c *Counter) takeJSON(line []byte) {
	var members map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(line)))
	decoder.UseNumber()
	if err := decoder.Decode(&members); err != nil {
		c.damaged++
		return
	}
	var row row
	for name, value := range members {
		if at := columnOf[strings.ToLower(name)]; at != none {
			row[at] = scalar(value)
		}
	}
	c.count(&row)
}

func scalar(value any) []byte {
	switch value := value.(type) {
	case string:
		return []byte(value)
	case json.Number:
		return []byte(value.String())
	}
	return nil
}
