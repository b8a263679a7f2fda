#!/bin/sh
# What a stranger does: installs, asks pkg-config, compiles the example against it, connects.
#   install.sh SOURCE_DIR BUILD_DIR
set -eu
dir=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$dir"' EXIT
meson install -C "$2" --no-rebuild --destdir "$dir/root" >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
pc=$(find "$dir/root" -name sio.pc)
export PKG_CONFIG_PATH="$(dirname "$pc")" PKG_CONFIG_SYSROOT_DIR="$dir/root"
libs=$(dirname "$(find "$dir/root" -name 'libsio.so' | head -1)")
cc -std=c17 -Wall -Wextra -Werror "$1/examples/echo.c" $(pkg-config --cflags --libs sio) -o "$dir/echo"
cc -Wall -Wextra -Werror "$1/examples/chat.c" $(pkg-config --cflags --libs sio) -o "$dir/chat"
if command -v c++ >/dev/null; then
  printf '#include <sio/sio.h>\nint main() { sio_server *s; if (sio_server_new(nullptr, &s)) return 1; sio_server_free(s); }\n' >"$dir/main.cpp"
  c++ -std=c++17 -Wall -Wextra -Werror "$dir/main.cpp" $(pkg-config --cflags --libs sio) -o "$dir/main"
  LD_LIBRARY_PATH="$libs" "$dir/main"
fi
! nm -D --defined-only "$libs/libsio.so" | awk '{ print $3 }' | grep -v '^sio_' | grep . || { echo "foreign symbols"; exit 1; }
LD_LIBRARY_PATH="$libs" stdbuf -oL "$dir/echo" 0 >"$dir/out" &
pid=$!
python3 - "$dir/out" <<'PY'
import json, re, sys, time, urllib.request
for _ in range(100):
    found = re.search(r"http://\S+", open(sys.argv[1]).read())
    if found:
        break
    time.sleep(0.1)
url = found.group(0) + "/socket.io/?EIO=4&transport=polling"
sid = json.loads(urllib.request.urlopen(url, timeout=10).read()[1:])["sid"]
url += "&sid=" + sid
urllib.request.urlopen(urllib.request.Request(url, data=b"40", method="POST"), timeout=10).read()
first = urllib.request.urlopen(url, timeout=10).read().split(b"\x1e")
urllib.request.urlopen(urllib.request.Request(url, data=b'421["echo","hi",{"n":1}]', method="POST"), timeout=10).read()
answer = urllib.request.urlopen(url, timeout=10).read()
assert first[0].startswith(b'40{"sid":'), first
assert answer == b'431["hi",{"n":1}]', answer
PY
kill "$pid"
wait "$pid"
pid=
echo "installed, compiled, connected"
