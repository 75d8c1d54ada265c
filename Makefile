# SPDX-License-Identifier: Apache-2.0
# `make help` lists the targets. A fresh machine needs Go, git and make; `make deploy` also needs the AWS SAM CLI.

SHELL := /bin/bash
FUNCTIONS := respond baseline approve remediate verify
SCENARIO ?= error-page-503
APPROVER ?= auto
GOFLAGS_LAMBDA := -trimpath -tags lambda.norpc -ldflags "-s -w"

.DEFAULT_GOAL := help
.PHONY: help run test test-race build clean fmt lint fuzz bench accuracy size deploy $(FUNCTIONS:%=build-%)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## play an incident from alarm to approved change: SCENARIO=error-page-503|lambda-edge-concurrency|cloudfront-incident APPROVER=auto|ask|reject|silent
	@go run ./cmd/cf503 rehearse --scenario $(SCENARIO) --approver $(APPROVER) --out out

test: ## every test
	go test ./...

test-race: ## every test under the race detector, the functions included
	go test -race ./...

build: $(FUNCTIONS:%=build-%) ## the zips that sam deploy uploads, in dist/

$(FUNCTIONS:%=build-%): build-%:
	@mkdir -p dist/$*
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build $(GOFLAGS_LAMBDA) -o dist/$*/bootstrap ./functions/$*
	@go run ./tools/pack dist/$*/bootstrap dist/$*.zip

deploy: build ## build and deploy; ENV=default|staging|prod
	sam deploy --config-env $(or $(ENV),default)

fmt: ## format all Go code
	gofmt -w cmd functions pkg tools

lint: ## the formatter, go vet, staticcheck and the runbook checker
	@test -z "$$(gofmt -l cmd functions pkg tools)" || { gofmt -l cmd functions pkg tools; echo "not formatted: make fmt"; exit 1; }
	go vet ./...
	go tool staticcheck ./...

clean: ## remove what was made
	rm -rf dist out
