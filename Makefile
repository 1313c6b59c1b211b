# Everything is typed through these; set-up speaks on stderr, a command's own output is on stdout.
.NOTPARALLEL:
.PHONY: help setup demo check test bench lock proto clean
python = .venv/bin/python
# Tests that compute, or ask a database, run two at a time, and behind them those that start KEL's
# processes, which mostly wait; the few that keep both cores busy want the machine for themselves.

help:
	@echo "make demo            set up what is missing and play the example city's day (ARGS=--json)"
	@echo "make test            set up what is missing, check, run all tests (ARGS='-k burst')"
	@echo "make check           style, types, the layout's laws: seconds"
	@echo "make setup           set up only"
	@echo "make bench NAME=...  one of benchmarks/, e.g. NAME=pipeline"
	@echo "make lock            resolve requirements/lock.txt anew (ARGS=--upgrade)"
	@echo "make proto           ingest/decoders/sparkplug_b_pb2.py from its .proto"
	@echo "make clean           remove what set-up and tools made in this folder"

setup:
	@setup/setup.sh demo

demo: setup
	@.venv/bin/kel demo $(ARGS)

check:
	@setup/setup.sh check
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(python) -m pytest -q tests/unit/test_words.py

test:
	@setup/setup.sh test
	@$(MAKE) --no-print-directory check
ifeq ($(strip $(ARGS)),)
	@failed=0; \
	$(python) -m pytest -m "not processes and not alone" -n 2 --dist loadfile || failed=1; \
	$(python) -m pytest -m "processes and not alone" -n 2 --dist loadfile || failed=1; \
	$(python) -m pytest -m alone || failed=1; \
	exit $$failed
else
	@$(python) -m pytest $(ARGS)
endif

bench: setup
	@$(python) -m benchmarks.$(NAME) $(ARGS)

# One set of versions for Python 3.11 to 3.13, resolved for the oldest; what stands in the lock stays
# unless the project's requirements or --upgrade ask for another.
lock: .kel/uv/bin/uv
	@.kel/uv/bin/uv pip compile pyproject.toml --extra dev --quiet $(ARGS) \
		--python-version 3.11 --python-platform linux --no-build --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		--output-file requirements/lock.txt

.kel/uv/bin/uv:
	@python3 -m venv .kel/uv
	@.kel/uv/bin/pip install --quiet --disable-pip-version-check uv

proto:
	@$(python) -m grpc_tools.protoc --proto_path=. --python_out=. --pyi_out=. \
		ingest/decoders/sparkplug_b.proto

clean:
	@rm -rf .venv .kel build *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
