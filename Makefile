# SPDX-License-Identifier: Apache-2.0
# `make help` lists the targets. A fresh machine needs Go, git and make; `make deploy` also needs the AWS SAM CLI.

SHELL := /bin/bash
FUNCTIONS := respond baseline approve remediate verify
SCENARIO ?= error-page-503
APPROVER ?= auto
GOFLAGS_LAMBDA := -trimpath -tags lambda.norpc -ldflags "-s -w"

.DEFAULT_GOAL := help
.PHONY: help run scenarios test test-race build clean fmt lint fuzz bench accuracy deploy $(FUNCTIONS:%=build-%)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## play an incident from alarm to its end: SCENARIO=error-page-503 (make scenarios lists all) APPROVER=auto|ask|reject|silent|undo|worse|text
	@go run ./cmd/cf503 rehearse --scenario $(SCENARIO) --approver $(APPROVER) --out out

scenarios: ## list the incidents that can be played, one for every cause with a runbook
	@go run ./cmd/cf503 rehearse --list

test: ## every test
	go test -timeout 60m ./...

test-race: ## every test under the race detector, the functions included
	go test -race -timeout 90m ./...

accuracy: ## the confusion matrix, the calibration and the abstentions over the corpus; fails below the bar
	@go run ./tools/accuracy

bench: ## performance as ratios in one run
	go test -run '^$$' -bench . -benchtime 1s ./pkg/accesslog ./pkg/diagnosis
	go test -run '^$$' -bench . -benchtime 10x ./functions

fuzz: ## every fuzzer for a while; FUZZTIME=20s
	@for package in $$(go list ./...); do \
		for fuzzer in $$(go test -list '^Fuzz' $$package | grep ^Fuzz); do \
			go test -run '^$$' -fuzz "^$$fuzzer$$" -fuzztime $(or $(FUZZTIME),20s) $$package || exit 1; done; done

build: $(FUNCTIONS:%=build-%) ## the zips that sam deploy uploads, in dist/

$(FUNCTIONS:%=build-%): build-%:
	@mkdir -p dist/$*
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build $(GOFLAGS_LAMBDA) -o dist/$*/bootstrap ./functions/$*
	@go run ./tools/pack dist/$*/bootstrap dist/$*.zip

deploy: build ## build and deploy; ENV=default|staging|prod
	sam deploy --config-env $(or $(ENV),default)

fmt: ## format all Go code
	gofmt -w *.go cmd functions pkg tools

lint: ## the formatter, go vet, staticcheck, and the checkers of imports, template and runbooks
	@test -z "$$(gofmt -l *.go cmd functions pkg tools)" || { gofmt -l *.go cmd functions pkg tools; echo "not formatted: make fmt"; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	go test . ./pkg/runbook/...

clean: ## remove what was made
	rm -rf dist out
