# What a person types here. What takes more than a line is in tools/.
.DEFAULT_GOAL := help
.PHONY: help demo test lint wheel bench bench-peers fuzz clean

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

bench: ## how fast: nearest hits, vertices, loading
	@cargo bench --locked -p optiverse-core

bench-peers: ## the tracer beside Embree (libembree-dev), parry2d and bvh
	@cargo run --release --locked --quiet --manifest-path bench-peers/trace/Cargo.toml

fuzz: ## ten minutes of random input for the decoders (FUZZ_SECONDS=600)
	@tools/fuzz.sh

clean: ## remove everything that was built
	@rm -rf .venv out target fuzz/target .mypy_cache .pytest_cache .ruff_cache
