// Looks into (or, for what time would do, changes) the database of a server from outside. Python's sqlite3, so that no package is needed.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const script = `
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=10)
rows = db.execute(sys.argv[2]).fetchall()
db.commit()
print(json.dumps(rows, default=lambda b: b.hex()))`;

export function rows(server, sql) {
  const { status, stdout, stderr } = spawnSync("python3", ["-c", script, join(server.dir, "data", "wabox.db"), sql], { encoding: "utf8", timeout: 20000 });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}
export const one = (server, sql) => rows(server, sql)[0]?.[0];

// Waits for a figure of the database; the caller gives no time, only what must come.
export async function until(server, sql, want, { timeout = 20000 } = {}) {
  const end = Date.now() + timeout;
  for (;;) {
    const got = one(server, sql);
    if (got === want) return;
    if (Date.now() > end) throw new Error(`${sql} is ${got}, not ${want}\n${server.log()}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}
