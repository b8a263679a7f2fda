# The front door. Everything else is Meson's business (build/), or npm's (tests/, web/, clients/js/).
BUILD ?= build
.PHONY: all run test unit chat web bench clean doctor

all: deps $(BUILD)/build.ninja web
	ninja -C $(BUILD)

deps:
	@tools/install-deps
.PHONY: deps

$(BUILD)/build.ninja: meson.build
	meson setup $(BUILD) >/dev/null

# The inbox page; waboxd embeds web/dist when it is there.
web: deps
	@tools/build-web

# WaBox with a simulated WhatsApp: link a number and chat within a minute, no phone and no configuration.
run: all
	@tools/run-demo

# Everything: C unit tests and fuzzers, the official clients, Baileys, browsers.
test: all
	@python3 tests/run.py

unit: deps $(BUILD)/build.ninja
	ninja -C $(BUILD) && meson test -C $(BUILD) --no-rebuild

# libsio alone: a chat room in the browser.
chat: deps $(BUILD)/build.ninja
	ninja -C $(BUILD) examples/chat
	@tools/run-chat

clean:
	rm -rf $(BUILD) web/dist
