#!/usr/bin/env bash
# Runs the three official protocol suites against the server under test and prints their totals.
#   official.sh CHECKOUT [SUITE…]     CHECKOUT: a clone of socketio/socket.io; SUITE: engine-v4 engine-v3 socket-v5
# Environment: SIO_SERVER (command line, default the built conformance example), PATCHED=0 to run the upstream text as it is.
# The suites are copied to a temporary folder; the checkout is not changed. Their own npm dependencies are installed there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
checkout=${1:?usage: official.sh CHECKOUT [engine-v4|engine-v3|socket-v5 …]}
checkout=$(cd "$checkout" && pwd)
shift
suites=("$@")
[ ${#suites[@]} -gt 0 ] || suites=(engine-v4 engine-v3 socket-v5)
command=${SIO_SERVER:-$here/../../../build/examples/conformance}

work=$(mktemp -d)
server=
cleanup() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
    rm -rf "$work"
}
trap cleanup EXIT

folder_of() {
    case $1 in
    engine-v4) echo docs/engine.io-protocol/v4-test-suite ;;
    engine-v3) echo docs/engine.io-protocol/v3-test-suite ;;
    socket-v5) echo docs/socket.io-protocol/v5-test-suite ;;
    *) echo "unknown suite $1" >&2; exit 2 ;;
    esac
}
port_of() { # the v3 suite wants a listener with EIO3 enabled
    case $1 in engine-v3) echo eio3 ;; *) echo main ;; esac
}

# One server for all suites, the protocol application with its defaults.
# shellcheck disable=SC2086
(cd "$here" && exec $command --app=protocol --port=0 --port-eio3=0) >"$work/ready" 2>"$work/stderr" &
server=$!
for _ in $(seq 100); do
    grep -q '"ready":true' "$work/ready" && break
    kill -0 "$server" 2>/dev/null || { echo "the server ended:"; cat "$work/stderr"; exit 1; }
    sleep 0.1
done
port() { node -e 'console.log(JSON.parse(require("fs").readFileSync(process.argv[1]).toString().split("\n")[0])[process.argv[2]])' "$work/ready" "$1"; }

# Two places where the upstream text loses a race (see README): events that come in the segment of the 101 are not seen by v3,
# and "closes the session upon ping timeout" waits not one millisecond longer than the server may take.
patch_suite() {
    local file=$1 suite=$2
    [ "${PATCHED:-1}" = 1 ] || return 0
    node - "$file" "$suite" "$work/v4.js" <<'JS'
const fs = require('fs');
const [file, suite, v4file] = process.argv.slice(2);
let text = fs.readFileSync(file, 'utf8');
text = text.replaceAll('sleep(PING_INTERVAL + PING_TIMEOUT)', 'sleep(PING_INTERVAL + PING_TIMEOUT + 50)');
if (suite === 'engine-v3') {
  // the helper of the v4 suite, which buffers events from the start
  const v4 = fs.readFileSync(v4file, 'utf8');
  const helper = v4.slice(v4.indexOf('function createWebSocket'), v4.indexOf('async function initLongPollingSession'));
  text = text.slice(0, text.indexOf('function waitFor')) + helper + text.slice(text.indexOf('function decodePayload'));
  text = text.replaceAll('new WebSocket(', 'createWebSocket(').replace('const socket = createWebSocket(url);', 'const socket = new WebSocket(url);');
}
fs.writeFileSync(file, text);
JS
}

cp "$checkout/$(folder_of engine-v4)/test-suite.js" "$work/v4.js"
failed=0
for suite in "${suites[@]}"; do
    source=$checkout/$(folder_of "$suite")
    copy=$work/$suite
    mkdir "$copy"
    cp "$source"/{package.json,package-lock.json,node-imports.js,test-suite.js} "$copy/"
    address=127.0.0.1:$(port "$(port_of "$suite")")
    sed -i "s|http://localhost:3000|http://$address|g" "$copy/test-suite.js"
    patch_suite "$copy/test-suite.js" "$suite"
    (cd "$copy" && npm ci --silent --no-fund --no-audit --ignore-scripts) >"$work/npm.log" 2>&1 || { cat "$work/npm.log"; exit 1; }
    echo "=== $suite at $address"
    (cd "$copy" && timeout 120 npx --no-install mocha test-suite.js --exit --reporter "${REPORTER:-dot}") >"$work/$suite.log" 2>&1 || failed=1
    sed -n '/passing/,$p' "$work/$suite.log" | sed 's/^/    /'
    grep -q passing "$work/$suite.log" || { cat "$work/$suite.log"; failed=1; }
done
exit $failed
