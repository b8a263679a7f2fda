# The front door. Everything else is Meson's business (build/), or npm's (tests/, web/, clients/js/).
BUILD ?= build
PROGRAMS = src/cmd/waboxd src/cmd/waboxctl src/cmd/wabox-sim src/cmd/wabox-media
# A Node of our own (tools/install-deps) where Debian's is too old.
export PATH := $(CURDIR)/tools/node/node_modules/.bin:$(PATH)
.PHONY: all deps deps-test run test gate unit chat web clean asan tsan fuzz fmt lint test-one

all: deps $(BUILD)/build.ninja web
	ninja -C $(BUILD)

deps:
	@tools/install-deps

deps-test:
	@tools/install-deps test

# Warnings are errors in CI only: a newer compiler must not stop anybody from building.
$(BUILD)/build.ninja: meson.build | deps
	meson setup $(BUILD) $(if $(CI),-Dwerror=true) >/dev/null

# The inbox page; waboxd embeds web/dist when it is there.
web: deps
	@tools/build-web

# WaBox with a simulated WhatsApp: link a number and chat within a minute, no phone and no configuration.
run: deps $(BUILD)/build.ninja web
	@ninja -C $(BUILD) $(PROGRAMS)
	@BUILD=$(BUILD) tools/run-demo

# Everything: C unit tests and fuzzers, the official clients, Baileys, browsers.
test: deps-test all
	@python3 tests/run.py

# The gate (.ci/run): also the build with clang, and what runs under the sanitizers.
gate: deps-test all
	@python3 tests/run.py --gate

# One test by name: of C (make test-one T=pool), a file of a suite (T=send), or a whole suite of tests/run.py.
test-one: deps $(BUILD)/build.ninja
	@BUILD=$(BUILD) tools/test-one "$(T)"

# C tests, contract tests and raw Socket.IO under AddressSanitizer and UndefinedBehaviorSanitizer.
asan: deps-test
	@python3 tests/run.py asan

# Pool, writer and dispatch under ThreadSanitizer.
tsan: deps-test
	@python3 tests/run.py tsan

# Every fuzzer with libFuzzer, SECONDS each (60).
fuzz:
	@tools/install-deps fuzz
	@tools/fuzz $(or $(SECONDS),60)

# Rewrites the C files as .clang-format says.
fmt:
	@tools/check_format --write

lint: deps-test
	@python3 tests/run.py layers format lint

unit: deps $(BUILD)/build.ninja
	ninja -C $(BUILD) && meson test -C $(BUILD) --no-rebuild

# libsio alone: a chat room in the browser.
chat: deps $(BUILD)/build.ninja
	ninja -C $(BUILD) examples/chat
	@tools/run-chat

clean:
	rm -rf $(BUILD) web/dist
