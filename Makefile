# Two commands on a fresh machine: make demo, make test. Both make .venv and install what is needed; so does make docs.
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python

.PHONY: demo test lint table load bench speed grid pages import docs dist release clean

demo: $(VENV)/installed
	$(RUN) tutorials/demo.py $(DEMO)

test: $(VENV)/installed
	$(RUN) -m pytest --numprocesses 2 --dist worksteal $(TESTS)

lint: $(VENV)/installed
	$(RUN) -m ruff check .
	$(VENV)/bin/lint-imports

# The table of time step against error, of the README and "How fast, how exact".
table: $(VENV)/installed
	$(RUN) benchmarks/time_step.py

# The fraction of random networks that fit the chip, by the load of its CAM.
load: $(VENV)/installed
	$(RUN) benchmarks/mapping_load.py

# Speed side by side: NumPy, Cython, C++, plain Brian2, DynapSim, a loop by hand. Some ten minutes of a quiet machine.
bench: $(VENV)/installed
	$(RUN) benchmarks/bench.py

# Time step against speed and error of a chip, and the page "How fast, how exact" with all that was measured.
speed: $(VENV)/installed
	$(RUN) benchmarks/step_speed.py
	$(RUN) docs/speed_page.py

# The whole grid of 15 x 15 chips: memory and speed.
grid: $(VENV)/installed
	$(RUN) benchmarks/grid.py

# The page of every circuit, docs/circuits, from the equation files; the tables of docs/known.md; the picture of the chip.
pages: $(VENV)/installed
	$(RUN) docs/circuit_pages.py
	$(RUN) docs/known_page.py
	$(RUN) docs/chip_picture.py

# Import times in fresh processes, against NumPy and Brian2; sizes of the wheel and of what it installs.
import: $(VENV)/installed
	$(RUN) benchmarks/import_time.py

# Source distribution and wheel, in dist/.
dist: $(VENV)/installed
	rm -rf dist
	$(RUN) -m build

# Builds, and tries the wheel in clean environments with the oldest and newest dependencies. RELEASE=--tests: all tests there.
release: $(VENV)/installed
	$(RUN) tests/release/release.py $(RELEASE)

# The site, docs/_build/html, and a check of its links. Notebooks are executed: in full, or smaller with QUICK=1.
docs: $(VENV)/installed_docs
	BRIAN2DYNAPSE_QUICK=$(QUICK) $(RUN) -m sphinx -W --keep-going -n docs docs/_build/html
	$(RUN) docs/check_links.py docs/_build/html

$(VENV)/installed_docs: $(VENV)/installed
	$(RUN) -m pip install --quiet --editable '.[docs]'
	touch $@

$(VENV)/installed: pyproject.toml setup.cfg
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --upgrade pip
	$(RUN) -m pip install --quiet --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) demo_output build dist *.egg-info docs/_build docs/api docs/biases docs/papers docs/tutorials
	rm -f docs/changelog.md docs/contributing.md docs/files.md
