# Wattline. `make` lists the targets. Works on a machine with Python 3.11 to 3.14, make and Node.js 20.19 or newer.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test test-page test-python check bench fuzz faults picture lock secrets device certificate remove-device clean environment environment-dev page servers

PYTHON := .venv/bin/python
ARGS ?=
NAME ?=
HOST ?=
SECONDS ?= 60
# test files at once; 0 is one after another, as a debugger needs it
WORKERS ?= 3

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: environment page ## start everything with a simulated estate (ARGS="--help" for options)
	@$(PYTHON) -m wattline run --demo $(ARGS)

test: test-page test-python ## all tests, on real servers (ARGS="tests/core -k name" picks tests)

check: environment-dev ## format, lint, types, import contracts
	@$(PYTHON) -m tools.check

bench: environment-dev ## benchmarks, all or NAME=name: one line of JSON each
	@$(PYTHON) -m tools.bench $(NAME)

fuzz: environment-dev ## fuzz campaigns of SECONDS=60 each, all or NAME=decoders, shapes, stream
	@$(PYTHON) -m tools.fuzz "$(NAME)" "$(SECONDS)"

faults: environment-dev servers ## a campaign of faults, NAME=ingest-killed ARGS="--trials 20": one line of JSON
	@$(PYTHON) -m tests.faults $(NAME) $(ARGS)

picture: environment-dev page servers ## take the README's picture of the page anew
	@PAGE_PICTURE=docs/page.png $(PYTHON) -m pytest tests/web -k picture

lock: environment-dev ## remake the pinned requirements from requirements/*.in (UPGRADE=1 takes newer versions)
	@$(PYTHON) -m tools.lock $(if $(UPGRADE),--upgrade)

secrets: ## passwords and certificates for docker-compose.yml (HOST=name of the broker for devices)
	@python=$$(sh tools/find_python.sh) && "$$python" -m tools.deploy secrets $(HOST)

device: ## let a device into the broker of docker-compose.yml: NAME=meter-17 prints its new password
	@python=$$(sh tools/find_python.sh) && "$$python" -m tools.deploy device "$(NAME)"

certificate: ## a client certificate, where the broker asks for them too: NAME=meter-17
	@python=$$(sh tools/find_python.sh) && "$$python" -m tools.deploy certificate "$(NAME)"

remove-device: ## shut a device out again: NAME=meter-17
	@python=$$(sh tools/find_python.sh) && "$$python" -m tools.deploy remove-device "$(NAME)"

clean: ## remove what make made; recorded data in data/ stays
	@rm -rf .venv web/node_modules web/dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

test-page: environment-dev
	@$(PYTHON) -m tools.page test

test-python: environment-dev page servers
	@$(PYTHON) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

environment:
	@python=$$(sh tools/find_python.sh) && "$$python" -m tools.environment run

environment-dev:
	@python=$$(sh tools/find_python.sh) && "$$python" -m tools.environment dev

page:
	@python=$$(sh tools/find_python.sh) && "$$python" -m tools.page build

servers:
	@python=$$(sh tools/find_python.sh) && "$$python" -m tools.debian
