#!/bin/sh
# What a stranger does with libwa: installs, asks pkg-config, compiles each header alone and the example,
# links it to a simulated phone, and is answered.
#   install_wa.sh SOURCE_DIR BUILD_DIR
set -eu
dir=$(mktemp -d)
pids=
trap 'for p in $pids; do kill "$p" 2>/dev/null || true; done; rm -rf "$dir"' EXIT
meson install -C "$2" --no-rebuild --destdir "$dir/root" >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
pc=$(find "$dir/root" -name wa.pc)
export PKG_CONFIG_PATH="$(dirname "$pc")" PKG_CONFIG_SYSROOT_DIR="$dir/root"
flags=$(pkg-config --cflags wa)
include=$(find "$dir/root" -type d -path '*/include/wa')
for header in "$include"/*.h; do
  printf '#include <wa/%s>\n#include <wa/%s>\nint main(void) { return 0; }\n' "$(basename "$header")" "$(basename "$header")" |
    cc -x c -std=c17 -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wundef -Werror $flags -fsyntax-only -
done
cc -std=c17 -Wall -Wextra -Werror "$1/examples/wa_echo.c" $flags $(pkg-config --libs wa) -o "$dir/wa_echo"
"$2/src/cmd/wabox-sim" --port=0 >"$dir/sim" 2>"$dir/sim.log" &
pids=$!
python3 - "$dir" <<'PY'
import json, re, subprocess, sys, time, urllib.request
dir = sys.argv[1]

def wait(path, pattern):
    for _ in range(300):
        found = re.search(pattern, open(path).read())
        if found:
            return found
        time.sleep(0.1)
    sys.exit(f"{pattern} did not appear: {open(path).read()[-500:]}")

port = wait(dir + "/sim", r'"port":(\d+)')[1]

def admin(path, body, kind="application/json"):
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/admin/{path}", data=data, headers={"content-type": kind})
    return json.load(urllib.request.urlopen(request, timeout=10))

admin("phones", {"phone": "6281300000009", "pushName": "Customer"})
out = open(dir + "/out", "w")
bot = subprocess.Popen([dir + "/wa_echo", f"ws://127.0.0.1:{port}/ws/chat"], stdout=out, stderr=subprocess.STDOUT)
try:
    qr = wait(dir + "/out", r"qr (\S+)")[1]
    admin("mock-phone/scan-qr?phone=6281200000001", qr, "text/plain")
    wait(dir + "/out", r"CONNECTED")
    admin("phone/6281300000009/send", {"to": "6281200000001", "text": "Hello there"})
    wait(dir + "/out", r"echo Hello there")
    for _ in range(100):
        page = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/admin/phone/6281300000009/messages", timeout=10))
        if any(m.get("text") == "Hello there" and not m.get("fromMe") for m in page["messages"]):
            break
        time.sleep(0.1)
    else:
        sys.exit(f"the echo did not arrive: {page}")
finally:
    bot.kill()
PY
echo "installed, compiled, linked, answered"
