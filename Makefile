# Two commands on a fresh machine: make demo, make test. Both make .venv and install what is needed; so does make docs.
PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python

.PHONY: demo test lint table load bench speed grid pages docs clean

demo: $(VENV)/installed
	$(RUN) tutorials/demo.py $(DEMO)

test: $(VENV)/installed
	$(RUN) -m pytest --numprocesses 2 --dist worksteal $(TESTS)

lint: $(VENV)/installed
	$(RUN) -m ruff check .
	$(VENV)/bin/lint-imports

# The table of time step against error in the README.
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

# The page of every circuit, docs/circuits, from the equation files.
pages: $(VENV)/installed
	$(RUN) docs/circuit_pages.py

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
	rm -rf $(VENV) demo_output build *.egg-info docs/_build docs/api docs/biases docs/papers docs/tutorials
	rm -f docs/changelog.md docs/contributing.md docs/files.md
