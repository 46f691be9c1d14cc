# Two commands do everything on a fresh clone: make demo, make test.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test lint coverage docs viewer clean

demo: .venv/package
	$(BIN)/pstmo demo

test: .venv/dev lint
	$(BIN)/pytest -q -n 2 --dist loadfile

lint: .venv/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright

# Which lines the tests come by, also in the processes they start.
coverage: .venv/dev
	$(BIN)/pytest -q -n 2 --dist loadfile --cov

.venv/package: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) --editable ".[video]"
	touch $@

.venv/dev: .venv/package
	$(PIP) --editable ".[dev]"
	touch $@

docs: .venv/docs
	$(BIN)/python runs/docs_site.py

.venv/docs: .venv/package
	$(PIP) --editable ".[docs]"
	touch $@

# The page's script; only needed after a change in viewer/src. Needs Node.
viewer:
	cd viewer && npm ci && npm run build

clean:
	rm -rf .venv out .cache
