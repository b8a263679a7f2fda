// A few rounds of durability.mjs in `make test`; a hundred by hand: ROUNDS=100 node tests/soak/durability.mjs
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

test("kill -9 under load: nothing acknowledged is lost, the log has no hole, counters are right, resume sees each event once", (t) => {
  const run = spawnSync(process.execPath, [join(import.meta.dirname, "durability.mjs")], { encoding: "utf8", timeout: 240000 });
  t.diagnostic(run.stdout.trim());
  assert.equal(run.status, 0, run.stdout + run.stderr);
});
