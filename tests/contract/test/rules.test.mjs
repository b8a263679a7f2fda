// Transport rules: errors, bodies, paging, CORS, limits, secrets.
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { ADMIN, call, login, makeUser, startServer } from "../lib/server.mjs";
import { assertFailure } from "../lib/shape.mjs";

let server, token;
let number;
before(async () => {
  server = await startServer({ FRONTEND_URL: "https://inbox.example, https://other.example/" });
  token = await login(server);
  number = (await call(server, "POST", "/whatsapp", { token, body: { name: "Shop", phoneNumber: "628120000001" } })).body.whatsappNumber;
});
after(() => server.stop());

test("unknown addresses are 404, known ones with another method 405 with Allow", async () => {
  for (const path of ["/nope", "/users/1/nope", "/api/v1", "/api/v2/users"]) assertFailure(await call(server, "GET", path, { token }), 404);
  const answer = await call(server, "PATCH", "/users", { token });
  assertFailure(answer, 405);
  assert.equal(answer.headers.get("allow"), "GET, POST");
});

test("malformed JSON is 400 with line and column", async () => {
  const answer = await call(server, "POST", "/users", { token, raw: '{\n "name": "x",\n}' });
  assertFailure(answer, 400, /line 3/);
  assert.equal(answer.body.details.line, 3);
  for (const raw of ["[]", '"x"', "{", '{"a":1}x', '{"name":"\\u0000"}', "\u00ff\u00fe", '{"name":1,"name":2}']) assertFailure(await call(server, "POST", "/users", { token, raw }), 400);
});

test("deep nesting is refused, not followed", async () => {
  assertFailure(await call(server, "POST", "/users", { token, raw: `{"name":${"[".repeat(100000)}` }), 400);
});

test("a body over 1 MiB is 413 and readable across origins", async () => {
  const answer = await call(server, "POST", "/users", { token, raw: `{"name":"${"x".repeat(1100000)}"}`, headers: { origin: "https://inbox.example" } });
  assertFailure(answer, 413);
  assert.equal(answer.headers.get("access-control-allow-origin"), "https://inbox.example");
});

test("another content type is 415", async () => {
  assertFailure(await call(server, "POST", "/users", { token, raw: "a=b", headers: { "content-type": "application/x-www-form-urlencoded" } }), 415);
});

test("an empty body with a JSON content type is fine for every method", async () => {
  for (const [method, path] of [["GET", "/me"], ["DELETE", "/users/99999"], ["POST", "/auth/verify"], ["POST", "/users"]])
    assert.ok((await call(server, method, path, { token })).status < 500);
});

for (const query of ["page=-1", "page=abc", "page=1e9", "page=99999999999999999999", "limit=-5", "limit=0", "limit=1e9", "limit=99999999999999999999", "page=&limit=", "page=%00", "limit=%zz"]) {
  test(`bad paging (${query}) is clamped`, async () => {
    for (const path of ["/users", "/chat-templates", "/wapermission", "/wapermission/me", "/audit", "/whatsapp", "/sessions", `/chats/${number.id}`, `/numbers/${number.id}/events`]) {
      const { status, body } = await call(server, "GET", `${path}?${query}`, { token });
      assert.equal(status, 200, path);
      assert.ok((body.pagination.limit ?? body.pagination.itemsPerPage) <= 1000);
      assert.ok((body.pagination.currentPage ?? 1) >= 1);
    }
    for (const path of ["/messages/search?q=x", `/chats/${number.id}/search?q=x`]) assert.equal((await call(server, "GET", `${path}&${query.replace("page", "offset")}`, { token })).status, 200, path);
  });
}

test("hostile ids and searches change nothing", async () => {
  for (const id of ["0", "-1", "1.5", "9223372036854775808", "abc", "1%20OR%201=1", "..%2f..", "%00", "null"]) {
    const { status } = await call(server, "GET", `/users/${id}`, { token });
    assert.ok(status === 400 || status === 404, `${id}: ${status}`);
  }
  for (const search of ["%27%20OR%201=1--", "%25", "_", "%22", "\\", "%F0%9F%98%80"]) assert.equal((await call(server, "GET", `/users?search=${search}`, { token })).status, 200);
});

const preflight = (origin, headers = {}) => new Promise((done, fail) => {
  request(`${server.base}/api/v1/users`, { method: "OPTIONS", headers: { origin, "access-control-request-method": "PATCH", "access-control-request-headers": "authorization,content-type,x-api-key,idempotency-key", ...headers } },
    (response) => { response.resume(); done(response); }).on("error", fail).end();
});
for (const origin of ["https://inbox.example", "https://other.example", "http://localhost:3000", "http://127.0.0.1:3000", "http://localhost:5173", "http://127.0.0.1:5173"]) {
  test(`CORS lets ${origin} in`, async () => {
    const { statusCode, headers } = await preflight(origin);
    assert.ok(statusCode >= 200 && statusCode < 300);
    assert.equal(headers["access-control-allow-origin"], origin);
    assert.equal(headers["access-control-allow-credentials"], "true");
    assert.equal(headers["access-control-max-age"], "7200");
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"]) assert.ok(headers["access-control-allow-methods"].includes(method), method);
    for (const name of ["authorization", "content-type", "x-api-key", "idempotency-key"]) assert.ok(headers["access-control-allow-headers"].includes(name), name);
    for (const path of ["/me", "/nope"]) assert.equal((await call(server, "GET", path, { headers: { origin } })).headers.get("access-control-allow-origin"), origin);
  });
}
for (const origin of ["https://evil.example", "null", "http://localhost:3001", "https://inbox.example.evil.example", "http://inbox.example"]) {
  test(`CORS gives ${origin} no headers`, async () => {
    const { headers } = await preflight(origin);
    assert.equal(headers["access-control-allow-origin"], undefined);
    assert.equal(headers["access-control-allow-methods"], undefined);
    assert.equal((await call(server, "GET", "/api", { headers: { origin } })).headers.get("access-control-allow-origin"), null);
  });
}

test("300 requests per second and more get through, a flood is 429 with Retry-After", async () => {
  const small = await startServer({ RATE_PER_SECOND: "300", RATE_BURST: "300" });
  const one = await login(small);
  const wave = async (count) => (await Promise.all(Array.from({ length: count }, () => call(small, "GET", "/chat-templates", { token: one }))));
  assert.ok((await wave(300)).every(({ status }) => status === 200));
  const flood = (await wave(900)).filter(({ status }) => status === 429);
  assert.ok(flood.length > 0);
  assertFailure(flood[0], 429);
  assert.ok(Number(flood[0].headers.get("retry-after")) >= 1);
  assert.ok((await Promise.all(Array.from({ length: 400 }, () => call(small, "GET", "/me", { token: one })))).every(({ status }) => status === 200), "/me always answers");
  await small.stop();
});

test("secrets and text never reach the log", async () => {
  const user = await makeUser(server, token);
  const made = await call(server, "POST", "/api-keys", { token, body: { name: "log", scopes: ["read"] } });
  await call(server, "GET", "/me", { key: made.body.data.key });
  await call(server, "POST", "/login", { body: { username: user.username, password: "mistyped-password" } });
  await call(server, "POST", "/chat-templates", { token, body: { name: "T", commands: "/t", content: "very private text" } });
  const log = server.log();
  assert.ok(log.length > 0);
  for (const secret of [ADMIN.password, token, user.password, user.token, made.body.data.key, "mistyped-password", "very private text", "argon2"])
    assert.ok(!log.includes(secret), `the log holds ${secret.slice(0, 12)}…`);
});

test("security headers are there", async () => {
  const { headers } = await call(server, "GET", "/me", { token });
  assert.equal(headers.get("x-content-type-options"), "nosniff");
  assert.match(headers.get("cache-control"), /no-store/);
  assert.match(headers.get("x-request-id"), /^[0-9a-f]{16}$/);
});
