#!/usr/bin/env bash
# Baileys' own end-to-end suite (WhiskeySockets/Baileys, src/__tests__/e2e) against wabox-sim. Run by hand.
#
#   e2e-baileys.sh prepare DIR     once: DIR is a checkout of the repository; installs what the suite needs, nothing else
#   e2e-baileys.sh run DIR [jest arguments]
#
# Env: WABOX_SIM as for the other tests (default build/src/cmd/wabox-sim), PORT (default 8080), SETTLE_MS (default 100).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
what=${1:?prepare or run}
dir=${2:?the Baileys checkout}

prepare() {
    cd "$dir"
    git cat-file -e HEAD:package.json
    git show HEAD:package.json >package.upstream.json
    # Only what jest and the four files need; the release tools of the original list are left out, and no script is run.
    node -e '
        const fs = require("fs"), up = JSON.parse(fs.readFileSync("package.upstream.json"))
        const needed = ["jest", "ts-jest", "typescript", "@types/jest", "@types/node", "@types/ws", "esbuild-register", "jimp", "link-preview-js"]
        const dev = Object.fromEntries(needed.map(name => [name, up.devDependencies[name]]))
        fs.writeFileSync("package.json", JSON.stringify({
            name: "baileys-e2e", version: up.version, private: true, type: "module",
            scripts: { "test:e2e": up.scripts["test:e2e"] },
            dependencies: { ...up.dependencies, ...dev, "@jest/globals": up.devDependencies.jest, esbuild: "*",
                baileys: "npm:baileys@" + up.version.replace("-rc.", "-rc") }
        }, null, 2))'
    npm install --ignore-scripts --legacy-peer-deps
    # WAProto/index.js is generated and large; some mirrors leave it out. The npm package of the same version has it.
    [ -s WAProto/index.js ] || cp node_modules/baileys/WAProto/index.js WAProto/index.js
}

run() {
    local port=${PORT:-8080} sim log
    read -ra sim <<<"${WABOX_SIM:-$root/build/src/cmd/wabox-sim}"
    log=$(mktemp)
    "${sim[@]}" --port "$port" --seed 1 --settle-ms "${SETTLE_MS:-100}" >"$log" 2>&1 &
    sim_pid=$!
    trap 'kill "$sim_pid" 2>/dev/null || true' EXIT
    for _ in $(seq 100); do grep -q '"ready":true' "$log" && break; sleep 0.1; done
    grep -q '"ready":true' "$log" || { echo "wabox-sim did not get ready:"; cat "$log"; exit 1; }
    cd "$dir"
    # The suite logs at debug level on stdout; what counts is on stderr.
    SOCKET_URL="wss://127.0.0.1:$port/ws/chat" ADV_SECRET_KEY="AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" \
        NODE_TLS_REJECT_UNAUTHORIZED=0 node --experimental-vm-modules node_modules/.bin/jest \
        --runInBand --forceExit --verbose --testMatch '**/*.test-e2e.ts' "${@:3}" >/dev/null
}

case $what in
prepare) prepare ;;
run) run "$@" ;;
*) echo "prepare or run"; exit 2 ;;
esac
