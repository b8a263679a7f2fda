// Permission matrix: role x grant x every route of the document. The rule of each row says what must come out.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { hasRoute, operations } from "../lib/docs.mjs";
import { call, login, makeUser, startServer } from "../lib/server.mjs";

let server, docs, callers, things;
before(async () => {
  server = await startServer({ RATE_PER_SECOND: "100000", RATE_BURST: "100000" });
  const token = await login(server);
  docs = await operations(server);
  callers = { nobody: {}, garbage: { token: "a.b.c" }, user: await makeUser(server, token), admin: await makeUser(server, token, "ADMIN") };
  for (const scope of ["read", "send", "manage"]) callers[`key:${scope}`] = { key: (await call(server, "POST", "/api-keys", { token, body: { name: scope, scopes: [scope] } })).body.data.key };
  things = { number: 0 };
  if (hasRoute(docs, "POST", "/whatsapp")) {
    const made = await call(server, "POST", "/whatsapp", { token, body: { name: "Shop", phoneNumber: "0812 3456 7890" } });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    things.number = made.body.whatsappNumber.id;
    callers.granted = await makeUser(server, token);
    assert.equal((await call(server, "POST", "/wapermission", { token, body: { userId: callers.granted.id, whatsappNumberId: things.number } })).status, 201);
  }
});
after(() => server.stop());

// What the rule lets through: "in" (any answer but 401, 403), "out" (401, 403), or "hidden" (404 for things of others).
function verdict(row, caller) {
  if (row.access === "public") return "in";
  if (caller === "nobody" || caller === "garbage") return "401";
  const isKey = caller.startsWith("key:");
  if (isKey && row.scope !== "any" && row.scope !== caller.slice(4)) return "403";
  if (row.access === "admin") return caller === "admin" || isKey ? "in" : "403";
  if (row.access === "number") return caller === "user" ? "403" : "in";
  if (row.access === "user") return "in or own"; // some rows are narrower for the target they name
  return "404"; // chat, session, message: nothing of that id exists, and nobody may tell that from "not yours"
}
const fill = (row) => row.path.replaceAll(/\{([^}]+)\}/g, (_, name) => {
  const schema = row.operation.parameters.find((p) => p.name === name && p.in === "path").schema;
  return schema.type === "integer" ? (row.access === "number" ? things.number : 987654) : schema.format === "uuid" ? "00000000-0000-4000-8000-000000000000" : "x";
});

test("every route obeys its rule for every caller", async () => {
  let checked = 0;
  const wrong = [];
  for (const row of docs.rows) {
    if (row.operation.responses["200"] && !row.operation.responses["200"].content) continue;
    if (row.path.endsWith("/logout")) continue;
    if (row.access === "number" && (!things.number || row.method !== "GET")) continue; // would change the thing that is asked about
    for (const [name, caller] of Object.entries(callers)) {
      const { status } = await call(server, row.method, fill(row), { token: caller.token, key: caller.key });
      const want = verdict(row, name);
      const fine = want === "in" ? ![403].includes(status) && (status !== 401 || row.path.endsWith("login"))
        : want === "in or own" ? status !== 401
        : want === "404" ? status === 404 || status === 400
        : String(status) === want;
      if (!fine) wrong.push(`${name}: ${row.method} ${row.path} -> ${status}, want ${want}`);
      checked++;
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(checked > 150, `only ${checked} combinations`);
});

test("every route has a rule, and only these are open to everybody", () => {
  const open = docs.rows.filter((row) => row.access === "public").map((row) => `${row.method} ${row.path}`).sort();
  assert.deepEqual(open, ["GET /api", "GET /api/asyncapi.json", "GET /api/docs", "GET /api/docs.json", "GET /api/docs/{file}", "GET /api/postman.json", "GET /health", "GET /metrics",
    "POST /api/v1/auth/login", "POST /api/v1/login"]);
  for (const row of docs.rows) assert.ok(row.access && row.scope, row.path);
});
