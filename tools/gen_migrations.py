#!/usr/bin/env python3
"""Numbered SQL files -> one C table: gen_migrations.py OUT.c NNNN_name.sql..."""
import pathlib
import re
import sys

out, files = pathlib.Path(sys.argv[1]), [pathlib.Path(f) for f in sys.argv[2:]]
rows, texts = [], []
for want, path in enumerate(sorted(files), start=1):
    match = re.fullmatch(r"(\d{4})_([a-z0-9_]+)\.sql", path.name)
    if not match or int(match[1]) != want:
        sys.exit(f"{path.name}: migrations are numbered 0001, 0002, … without gaps; expected {want:04d}_*.sql")
    body = ", ".join(str(b) for b in path.read_bytes())
    texts.append(f"static const char sql_{want}[] = {{{body}, 0}};")
    rows.append(f'    {{{want}, "{match[2]}", sql_{want}}},')
out.write_text(
    '/* Generated from schema/sqlite. */\n#include "store/sqlite/migrate.h"\n\n'
    + "\n".join(texts)
    + "\n\nconst struct st_migration st_migrations[] = {\n"
    + "\n".join(rows)
    + "\n};\n"
    + f"const int st_migration_count = {len(rows)};\n"
)
