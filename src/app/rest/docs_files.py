#!/usr/bin/env python3
"""Writes docs_files.c: the files of /api/docs as C arrays. docs_files.py OUT DOCS_DIR; installs swagger-ui-dist there
when npm can, and leaves it out when not (the page then only links to the document)."""
import pathlib, subprocess, sys

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
out, docs = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
dist = docs / "node_modules" / "swagger-ui-dist"
if not dist.exists():
    try:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=docs, check=True, stdout=subprocess.DEVNULL, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"swagger-ui-dist is left out: {error}", file=sys.stderr)
files = [docs / "index.html", docs / "start.js"]
files += [p for p in (dist / "swagger-ui-bundle.js", dist / "swagger-ui.css") if p.exists()]
rows = []
with out.open("w") as c:
    c.write('#include "app/rest/docs_files.h"\n\n')
    for number, path in enumerate(files):
        data = path.read_bytes()
        c.write(f"static const unsigned char file_{number}[] = {{\n")
        for at in range(0, len(data), 32):
            c.write(",".join(map(str, data[at:at + 32])) + ",\n")
        c.write("};\n")
        rows.append(f'    {{"{path.name}", "{TYPES[path.suffix]}", file_{number}, sizeof file_{number}}},\n')
    c.write("\nconst struct wb_docs_file wb_docs_files[] = {\n" + "".join(rows) + "};\n")
    c.write(f"const size_t wb_docs_file_count = {len(rows)};\n")
