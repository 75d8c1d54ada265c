// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Command echo is a function that prints its event, and fails where the event says fail.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(_ context.Context, event json.RawMessage) (string, error) {
		fmt.Println(string(event))
		if strings.Contains(string(event), "fail") {
			return "", errors.New("as it was told")
		}
		return "ok", nil
	})
}
