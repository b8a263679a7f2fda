// Templates, permissions without numbers, api keys, audit, health, about.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { call, login, makeUser, startServer } from "../lib/server.mjs";
import { assertFailure, assertShape, Page, Perm, Template } from "../lib/shape.mjs";

let server, token, user;
before(async () => { server = await startServer(); token = await login(server); user = await makeUser(server, token); });
after(() => server.stop());
const One = { success: "true", message: "text", data: Template };

test("chat templates: create, list, find by command with or without slash, change, delete", async () => {
  const made = await call(server, "POST", "/chat-templates", { token, body: { name: "Hello", commands: "/hello", content: "Hi {{name}}" } });
  assert.equal(made.status, 201);
  assertShape(made.body, One);
  const { id } = made.body.data;
  assertShape((await call(server, "GET", "/chat-templates", { token: user.token })).body, { success: "true", message: "text", data: [Template], pagination: Page });
  for (const cmd of ["hello", "%2Fhello", "HELLO"]) {
    const found = await call(server, "GET", `/chat-templates/by-command/${cmd}`, { token: user.token });
    assert.equal(found.status, 200, cmd);
    assertShape(found.body, One);
  }
  assertFailure(await call(server, "GET", "/chat-templates/by-command/nope", { token }), 404);
  assertFailure(await call(server, "POST", "/chat-templates", { token, body: { name: "Again", commands: "/hello", content: "x" } }), 409, "Command already exists, must be unique");
  assertShape((await call(server, "PUT", `/chat-templates/${id}`, { token, body: { isActive: false } })).body, One);
  assert.equal((await call(server, "GET", "/chat-templates?isActive=true", { token })).body.data.length, 0);
  assert.equal((await call(server, "GET", "/chat-templates?q=hell", { token })).body.data.length, 1);
  assert.equal((await call(server, "GET", "/chat-templates?search=zzz", { token })).body.data.length, 0);
  assertFailure(await call(server, "POST", "/chat-templates", { token: user.token, body: { name: "N", commands: "/n", content: "x" } }), 403);
  assert.equal((await call(server, "DELETE", `/chat-templates/${id}`, { token })).status, 200);
  assertFailure(await call(server, "DELETE", `/chat-templates/${id}`, { token }), 404);
});

test("permissions: lists have their shape, others' are closed, what does not exist is 404", async () => {
  for (const path of ["/wapermission", "/wapermission/me", `/wapermission/user/${user.id}`]) {
    for (const who of [token, user.token]) {
      const { status, body } = await call(server, "GET", path, { token: who });
      assert.equal(status, 200, path);
      assertShape(body, { success: "true", message: "text", data: [Perm], pagination: Page });
    }
  }
  assertFailure(await call(server, "GET", "/wapermission/user/1", { token: user.token }), 403);
  assertFailure(await call(server, "GET", "/wapermission/user/99999", { token }), 404);
  assertFailure(await call(server, "POST", "/wapermission", { token, body: { userId: user.id, whatsappNumberId: 99999 } }), 404);
  assertFailure(await call(server, "POST", "/wapermission", { token, body: { userId: 99999, whatsappNumberId: 1 } }), 404);
  assertFailure(await call(server, "POST", "/wapermission", { token, body: { userId: "1" } }), 400);
  assertFailure(await call(server, "DELETE", "/wapermission/99999", { token }), 404);
});

const Key = { id: "int", name: "text", prefix: "text", scopes: ["text"], whatsappNumberIds: "object?", createdAt: "time", lastUsedAt: "time?", expiresAt: "time?" };
test("api keys: shown once, work within their scope, gone at once", async () => {
  const made = await call(server, "POST", "/api-keys", { token, body: { name: "bot", scopes: ["read"] } });
  assert.equal(made.status, 201);
  assertShape(made.body, { success: "true", message: "text", data: { ...Key, key: "text" } });
  const { key, id } = made.body.data;
  const list = await call(server, "GET", "/api-keys", { token });
  assertShape(list.body, { success: "true", message: "text", data: [Key] });
  assert.ok(!JSON.stringify(list.body).includes(key));
  assertShape((await call(server, "GET", `/api-keys/${id}`, { token })).body, { success: "true", message: "text", data: Key });
  assert.equal((await call(server, "GET", "/chat-templates", { key })).status, 200);
  assertFailure(await call(server, "POST", "/chat-templates", { key, body: { name: "N", commands: "/k", content: "x" } }), 403, /scope/);
  assertFailure(await call(server, "GET", "/users", { key }), 403, /scope/);
  assertFailure(await call(server, "GET", "/api-keys", { key }), 403);
  assertFailure(await call(server, "GET", "/chat-templates", { key: `${key}0` }), 401);
  assertFailure(await call(server, "GET", "/chat-templates", { key: "nonsense" }), 401, /malformed/);
  assert.equal((await call(server, "DELETE", `/api-keys/${id}`, { token })).status, 200);
  assertFailure(await call(server, "GET", "/chat-templates", { key }), 401, /revoked/);
  for (const body of [{ name: "x", scopes: ["root"] }, { name: "x", scopes: [] }, { name: "x", scopes: ["read"], whatsappNumberIds: [12345] }, { scopes: ["read"] }])
    assertFailure(await call(server, "POST", "/api-keys", { token, body }), 400);
});

test("the audit log tells who did what, newest first, with keyset paging", async () => {
  const { body } = await call(server, "GET", "/audit?limit=2", { token });
  const Row = { id: "int", action: "text", actor: "object?", apiKeyId: "int?", apiKeyName: "text?", whatsappNumberId: "int?", whatsappNumberName: "text?", target: "string?", targetName: "text?", ip: "string?", details: "object?", createdAt: "time" };
  assertShape(body, { success: "true", message: "text", data: [Row], pagination: { limit: "int", nextBefore: "int?" } });
  const next = await call(server, "GET", `/audit?limit=2&before=${body.pagination.nextBefore}`, { token });
  assert.ok(next.body.data[0].id < body.data[1].id);
  const actions = (await call(server, "GET", "/audit?limit=1000", { token })).body.data.map((row) => row.action);
  for (const action of ["login", "user.create", "template.create", "api-key.create", "api-key.delete"]) assert.ok(actions.includes(action), action);
  assertFailure(await call(server, "GET", "/audit", { token: user.token }), 403);
});

test("health, about, metrics", async () => {
  const health = await call(server, "GET", "/health");
  assert.equal(health.status, 200);
  assertShape(health.body, { status: "text", message: "text", timestamp: "time", version: "text", uptime: "int" });
  assert.equal(health.body.status, "OK");
  assertShape((await call(server, "GET", "/api")).body, { message: "text", version: "text", description: "text" });
  assert.match(await (await fetch(`${server.base}/metrics`)).text(), /^wabox_http_requests_total\{class="2xx"\} \d+/m);
});
