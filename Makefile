# make run    build and serve          make test   everything that is tested
# make bench  the benchmark table      make fuzz   the fuzz targets, for FUZZ_SECONDS each
# make ui     build the dashboard, which the feature `dashboard` embeds (`make ui-size` prints what it weighs)
# make example  prompts, cache, batches, A/B and MLflow with some calls, shown
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CACHE ?= $(CURDIR)/.cache
VENV := $(CACHE)/venv
PY := $(VENV)/bin/python
FUZZ_SECONDS ?= 60
# Where the suites find the programs that cargo built.
export WEIR_BIN_DIR ?= $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/debug
ARGS ?=

# The dashboard is built in where Node is there to build it.
DASHBOARD := $(if $(shell command -v npm),--features weir/dashboard)

.PHONY: help run example test ui ui-size ui-check ui-test ui-images tools lint rust sdk sdk-js faults watch mlflow mlflow-peer object-store otel deploy-tests python python-wheel bench bench-anomalies bench-dashboard fuzz bless clean

help:
	@sed -n '1,4p' Makefile

run: $(if $(DASHBOARD),ui)
	cargo build --release -p weir $(DASHBOARD)
	./target/release/weir serve $(ARGS)

example: $(CACHE)/mlflow-venv/.installed
	cargo build --release -p weir
	$(CACHE)/mlflow-venv/bin/python examples/llmops-api/run.py

test: tools lint rust ui-test sdk sdk-js faults watch mlflow object-store otel deploy-tests python
	@echo "everything passed"

# What the tests need besides Rust, Python and Node; installed once, checked every time.
tools: $(VENV)/.installed tests/sdk_js/node_modules/.installed
	@missing=""; \
	command -v promtool >/dev/null || missing="$$missing prometheus"; \
	command -v prometheus-alertmanager >/dev/null || missing="$$missing prometheus-alertmanager"; \
	command -v sqlite3 >/dev/null || missing="$$missing sqlite3"; \
	if [ -n "$$missing" ]; then \
	  echo "installing$$missing"; \
	  export DEBIAN_FRONTEND=noninteractive; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi; \
	command -v promtool >/dev/null && command -v prometheus-alertmanager >/dev/null && command -v sqlite3 >/dev/null

$(VENV)/.installed: tests/requirements.txt tests/requirements-deploy.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check $(addprefix -r ,$^)
	touch $@

# MLflow brings so much that it has an environment of its own; the bench uses it too.
$(CACHE)/mlflow-venv/.installed: tests/requirements-mlflow.txt
	python3 -m venv $(CACHE)/mlflow-venv
	$(CACHE)/mlflow-venv/bin/pip install --quiet --disable-pip-version-check -r tests/requirements-mlflow.txt
	touch $@

# The newest client needs companions that are older: it is put in their place, as its own package carries them.
$(CACHE)/mlflow318-venv/.installed: tests/requirements-mlflow.txt tests/requirements-mlflow318.txt
	python3 -m venv $(CACHE)/mlflow318-venv
	$(CACHE)/mlflow318-venv/bin/pip install --quiet --disable-pip-version-check -r tests/requirements-mlflow.txt
	$(CACHE)/mlflow318-venv/bin/pip uninstall --quiet --yes mlflow mlflow-skinny mlflow-tracing
	$(CACHE)/mlflow318-venv/bin/pip install --quiet --disable-pip-version-check --no-deps -r tests/requirements-mlflow318.txt
	touch $@

# OpenTelemetry's instrumentations want other versions of the same clients.
$(CACHE)/otel-venv/.installed: tests/requirements-otel.txt
	python3 -m venv $(CACHE)/otel-venv
	$(CACHE)/otel-venv/bin/pip install --quiet --disable-pip-version-check -r tests/requirements-otel.txt
	touch $@

# An S3-compatible store brings clients of its own.
$(CACHE)/s3-venv/.installed: tests/requirements-s3.txt
	python3 -m venv $(CACHE)/s3-venv
	$(CACHE)/s3-venv/bin/pip install --quiet --disable-pip-version-check -r tests/requirements-s3.txt
	touch $@

tests/sdk_js/node_modules/.installed: tests/sdk_js/package-lock.json
	cd tests/sdk_js && npm ci --no-audit --no-fund --silent
	touch $@

ui: ui/dist/index.html

ui/node_modules/.installed: ui/package-lock.json
	cd ui && npm ci --no-audit --no-fund --silent
	touch $@

ui/dist/index.html: ui/node_modules/.installed ui/package.json ui/vite.config.ts ui/tsconfig.json ui/index.html \
  $(shell find ui/src ui/public ui/scripts -type f 2>/dev/null)
	cd ui && npm run --silent build

ui-size: ui
	cd ui && npm run --silent size

# Style, types, and whether the client's types are those of docs/openapi.json.
ui-check: ui/node_modules/.installed
	cd ui && npm run --silent lint && npm run --silent types && npm test --silent

# Debian's Chromium against the built program.
# The first calls that pages offer are run with their own clients.
ui-test: tools ui-check ui-size binaries $(CACHE)/mlflow318-venv/.installed $(CACHE)/otel-venv/.installed
	@command -v chromium >/dev/null || { export DEBIAN_FRONTEND=noninteractive; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; }
	CACHE=$(CACHE) $(PY) -m pytest $(ARGS) tests/ui

# The pictures of docs/images anew, each page over a month of made-up traffic; ARGS="overview trace" takes these alone.
ui-images: tools binaries
	$(PY) tests/ui/pictures.py docs/images $(ARGS)

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	$(if $(DASHBOARD),$(MAKE) ui && cargo clippy -p weir-web --all-targets --locked --features dashboard -- -D warnings)

rust:
	cargo test --workspace --locked

binaries: $(if $(DASHBOARD),ui)
	cargo build --locked -p weir -p weir-testkit $(DASHBOARD)

sdk: tools binaries
	$(PY) -m pytest -n 2 tests/sdk

sdk-js: tools binaries
	cd tests/sdk_js && npm test

faults: tools binaries
	$(PY) -m pytest tests/faults

watch: tools binaries
	$(PY) -m pytest tests/watch

deploy-tests: tools binaries
	$(PY) -m pytest -n 2 tests/deploy

MLFLOW_VENVS := $(CACHE)/mlflow-venv $(CACHE)/mlflow318-venv

mlflow: tools binaries $(addsuffix /.installed,$(MLFLOW_VENVS))
	$(CACHE)/mlflow-venv/bin/python -m pytest tests/mlflow
	for venv in $(MLFLOW_VENVS); do $$venv/bin/python -m pytest -n 2 tests/sdk/mlflow || exit 1; done

# The same tests of the tracking server, against MLflow's own: what they expect is what it does.
mlflow-peer: tools binaries $(addsuffix /.installed,$(MLFLOW_VENVS))
	for venv in $(MLFLOW_VENVS); do MLFLOW_PEER=1 $$venv/bin/python -m pytest -n 2 tests/sdk/mlflow || exit 1; done

object-store: tools binaries $(CACHE)/mlflow-venv/.installed $(CACHE)/s3-venv/.installed
	WEIR_MOTO=$(CACHE)/s3-venv/bin/moto_server $(CACHE)/mlflow-venv/bin/python -m pytest tests/object_store

otel: tools binaries $(CACHE)/otel-venv/.installed
	$(CACHE)/otel-venv/bin/python -m pytest -n 2 tests/otel

# The wheel as `pip install ./python` makes it; needs nothing but pip and cargo.
python-wheel:
	rm -rf $(CACHE)/wheels
	python3 -m venv $(CACHE)/wheel-venv
	CARGO_TARGET_DIR="$(or $(CARGO_TARGET_DIR),$(CURDIR)/target)" \
	  $(CACHE)/wheel-venv/bin/pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir $(CACHE)/wheels ./python

# Its tests run with the wheel, in an environment that has nothing else of the project.
python: python-wheel binaries $(CACHE)/python-venv/.installed
	$(CACHE)/python-venv/bin/pip install --quiet --disable-pip-version-check --no-deps --force-reinstall $(CACHE)/wheels/weir-*.whl
	cd tests/python && $(CACHE)/python-venv/bin/python -m pytest

$(CACHE)/python-venv/.installed: tests/requirements-python.txt
	python3 -m venv $(CACHE)/python-venv
	$(CACHE)/python-venv/bin/pip install --quiet --disable-pip-version-check -r tests/requirements-python.txt
	touch $@

bench:
	cargo build --release --locked -p weir -p weir-testkit
	cargo build --release --locked -p weir-store --example store_bench
	python3 bench/run.py $(ARGS)

# How well anomalies are found in synthetic traffic: ARGS="--set 0 --seed 1 --projects 12".
bench-anomalies:
	cargo run --release --locked -p weir-watch --example anomaly_bench -- $(ARGS)

# What the dashboard takes in Chromium over five million calls; ARGS="--data DIR" keeps them.
bench-dashboard: tools ui
	cargo build --release --locked -p weir --features weir/dashboard
	$(PY) bench/dashboard.py $(ARGS)

# libFuzzer on the stable toolchain: the coverage pass is part of LLVM. With a target named, the flags do not reach
# build scripts.
fuzz: export RUSTFLAGS := --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1
fuzz:
	cd fuzz && for target in sse request; do \
	  mkdir -p corpus/$$target && \
	  cargo run --release --locked --target "$$(rustc -vV | sed -n 's/^host: //p')" --bin $$target -- -max_total_time=$(FUZZ_SECONDS) -max_len=65536 corpus/$$target; \
	done

# Writes the generated and golden files anew; look at the difference before committing it.
bless:
	WEIR_BLESS=1 cargo test --workspace

clean:
	cargo clean
	rm -rf .cache tests/sdk_js/node_modules ui/node_modules ui/dist
