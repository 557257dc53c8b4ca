# Every target does its own set-up. CI calls the same targets.
GO       ?= go
VERSION  ?=
FUZZTIME ?= 60s
SOAK     ?= 500
SAMPLE   ?= bin/soak

.PHONY: dist/cue-module help build binaries release demo test test-fast boot-test docker-test database-test browser-test golden lint lint-go lint-templates fuzz soak bench clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

SPACEL = CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.release=$(VERSION)'
build: binaries ## build bin/spacel, and first the programs that it carries
	$(SPACEL) -o bin/spacel ./cmd/spacel

# Equal sources and an equal toolchain give equal bytes on every machine, so that a deployed program can be identified by its digest.
PROGRAM = GOOS=linux GOAMD64=v1 GOARM64=v8.0 CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '-s -w'
CARRIED = deploy/release/files
binaries: ## build the programs that spacel carries: the agent, and the function that posts alarms to Slack
	GOARCH=arm64 $(PROGRAM) -o bin/agent-arm64 ./cmd/spacel-agent
	GOARCH=amd64 $(PROGRAM) -o bin/agent-amd64 ./cmd/spacel-agent
	GOARCH=arm64 $(PROGRAM) -tags lambda.norpc -o bin/slack-arm64 ./cmd/spacel-slack
	$(GO) build -o bin/pack ./deploy/release/pack
	bin/pack bin/agent-arm64 $(CARRIED)/agent-arm64.gz
	bin/pack bin/agent-amd64 $(CARRIED)/agent-amd64.gz
	bin/pack bin/slack-arm64 $(CARRIED)/slack-arm64.zip

# With SIGNING_KEY, the file of an SSH key, the checksums are signed. Equal sources and an equal commit give equal bytes.
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
release: binaries ## build dist/: archives for every platform, deb and rpm packages, a list of components, checksums
	@test -n '$(VERSION)' || { echo 'VERSION is missing: make release VERSION=v1.2.3'; exit 2; }
	rm -rf dist && mkdir dist
	@set -e; for platform in $(PLATFORMS); do \
		os=$${platform%/*}; arch=$${platform#*/}; file=dist/spacel-$$os-$$arch; \
		if [ $$os = windows ]; then file=$$file.exe; fi; echo $$file; \
		GOOS=$$os GOARCH=$$arch GOAMD64=v1 GOARM64=v8.0 CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false \
			-ldflags '-s -w -X main.release=$(VERSION)' -o $$file ./cmd/spacel; \
	done
	.ci/release/package $(VERSION) dist
	$(MAKE) dist/cue-module

# In this directory `cue mod publish v0.N.0` publishes the definitions. The version is the one in schema/language/version.go.
dist/cue-module: ## write the CUE module with the definitions, for cue mod publish
	rm -rf $@ && mkdir -p $(@D)
	$(GO) run ./cmd/spacel schema --cue-module $@
	cp LICENSE $@/

# Only deploy needs the carried programs. So the demo has a spacel of its own, which is compiled in a third of the time and
# with the flags of bin/spacel: a later make build takes the compiled packages from the cache.
demo: ## build the example orbit and app, and list the files
	$(SPACEL) -o bin/demo/spacel ./cmd/spacel
	cd testdata/golden/example && ../../../bin/demo/spacel build --orbit orbit.cue laika.yaml --with-orbit --out ../../../build

# The last line names the programs that were missing, so that tests were skipped.
test: ## run every test; changes nothing in the tree
	.ci/moto/install
	.ci/ministack/install
	$(GO) vet ./...
	@.ci/missing $(GO) test -timeout 20m ./...

# -short skips the tests that talk to an emulator, and tries a part of the longest series of cases (internal/stride). Some packages'
# tests mostly wait: with -p 4 these leave the processor to others.
test-fast: ## run the tests that need no emulator
	@.ci/missing $(GO) test -short -p 4 ./...
	@echo 'tests that need an emulator did not run: make test runs them'

# IMAGE is Debian's release, 12 or 13; ENGINE is qemu or nspawn, by default what the machine allows; CASE picks cases.
boot-test: ## boot a real Debian with the user data of spacel build: needs mmdebstrap, and qemu or, as root, systemd-nspawn
	.ci/moto/install
	$(GO) test -tags boot ./agent/boottest -run '$(if $(CASE),TestBoot/$(CASE)$$,TestBoot)' -count=1 -v -timeout 2h -args -release=$(or $(IMAGE),13) -engine=$(ENGINE)

browser-test: ## open the page of spacel graph in Debian's chromium: needs apt on Debian or Ubuntu, and no root
	$(SPACEL) -o bin/demo/spacel ./cmd/spacel
	$(GO) test -tags browser ./cmd/spacel -run TestPageInABrowser -count=1 -args -browser=$$(.ci/browser/install) -spacel=$(CURDIR)/bin/demo/spacel

docker-test: ## run the units of containers by Debian's Docker, with images of a real registry: needs Linux, root and apt-get
	.ci/moto/install
	.ci/docker/install docker >/dev/null && .ci/docker/install registry >/dev/null
	$(GO) test -tags docker ./agent -run TestDockerRunsUnits -count=1 -v -timeout 10m

database-test: ## connect database clients to real servers with the agent's variables: needs PostgreSQL's server, node and apt-get
	.ci/databases/install
	$(GO) test -tags databases ./agent -run TestClientsAccept -count=1 -v

golden: ## rewrite the expected results in testdata, to be reviewed
	SPACEL_UPDATE=1 $(GO) test ./schema/... ./cmd/... -run 'Golden|Samples|Bad|Script|Model|Messages' -count=1

lint: lint-go lint-templates ## check the code with linters, and every golden template with the CloudFormation validators

LINTERS = .ci/lint/.tools/go
lint-go: ## check the code: gofmt, golangci-lint (.golangci.yml), structure and wording, code that nothing calls
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'run gofmt -w on these'; exit 1; }
	.ci/lint/install --go
	$(LINTERS)/golangci-lint run
	$(GO) test ./internal/structure
	@.ci/lint/unreachable

lint-templates: ## check every golden template with the CloudFormation validators
	.ci/lint/check --security testdata

fuzz: ## fuzz the loader for FUZZTIME
	$(GO) test ./schema -run '^$$' -fuzz FuzzLoad -fuzztime $(FUZZTIME) -fuzzminimizetime 1x

soak: ## build SOAK orbits and apps made at random, check them, and a sample of them with the validators
	rm -rf $(SAMPLE)
	SPACEL_SOAK=$${SPACEL_SOAK:-$(SOAK)} SPACEL_SAMPLE=$(abspath $(SAMPLE)) $(GO) test ./cmd/spacel -run TestRandomManifests -count=1 -timeout 2h
	.ci/lint/install
	.ci/lint/check --partial --security $(SAMPLE)

SIMULATE ?= 100 1000
bench: build ## time start-up, whole builds and deployments, and simulate orbits of SIMULATE apps in four regions
	$(GO) test ./cmd/spacel -run '^$$' -bench . -benchtime 3x
	$(GO) test ./deploy/e2e -run '^$$' -bench . -benchtime 3x
	SPACEL_SIMULATE='$(SIMULATE)' $(GO) test ./cmd/spacel -run '^TestSimulation$$' -count=1 -v -timeout 3h

clean: ## remove what the other targets made
	rm -rf bin build dist .ci/lint/.tools .ci/moto/.tools .ci/ministack/.tools .ci/release/.tools .ci/boot/.cache
	rm -f $(CARRIED)/*.gz $(CARRIED)/*.zip
