#!/usr/bin/env python3
"""A directory as a table of struct http_static_file: embed.py OUT.c SYMBOL DIR [PACKAGE]. A directory that is not there gives
an empty table; with PACKAGE (a folder with package-lock.json) npm is asked to install it there first."""
import gzip
import hashlib
import pathlib
import re
import subprocess
import sys

TYPES = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8", ".json": "application/json; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png",
    ".ico": "image/x-icon", ".webp": "image/webp", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8", ".map": "application/json",
    ".webmanifest": "application/manifest+json", ".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".wasm": "application/wasm",
}
out, symbol, root = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])

if len(sys.argv) > 4 and not root.is_dir():
    try:
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=sys.argv[4], check=True,
                       stdout=subprocess.DEVNULL, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"{root.name} is left out: {error}", file=sys.stderr)


def array(name, data):
    lines = [",".join(map(str, data[at:at + 32])) for at in range(0, len(data), 32)]
    return f"static const unsigned char {name}[] = {{\n" + ",\n".join(lines or ["0"]) + "};\n"


files = sorted((p for p in root.rglob("*") if p.is_file()), key=lambda p: "/" + p.relative_to(root).as_posix()) if root.is_dir() else []
arrays, rows = [], []
for number, path in enumerate(files):
    data = path.read_bytes()
    packed = gzip.compress(data, 9, mtime=0)
    is_smaller = len(packed) < len(data) * 9 // 10
    arrays.append(array(f"file_{number}", data))
    if is_smaller:
        arrays.append(array(f"gzip_{number}", packed))
    etag = hashlib.sha256(data).hexdigest()[:24]
    is_hashed = "true" if re.search(r"-[A-Za-z0-9_-]{8,}\.\w+$", path.name) else "false"
    zipped = f"gzip_{number}, sizeof gzip_{number}" if is_smaller else "NULL, 0"
    rows.append(f'    {{"/{path.relative_to(root).as_posix()}", "{TYPES.get(path.suffix, "application/octet-stream")}", "\\"{etag}\\"", '
                f"file_{number}, {len(data)}, {zipped}, {is_hashed}}},\n")
text = ('#include "net/http/http_static.h"\n\n' + "".join(arrays)
               + f"\nextern const struct http_static_file {symbol}[];\nextern const size_t {symbol}_count;\n"
               + f"const struct http_static_file {symbol}[] = {{\n" + "".join(rows or ["    {0}\n"]) + "};\n"
               + f"const size_t {symbol}_count = {len(rows)};\n")
if not out.exists() or out.read_text() != text:  # the same text keeps its time, so that nothing is compiled again
    out.write_text(text)
