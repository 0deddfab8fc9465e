# Shuniu 枢纽. `make help` explains itself. Needs Python ≥ 3.11 with venv, and make; nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help demo test unit check format bench chaos docs lock clean

help: ## 本说明 / this text
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.installed ## 临洮示例：建库、发布、取数、确认、拒收；ARGS="--exit" 演示后退出 / the Lintao example
	@$(BIN)/shuniu demo $(ARGS)

# Tests start hundreds of processes; without bytecode each would compile the whole product again.
test: $(VENV)/.installed-dev ## 全部测试与覆盖率 / all tests, with coverage
	@$(BIN)/python -m coverage erase
	@PYTHONDONTWRITEBYTECODE= COVERAGE_PROCESS_START=pyproject.toml $(BIN)/python -m pytest -p tests.support.measuring -n 2 --dist loadscope --no-loadscope-reorder --max-worker-restart=0 $(ARGS)
	@$(BIN)/python -m coverage combine -q
	@$(BIN)/python -m coverage report

unit: $(VENV)/.installed-dev ## 单元测试：不用数据库、进程和网络 / unit tests: no database, no process, no network
	@$(BIN)/python -m pytest -n 2 -m unit $(ARGS)

check: $(VENV)/.installed-dev ## 格式、风格、类型、层次 / format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.installed-dev ## 整理格式 / format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/.installed ## 性能测试（需要 wrk），结果写入 build/bench.json / measure, needs wrk
	@$(BIN)/python -m tools.bench $(ARGS)

chaos: $(VENV)/.installed-dev ## 十分钟的破坏试验：杀、停、断、延迟，结果写入 build/chaos.json / ten minutes of kills, stops, cuts and delays
	@$(BIN)/python -m tests.chaos $(or $(ARGS),--minutes 10)

docs: $(VENV)/.installed ## 由代码生成 docs/settings.md 等 / regenerate generated docs
	@$(BIN)/python -m hub.settings > docs/settings.md
	@$(BIN)/python -m hub.duties.table docs/duties.md
	@$(BIN)/python -m catalog.lists.table docs/lists.md

lock: ## 重新锁定依赖（需要 uv）/ pin dependencies anew, needs uv
	@uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --no-annotate -q -o requirements.txt
	@uv pip compile pyproject.toml --group build --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --no-annotate -q -c requirements.txt -o requirements-dev.txt

clean: ## 删除构建产物与虚拟环境 / remove everything that was built
	@rm -rf build $(VENV) *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.*

$(VENV)/.python:
	@command -v $(PYTHON) >/dev/null || { echo "找不到 $(PYTHON)：请安装 Python 3.11 以上（Debian/Ubuntu：apt install python3 python3-venv）"; \
		echo "$(PYTHON) not found: install Python 3.11 or later (Debian/Ubuntu: apt install python3 python3-venv)"; exit 3; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "需要 Python 3.11 以上；可用 make PYTHON=/path/to/python3.11 指定 / Python 3.11 or later is needed; name one with make PYTHON=…"; exit 3; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "Python 缺少 venv 或 pip：请安装 python3-venv（Debian/Ubuntu：apt install python3-venv）"; \
		echo "Python lacks venv or pip: install python3-venv (Debian/Ubuntu: apt install python3-venv)"; exit 3; }
	@echo "建立虚拟环境 $(VENV) / creating the virtual environment"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: requirements.txt pyproject.toml | $(VENV)/.python
	@echo "安装依赖（逐个校验哈希）/ installing dependencies, each checked against its hash"
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "安装开发依赖 / installing development dependencies"
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on --require-hashes -r requirements-dev.txt
	@touch $@
