# The front door. Everything else is Meson's business (build/), or npm's (tests/, web/, clients/js/).
BUILD ?= build
PROGRAMS = src/cmd/waboxd src/cmd/waboxctl src/cmd/wabox-sim src/cmd/wabox-media
# A Node of our own (tools/install-deps) where Debian's is too old.
export PATH := $(CURDIR)/tools/node/node_modules/.bin:$(PATH)
.PHONY: all deps deps-test run test unit chat web clean

all: deps $(BUILD)/build.ninja web
	ninja -C $(BUILD)

deps:
	@tools/install-deps

deps-test:
	@tools/install-deps test

$(BUILD)/build.ninja: meson.build | deps
	meson setup $(BUILD) >/dev/null

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

unit: deps $(BUILD)/build.ninja
	ninja -C $(BUILD) && meson test -C $(BUILD) --no-rebuild

# libsio alone: a chat room in the browser.
chat: deps $(BUILD)/build.ninja
	ninja -C $(BUILD) examples/chat
	@tools/run-chat

clean:
	rm -rf $(BUILD) web/dist
