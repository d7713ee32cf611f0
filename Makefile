# Two commands do all the set-up: `make stress` and `make test`. PYTHON chooses the interpreter (3.11 to 3.13).
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

# Two at a time. First those of figures and checks, which need a core each; then those of real engines and
# processes, which mostly wait.
PURE := tests/unit tests/bite tests/selftest

.PHONY: stress test test-slow lint docs schema recordings clean

stress: $(VENV)/.installed  ## run the standard suite; make stress ARGS="--suite quick"
	@$(BIN)/duroxide-stress run $(ARGS)

test: $(VENV)/.installed-test lint  ## everything but what is marked slow
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile $(PURE) $(ARGS) || [ $$? -eq 5 ]
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile $(addprefix --ignore=,$(PURE)) $(ARGS) || [ $$? -eq 5 ]

test-slow: $(VENV)/.installed-test  ## what `make test` leaves out
	$(BIN)/python -m pytest -m slow $(ARGS)

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.installed-test  ## build the documentation into site/; a broken link fails it
	$(BIN)/mkdocs build --strict --quiet

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[postgres]"
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[test]"
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) site .pytest_cache .mypy_cache .ruff_cache

schema: $(VENV)/.installed  ## write the published JSON Schema from the result's types
	$(BIN)/python -c "import msgspec; from duroxide_stress.reports.json import generate_schema as g; print(msgspec.json.format(msgspec.json.encode(g()), indent=2).decode())" > src/duroxide_stress/schemas/result-1.json

recordings: $(VENV)/.installed-test  ## make the saved recordings of tests/recordings anew
	cd tests && $(abspath $(BIN))/python -m recordings.save $(ARGS)
