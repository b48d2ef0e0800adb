# Everything the project needs, as commands: `make` lists them.
# Needs make and a Python >= 3.11 (`make PYTHON=python3.13 venv` takes another one than python3).

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## List these targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)$$/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
	  while IFS='|' read -r target text; do printf '  make %-18s %s\n' "$$target" "$$text"; done

## Environment

# A virtual environment without pip is the leftover of a failed creation: it is made anew.
define ensure_venv
@if [ ! -x $(BIN)/pip ]; then \
  "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || { echo 'Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3' >&2; exit 1; }; \
  echo 'Creating $(VENV)'; \
  "$(PYTHON)" -m venv --clear $(VENV) || { \
    rm -rf $(VENV); \
    version=$$("$(PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
    echo "The venv module is incomplete. On Debian and Ubuntu: apt-get install python$$version-venv" >&2; \
    exit 1; }; \
fi
endef

.PHONY: venv
venv: $(VENV)/.stamp-dev ## Create .venv with the package, editable, and all development tools

$(VENV)/.stamp-dev: pyproject.toml
	$(ensure_venv)
	$(BIN)/pip install --quiet -e '.[dev,auth]'
	@touch $(VENV)/.stamp-runtime $@

$(VENV)/.stamp-runtime: pyproject.toml
	$(ensure_venv)
	$(BIN)/pip install --quiet -e .
	@touch $@

.PHONY: demo
demo: $(VENV)/.stamp-runtime ## Serve simulated meters; installs only what running needs
	$(BIN)/tic-exporter demo

## Checks

.PHONY: test
test: venv ## Run all tests, with coverage and its gates
	scripts/ensure-tools
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto --dist worksteal
	$(BIN)/coverage combine --quiet
	@echo 'Coverage of the core: 100 % of lines and branches'
	$(BIN)/coverage report --precision=2 --include='tic_exporter/tic/*' --fail-under=100
	@echo 'Coverage of everything else: 95 %'
	$(BIN)/coverage report --precision=2 --include='tic_exporter/*' --omit='tic_exporter/tic/*' --fail-under=95

.PHONY: lint
lint: venv ## Check style and formatting (ruff)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

.PHONY: types
types: venv ## Check types (mypy, strict)
	$(BIN)/mypy

.PHONY: format
format: venv ## Format the code, mend what can be mended
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

## What takes longer

FUZZ_SECONDS ?= 600
FUZZ_TARGETS ?= meter config web-config recording state
FUZZ_FOLDER ?= .fuzz
SOAK_HOURS ?= 24

# What is found is left in the folder as TARGET-crash-…; the corpus grows from run to run.
.PHONY: fuzz
fuzz: venv ## Fuzz each target for FUZZ_SECONDS (600) with atheris; FUZZ_TARGETS chooses
	$(BIN)/pip install --quiet -e '.[fuzz]'
	@for target in $(FUZZ_TARGETS); do \
	  printf '\n==> %s, %s s\n' "$$target" "$(FUZZ_SECONDS)"; \
	  PYTHONPATH=tests $(BIN)/python -m fuzz.run "$$target" "$(FUZZ_FOLDER)" \
	    -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -verbosity=0 || exit 1; \
	done

.PHONY: soak
soak: venv ## Let 20 meters live through SOAK_HOURS (24) of every fault; memory and descriptors must stay flat
	$(BIN)/python -m benchmarks.soak --hours $(SOAK_HOURS)

# Ratios of two things done in one process, with a wide margin: how fast or busy the machine is does not matter.
.PHONY: check-speed
check-speed: venv ## Fail when reading frames or writing a scrape became slow
	$(BIN)/python -m benchmarks.guard

# On a machine that does nothing else; with Prometheus and VictoriaMetrics.
.PHONY: bench
bench: venv ## Measure everything claimed about speed, and write docs/performance.md (ten minutes)
	scripts/ensure-tools --benchmarks
	$(BIN)/python -m benchmarks.run

## Documentation

.PHONY: docs
docs: venv ## Write what is made from code and tables: docs/metrics.md, diagrams, the PrometheusRule
	@mkdir -p docs
	$(BIN)/tic-exporter metrics > docs/metrics.md.new || { rm -f docs/metrics.md.new; exit 1; }
	@mv docs/metrics.md.new docs/metrics.md
	$(BIN)/python scripts/diagrams.py docs/images
	scripts/prometheus-rule > examples/kubernetes/prometheusrule.yaml

.PHONY: check-docs
check-docs: venv ## Fail, with the difference, when docs/metrics.md is stale
	@new=$$(mktemp) && trap 'rm -f "$$new"' EXIT && \
	$(BIN)/tic-exporter metrics > "$$new" && \
	if diff -u docs/metrics.md "$$new"; then echo 'docs/metrics.md is up to date'; \
	else echo 'docs/metrics.md is stale: run "make docs" and commit it' >&2; exit 1; fi

.PHONY: dashboards
dashboards: venv ## Write the Grafana dashboards, in English and in French
	$(BIN)/python -m dashboards.generator

.PHONY: check-dashboards
check-dashboards: venv ## Fail when a dashboard is stale
	$(BIN)/python -m dashboards.generator --check

# Needs npm, Chromium and Prometheus, and some minutes: every frame of a day is heard.
.PHONY: dashboard-pictures
dashboard-pictures: venv ## Draw the dashboards for docs/images, from the results of their queries
	scripts/ensure-tools
	$(BIN)/python -m dashboards.pictures

## Packages

.PHONY: dist
dist: venv ## Build wheel and source distribution into dist/
	rm -rf dist
	$(BIN)/python -m build --outdir dist

# The copy holds all but the package, hidden files and leftovers: whatever the tests import is the wheel.
.PHONY: test-wheel
test-wheel: venv ## Build the wheel and run the tests against it, away from the source tree
	scripts/ensure-tools
	@set -e; \
	tmp=$$(mktemp -d); trap 'rm -rf "$$tmp"' EXIT; trap 'exit 130' INT; trap 'exit 143' TERM; \
	chmod 755 "$$tmp"; \
	$(BIN)/python -m build --wheel --outdir "$$tmp/dist"; \
	size=$$(cat "$$tmp"/dist/*.whl | wc -c); echo "The wheel has $$size bytes"; \
	[ "$$size" -le 350000 ] || { echo 'more than 350,000 bytes: what came in that does not belong there?' >&2; exit 1; }; \
	$(BIN)/python -m venv "$$tmp/venv"; \
	"$$tmp/venv/bin/pip" install --quiet "$$(echo "$$tmp"/dist/*.whl)[auth]" check-jsonschema pytest pytest-xdist hypothesis jsonschema; \
	mkdir "$$tmp/copy"; \
	for item in *; do \
	  case $$item in tic_exporter|dist|build|htmlcov) ;; *) cp -R "$$item" "$$tmp/copy/" ;; esac; \
	done; \
	TIC_CAPTURES=$$($(BIN)/python tests/helpers/recordings.py); export TIC_CAPTURES; \
	unset PYTHONPATH; cd "$$tmp/copy"; \
	"$$tmp/venv/bin/python" -c 'import sys, tic_exporter as t; print("Testing", t.__version__, "of", t.__file__); sys.exit(not t.__file__.startswith(sys.prefix))'; \
	"$$tmp/venv/bin/python" -m pytest -n auto --dist worksteal

.PHONY: test-debian
test-debian: ## Decode, and serve a simulated meter, with Debian's own Python and its packages
	scripts/test-debian

.PHONY: test-zabbix
test-zabbix: venv ## Try the Zabbix template in a real Zabbix 6.0 from Debian's packages: six minutes
	scripts/ensure-tools --zabbix
	PYTHONPATH=tests:tests/zabbix $(BIN)/python -u tests/zabbix/trial.py

.PHONY: deb
deb: ## Build the Debian package into dist/
	scripts/build-deb dist

# As root. The minimal Debian that these start from is made once a week and kept in ~/.cache.
.PHONY: test-deb
test-deb: ## Build the Debian package; install, run, upgrade and purge it in a clean chroot
	scripts/test-deb

.PHONY: test-systemd
test-systemd: venv ## Boot a minimal Debian with the package and try its service under systemd
	scripts/test-systemd

.PHONY: test-image
test-image: venv ## Build the container image and run it, without a registry
	scripts/test-image

.PHONY: test-kubernetes
test-kubernetes: venv ## Render examples/kubernetes and check it against published schemas
	scripts/test-kubernetes

.PHONY: clean
clean: ## Remove what building and testing left behind; .venv stays
	rm -rf build dist htmlcov .fuzz .hypothesis .mypy_cache .pytest_cache .ruff_cache docs/metrics.md.new
	rm -f .coverage .coverage.*
	find . -path ./$(VENV) -prune -o -type d -name __pycache__ -exec rm -rf {} +
