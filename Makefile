# Everything runs from .venv, which each target makes by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
DJANGO_ENV := ENV_FILE=/dev/null SECRET_KEY=not-a-secret

.PHONY: demo serve test check bench soak setup setup-dev lock static

demo: setup
	@exec $(BIN)/python -m acsportal.demo

serve: setup
	@exec $(BIN)/python -m acsportal.serve

test: setup-dev
	@$(BIN)/pytest -q -n $${TEST_WORKERS:-3} --dist loadscope --no-loadscope-reorder -m "not soak and not alone" $(ARGS)
	@[ -n "$(ARGS)" ] || $(BIN)/pytest -q -m "alone and not soak"

check: setup-dev
	@$(BIN)/ruff format --check . && $(BIN)/ruff check .
	@$(BIN)/mypy acsportal calls streaming tests bench
	@$(BIN)/pytest -q -p no:cacheprovider tests/test_architecture.py
	@$(BIN)/python -m tests.house_figures
	@$(DJANGO_ENV) $(BIN)/python manage.py makemigrations --check --dry-run
	@sha256sum --check --quiet static/vendor/SHA256SUMS

bench: setup-dev
	@for bench in bench/*.py; do PYTHONPATH=. $(BIN)/python $$bench || exit 1; done

soak: setup-dev
	@SOAK=1 LONG=1 $(BIN)/pytest -m "soak or long or alone" --timeout 0

setup: $(VENV)/.base $(VENV)/.speech
setup-dev: $(VENV)/.dev

$(VENV)/bin/pip:  # what a virtual environment gets last: one that was broken off is made again
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or newer is needed, and $(PYTHON) is none. Name another one: make demo PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || \
	  { rm -rf $(VENV); echo "$(PYTHON) cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }

$(VENV)/.base: requirements.txt | $(VENV)/bin/pip
	@echo "Setting up .venv (once) …"
	@$(BIN)/pip install --quiet --require-hashes --prefer-binary -r requirements.txt
	@touch $@

$(VENV)/.speech: requirements-speech.txt requirements-recognition.txt | $(VENV)/.base
	@$(BIN)/pip install --quiet --require-hashes --only-binary :all: -r requirements-speech.txt || \
	  echo "There is no local speech engine for this Python: typed text cannot be spoken (all else works)."
	@$(BIN)/pip install --quiet --require-hashes --only-binary :all: -r requirements-recognition.txt || \
	  echo "There is no local recogniser for this Python: only Azure and OpenAI can write calls down (all else works)."
	@touch $@

$(VENV)/.dev: requirements-dev.txt | $(VENV)/bin/pip
	@$(BIN)/pip install --quiet --require-hashes --prefer-binary -r requirements-dev.txt
	@touch $@ $(VENV)/.base $(VENV)/.speech

# Pins with hashes, from pyproject.toml; needs uv.
lock:
	uv pip compile $(LOCK) pyproject.toml -o requirements.txt
	uv pip compile $(LOCK) --extra speech-local --extra azure-storage --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	echo espeakng-loader | uv pip compile $(LOCK) -c requirements-dev.txt - -o requirements-speech.txt
	echo pocketsphinx | uv pip compile $(LOCK) -c requirements-dev.txt - -o requirements-recognition.txt
LOCK := --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet
