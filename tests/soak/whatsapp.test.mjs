// Each kind of trouble once, a few numbers, in `make test`; 20,000 messages each way over 50 numbers by hand: node tests/soak/whatsapp.mjs
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

test("WhatsApp under every fault, waboxd killed: each message stored, announced and delivered once, read ones READ, nothing undecryptable", (t) => {
  const env = { ...process.env, NUMBERS: "5", MESSAGES: "560", ROUNDS: "14", PACE_S: "1", CHECK_EVERY: "7", BAILEYS: "0", DRAIN_S: "60", SEED: "7" };
  const run = spawnSync(process.execPath, [join(import.meta.dirname, "whatsapp.mjs")], { encoding: "utf8", timeout: 240000, env });
  t.diagnostic(run.stdout.trim());
  assert.equal(run.status, 0, run.stdout + run.stderr);
});
