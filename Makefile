# What a person types here. What takes more than a line is in tools/.
.DEFAULT_GOAL := help
.PHONY: help demo test lint wheel header install bench bench-peers fuzz soak clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 16

demo: wheel ## build everything, trace the shipped scenes, print where the power went, write pictures into out/
	@tools/demo.sh out

test: ## every check and every test; Python's on the wheel that is shipped
	@tools/wheel.sh dev && .venv/bin/python tools/suites.py

lint: ## formatting, lints, types, documentation, links, house rules
	@tools/wheel.sh dev && tools/lint.sh

wheel: ## build the Python wheel in release and install it into .venv
	@tools/wheel.sh

header: ## write include/optiverse.h from the source of optiverse-ffi
	@cargo run --quiet --locked -p optiverse-header

PREFIX ?= /usr/local
CLIENT ?= yes
install: ## headers and libraries for C and C++ (PREFIX=/usr/local; CLIENT=no: without TLS and clients)
	@tools/install.sh "$(PREFIX)" "$(CLIENT)"

bench: ## how fast: nearest hits, vertices, loading, synchronisation; the relay beside a program that only forwards
	@cargo bench --locked -p optiverse-core
	@cargo bench --locked -p optiverse-relay --bench relay

bench-peers: ## the same beside other libraries, and beside the app's engine (OPTIVERSE_APP, OPTIVERSE_APP_PYTHON)
	@tools/bench_peers.sh

fuzz: ## ten minutes of random input for the decoders and the synchronisation (FUZZ_SECONDS=600)
	@tools/fuzz.sh

soak: ## ten minutes of random schedules of synchronisation with fresh seeds (SOAK_SECONDS=600)
	@tools/soak.sh

clean: ## remove everything that was built
	@rm -rf .venv out target fuzz/target bench-peers/*/target .mypy_cache .pytest_cache .ruff_cache
