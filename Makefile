# ThingWarden. `make` alone lists what there is to do.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SECONDS ?=
PORT ?=
DEVICE ?=
option = $(if $(2),--$(1) '$(subst ','\'',$(2))')

.DEFAULT_GOAL := help
.PHONY: help demo test run flash lint lock clean

help:  ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

demo: $(VENV)/ready  ## the whole loop without hardware (SECONDS=20 stops by itself)
	@$(BIN)/python -m tools.demo $(if $(SECONDS),--seconds $(SECONDS))

test: $(VENV)/ready  ## every test
	@$(BIN)/python -m pytest -n auto --dist worksteal

run: $(VENV)/ready  ## the agent, from ./agent.toml
	@$(BIN)/thingwarden run

flash: $(VENV)/ready  ## the firmware to a board: DEVICE=front-door, PORT=... if several are plugged in
	@$(BIN)/python -m tools.board flash $(call option,port,$(PORT)) $(call option,device,$(DEVICE))

lint: $(VENV)/ready $(VENV)/stubs  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd firmware && ../$(BIN)/mypy --config-file mypy.ini -p warden

lock:  ## pin the newest versions that pyproject.toml admits
	$(PYTHON) -m venv build/uv && build/uv/bin/pip install -q uv
	build/uv/bin/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --extra dev pyproject.toml -o requirements.lock
	echo micropython-esp32-stubs | build/uv/bin/uv pip compile -q --upgrade --python-version 3.11 \
		--generate-hashes --no-header --no-annotate - -o requirements-stubs.lock

clean:  ## remove everything that make made
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "ThingWarden needs Python 3.11 or newer; try: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Setting up $(VENV) (once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# What the board's modules offer, for mypy; beside the environment, where it would shadow typeshed.
$(VENV)/stubs: requirements-stubs.lock | $(VENV)/ready
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
		--upgrade --target $@ -r requirements-stubs.lock
	@touch $@
