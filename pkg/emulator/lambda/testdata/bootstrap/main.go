// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The cloudfront503 authors

// Command bootstrap is a function that does what its event says, to test the emulated Lambda with.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

type event struct {
	Do    string // what to do
	With  string // a URL, a name, a text
	Print string // written to the log first
}

func main() {
	if os.Getenv("REFUSE") != "" {
		os.Exit(3)
	}
	lambda.Start(handle)
}

func handle(ctx context.Context, e event) (any, error) {
	if e.Print != "" {
		fmt.Println(e.Print)
	}
	switch e.Do {
	case "fail":
		return nil, errors.New(e.With)
	case "panic":
		panic(e.With)
	case "exit":
		os.Exit(7)
	case "environment":
		return strings.Split(os.Getenv(e.With), "|"), nil
	case "context":
		deadline, _ := ctx.Deadline()
		lc, _ := lambdacontext.FromContext(ctx)
		return map[string]any{"left": time.Until(deadline).Seconds(), "arn": lc.InvokedFunctionArn, "id": lc.AwsRequestID}, nil
	case "get":
		return get(e.With)
	case "whoami":
		return whoami(ctx)
	}
	return map[string]any{"pid": os.Getpid(), "with": e.With}, nil
}

// get waits until somebody answers, and gives the process and the answer.
func get(url string) (any, error) {
	answer, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return map[string]any{"pid": os.Getpid(), "body": string(body)}, err
}

func whoami(ctx context.Context) (any, error) {
	loaded, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	identity, err := sts.NewFromConfig(loaded).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, err
	}
	return *identity.Arn, nil
}
