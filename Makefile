# The names of things to do; the doing is in scripts/ and in the programs.

.PHONY: help deps build demo demo-check test test-all bench bench-neutron conformance fuzz-api lint fmt doc
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install the Debian packages that the others use (root)
	@scripts/install-deps

build: ## build all programs, optimised, into target/release
	cargo build --release --locked --workspace --bins

demo: deps build ## bring up a data centre in namespaces and show it working, until Ctrl-C (root)
	@target/release/nucleon-lab demo

demo-check: deps build ## the same once, without waiting; ends with "demo: ok" (root)
	@target/release/nucleon-lab demo --check

test: ## every check and test, 20 minutes at most (root for those in namespaces)
	@scripts/test

test-all: ## the same with the long versions of the tests
	@scripts/test long

bench: deps build ## measure, with the limits of this machine beside every figure; writes JSON (root)
	@target/release/nucleon-bench

bench-neutron: deps ## measure beside the real Neutron, from Debian and PyPI, on the same database (root)
	@scripts/bench-neutron

conformance: deps ## run the public suites of the Networking API, and compare with what they say of Neutron (root)
	@NUCLEON_PROFILE=release scripts/conformance

fuzz-api: ## send the API what its own description allows, and what it does not
	@scripts/fuzz-api

lint: ## formatting, clippy without warnings, dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@scripts/check-deps

fmt: ## format the code
	cargo fmt --all

doc: ## the code's documentation, into target/doc
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
