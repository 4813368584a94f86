# The house's front door; Meson does the work. `make help` lists the targets.
# CC chooses the compiler, PREFIX where `make install` goes, OPTIONS adds Meson options (-Dwerror=true).
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 60
OPTIONS ?=
export CC OPTIONS DESTDIR

.NOTPARALLEL:
.DEFAULT_GOAL := all
.PHONY: all setup deps demo test dev lint format bench fuzz install clean help

all: deps ## build/tiro, release
	scripts/build build --buildtype=release -Dprefix=$(PREFIX) $(OPTIONS)

setup: ## install the Debian packages that a build and the tests need
	scripts/setup build runtime test test-programs

deps:
	scripts/setup --check build
	scripts/deps

demo: ## fresh machine: install, build, fetch a model, then turn a recording and a page into text
	scripts/demo

test: setup all ## every test, as CI runs it
	scripts/test build

dev: deps ## the tests under ASan and UBSan, warnings are errors
	scripts/build build-dev -Dwerror=true -Dbuildtype=debug -Doptimization=1 \
		-Db_sanitize=address,undefined -Db_lundef=false
	scripts/test build-dev

lint: all ## format, static analysis, rooms, sizes, licences, scripts
	scripts/setup --check lint
	scripts/lint/all build

format: ## lay out all C files
	git ls-files '*.c' '*.h' | xargs clang-format-14 -i

bench: all ## measure against other programs
	scripts/setup --check bench
	bench/run

fuzz: deps ## run each fuzz target for FUZZ_SECONDS
	CC=clang-14 scripts/build build-fuzz -Dfuzzers=true -Dbuildtype=debugoptimized \
		-Db_sanitize=address,undefined -Db_lundef=false
	scripts/fuzz build-fuzz $(FUZZ_SECONDS)

install: deps ## into PREFIX (below DESTDIR)
	scripts/build build-install --buildtype=release -Dprefix=$(PREFIX) -Dlibdir=lib -Dtests=false \
		-Dopenvino_dir=$(PREFIX)/lib/tiro/openvino
	scripts/install build-install $(PREFIX)

clean: ## remove what was built; fetched sources and models stay
	rm -rf build build-*

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1 \t\2/p' Makefile | expand -t 16
