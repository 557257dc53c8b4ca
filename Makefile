# Every target does its own set-up. CI calls the same targets.
GO       ?= go
VERSION  ?=
FUZZTIME ?= 60s
SOAK     ?= 500
SAMPLE   ?= bin/soak

.PHONY: help build binaries demo test golden lint fuzz soak bench clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/spacel
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.release=$(VERSION)' -o bin/spacel ./cmd/spacel

binaries: ## build bin/slack-arm64.zip, the function that posts alarms to Slack: equal sources give equal bytes
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -tags lambda.norpc -ldflags '-s -w -buildid=' -o bin/slack-arm64 ./cmd/spacel-slack
	$(GO) run ./cmd/spacel-slack/pack bin/slack-arm64 bin/slack-arm64.zip

demo: build ## build the example orbit and app, and show what came out
	cd testdata/golden/example && ../../../bin/spacel build --orbit orbit.cue laika.yaml --with-orbit --out ../../../build

test: ## run every test; changes nothing in the tree
	$(GO) vet ./...
	$(GO) test ./...

golden: ## rewrite the expected results in testdata, to be reviewed
	SPACEL_UPDATE=1 $(GO) test ./schema ./cmd/... -run 'Golden|Samples|Bad|Script|Model|Messages' -count=1

lint: ## check the code's form, and every golden template with the CloudFormation validators
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'run gofmt -w on these'; exit 1; }
	.ci/lint/install
	.ci/lint/check --security testdata

fuzz: ## fuzz the loader for FUZZTIME
	$(GO) test ./schema -run '^$$' -fuzz FuzzLoad -fuzztime $(FUZZTIME) -fuzzminimizetime 1x

soak: ## build SOAK orbits and apps made at random, check them, and a sample of them with the validators
	rm -rf $(SAMPLE)
	SPACEL_SOAK=$${SPACEL_SOAK:-$(SOAK)} SPACEL_SAMPLE=$(abspath $(SAMPLE)) $(GO) test ./cmd/spacel -run TestRandomManifests -count=1 -timeout 2h
	.ci/lint/install
	.ci/lint/check --partial --security $(SAMPLE)

bench: build ## time start-up and whole builds, and say where the time goes
	$(GO) test ./cmd/spacel -run '^$$' -bench . -benchtime 3x

clean: ## remove what the other targets made
	rm -rf bin build .ci/lint/.tools
