import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { claimsOf, sign } from "../lib/jwt.mjs";
import { ADMIN, call, login, makeUser, startServer } from "../lib/server.mjs";
import { assertFailure, assertShape, LoginUser, User } from "../lib/shape.mjs";

const SECRET = "a secret of the contract tests";
let server, token;
before(async () => { server = await startServer({ JWT_SECRET: SECRET }); token = await login(server); });
after(() => server.stop());

for (const path of ["/auth/login", "/login"]) {
  for (const field of ["username", "email"]) {
    test(`POST ${path} with ${field} answers user and token, twice`, async () => {
      const { status, body } = await call(server, "POST", path, { body: { [field]: field === "email" ? "admin@example.com" : "admin", password: ADMIN.password } });
      assert.equal(status, 200);
      assertShape(body, { success: "true", message: "text", user: LoginUser, token: "text", data: { user: LoginUser, token: "text" } });
      assert.equal(body.message, "Login successful");
      assert.equal(body.data.token, body.token);
    });
  }
}

for (const [why, body] of [["nothing", {}], ["no password", { username: "admin" }], ["no name", { password: "x" }], ["a number", { username: 1, password: "x" }],
  ["null", { username: null, password: null }], ["blank", { username: "  ", password: "x" }]]) {
  test(`login with ${why} is 400`, async () => assertFailure(await call(server, "POST", "/auth/login", { body }), 400));
}

test("unknown user and wrong password get the same answer", async () => {
  const unknown = await call(server, "POST", "/auth/login", { body: { username: "nobody-here", password: "wrong-pass" } });
  const wrong = await call(server, "POST", "/auth/login", { body: { username: "admin", password: "wrong-pass" } });
  assertFailure(unknown, 401, "Invalid credentials");
  assert.deepEqual(unknown.body, wrong.body);
});

test("unknown user and wrong password take the same time", async () => {
  const user = await makeUser(server, token);
  const times = { known: [], unknown: [] };
  for (let i = 0; i < 9; i++) {
    for (const kind of ["known", "unknown"]) {
      const start = performance.now();
      await call(server, "POST", "/auth/login", { body: { username: kind === "known" ? user.username : `ghost${i}`, password: "not-it-at-all" } });
      times[kind].push(performance.now() - start);
    }
  }
  const known = Math.min(...times.known), unknown = Math.min(...times.unknown); // the least is what the work costs; the rest is this machine
  assert.ok(unknown > known * 0.5 && unknown < known * 2, `known ${known.toFixed(1)} ms, unknown ${unknown.toFixed(1)} ms`);
});

test("repeated failures are 429 with Retry-After, and another account still gets in", async () => {
  let last;
  for (let i = 0; i < 12; i++) last = await call(server, "POST", "/auth/login", { body: { username: "victim", password: `try-${i}` } });
  assertFailure(last, 429);
  assert.ok(Number(last.headers.get("retry-after")) >= 1);
  await login(server);
});

test("failures from one address over many accounts are 429 too", async () => {
  const strict = await startServer({ LOGIN_PER_IP: "5" });
  for (let i = 0; i < 5; i++) assertFailure(await call(strict, "POST", "/auth/login", { body: { username: `guess${i}`, password: "password" } }), 401);
  assertFailure(await call(strict, "POST", "/auth/login", { body: { username: "guess5", password: "password" } }), 429);
  await strict.stop();
});

for (const path of ["/auth/me", "/me", "/auth/verify"]) {
  test(`GET ${path} answers the user, also with a JSON content type and no body`, async () => {
    const { status, body } = await call(server, "GET", path, { token });
    assert.equal(status, 200);
    assertShape(body, { success: "true", user: User, data: { user: User } });
  });
}

for (const path of ["/auth/logout", "/logout"]) {
  test(`POST ${path} revokes the token and no other`, async () => {
    const other = await login(server);
    const { status, body } = await call(server, "POST", path, { token: other });
    assert.equal(status, 200);
    assertShape(body, { success: "true", message: "text" });
    assertFailure(await call(server, "GET", "/auth/me", { token: other }), 401, /revoked/);
    assert.equal((await call(server, "GET", "/auth/me", { token })).status, 200);
  });
}

test("401 says which: missing, malformed, expired, revoked, foreign", async () => {
  const claims = claimsOf(token), now = Math.floor(Date.now() / 1000);
  const head = { alg: "HS256", typ: "JWT" };
  const cases = [
    ["none", undefined, /missing/],
    ["garbage", "abc", /malformed/],
    ["alg none", sign({ alg: "none", typ: "JWT" }, claims, null), /malformed|not valid/],
    ["alg NONE with signature", sign({ alg: "NONE", typ: "JWT" }, claims, SECRET), /malformed|not valid/],
    ["HS512", sign({ alg: "HS512", typ: "JWT" }, claims, SECRET, "sha512"), /malformed|not valid/],
    ["RS256 label", sign({ alg: "RS256", typ: "JWT" }, claims, SECRET), /malformed|not valid/],
    ["foreign key", sign(head, claims, "another secret altogether"), /not valid/],
    ["tampered", `${token.split(".")[0]}.${Buffer.from(JSON.stringify({ ...claims, sub: "2" })).toString("base64url")}.${token.split(".")[2]}`, /not valid/],
    ["expired", sign(head, { ...claims, iat: now - 100, exp: now - 10 }, SECRET), /expired/],
    ["unknown login", sign(head, { ...claims, id: "0".repeat(32), jti: "0".repeat(32) }, SECRET), /revoked|not valid/],
    ["another's login", sign(head, { ...claims, sub: "999" }, SECRET), /not valid|revoked/],
  ];
  for (const [why, bad, message] of cases) {
    const answer = await call(server, "GET", "/auth/me", { token: bad });
    assert.equal(answer.status, 401, why);
    assertFailure(answer, 401, message);
  }
  assertFailure(await call(server, "GET", "/auth/me", { headers: { authorization: token } }), 401, /malformed/);
  assertFailure(await call(server, "GET", "/auth/me", { headers: { authorization: "Basic YTpi" } }), 401, /malformed/);
});

test("GET /auth/me answers while passwords are being hashed", async () => {
  const storm = Array.from({ length: 24 }, (_, i) => call(server, "POST", "/auth/login", { body: { username: `storm${i}`, password: "whatever" } }));
  const times = [];
  for (let i = 0; i < 10; i++) {
    const start = performance.now();
    assert.equal((await call(server, "GET", "/auth/me", { token })).status, 200);
    times.push(performance.now() - start);
  }
  await Promise.all(storm);
  times.sort((a, b) => a - b);
  assert.ok(times[5] < 50, `median ${times[5].toFixed(1)} ms of ${times.map((t) => t.toFixed(0))}`);
});

test("PUT /auth/me changes the password, needs the old one, and ends the other logins", async () => {
  const user = await makeUser(server, token);
  const second = await login(server, user);
  assertFailure(await call(server, "PUT", "/auth/me", { token: user.token, body: { newPassword: "longer-one", currentPassword: "wrong" } }), 400);
  const { status } = await call(server, "PUT", "/auth/me", { token: user.token, body: { newPassword: "longer-one", currentPassword: user.password } });
  assert.equal(status, 200);
  assert.equal((await call(server, "GET", "/auth/me", { token: user.token })).status, 200);
  assertFailure(await call(server, "GET", "/auth/me", { token: second }), 401);
  await login(server, { ...user, password: "longer-one" });
});

test("a login survives a restart, a logout too", async () => {
  const first = await startServer({ JWT_SECRET: SECRET });
  const kept = await login(first), gone = await login(first);
  await call(first, "POST", "/auth/logout", { token: gone });
  first.child.kill("SIGKILL");
  await first.exited;
  const again = await startServer({ JWT_SECRET: SECRET, DATA_DIR: `${first.dir}/data` });
  assert.equal((await call(again, "GET", "/auth/me", { token: kept })).status, 200);
  assertFailure(await call(again, "GET", "/auth/me", { token: gone }), 401, /revoked/);
  await again.stop();
});

test("PUT /auth/me is no way to guess a password: it counts as failed logins do, and other people's logins come first", async () => {
  const user = await makeUser(server, token), other = await makeUser(server, token);
  const guess = (i) => call(server, "PUT", "/auth/me", { token: user.token, body: { newPassword: "longer-one", currentPassword: `guess-${i}` } });
  let answered = 0;
  const storm = Array.from({ length: 120 }, (_, i) => guess(i).then((answer) => { answered++; return answer; }));
  await login(server, other);
  const before = answered, answers = await Promise.all(storm);
  assert.ok(before < 120, "the other login was answered before the storm was over");
  const wrong = answers.filter((a) => a.status === 400), refused = answers.filter((a) => a.status === 429);
  assert.deepEqual([wrong.length <= 11, wrong.length + refused.length], [true, 120], `${wrong.length} guesses`);
  assert.ok(refused.every((a) => Number(a.headers.get("retry-after")) >= 1));
  assertFailure(await guess("again"), 429);
  assertFailure(await call(server, "PUT", "/auth/me", { token: user.token, body: { newPassword: "longer-one", currentPassword: user.password } }), 429);
  assertFailure(await call(server, "POST", "/login", { body: { username: user.username, password: "also wrong" } }), 429, /Too many/);
});

test("strangers who use up an account's tries do not lock its owner out of an address where he logged in before", async () => {
  const env = { TRUST_PROXY: "true", LOGIN_PER_IP: "1000", JWT_SECRET: SECRET };
  let house = await startServer(env);
  const dir = `${house.dir}/data`;
  const at = (ip, username, password) => call(house, "POST", "/login", { body: { username, password }, headers: { "x-forwarded-for": ip } });
  const lockOut = async () => {
    for (let i = 0; i < 12; i++) for (const name of ["admin", "Admin@Example.com"]) await at(`203.0.113.${i}`, name, `no-${i}`);
    assertFailure(await at("203.0.113.99", "admin", ADMIN.password), 429); // from a new address the right one does not help either
  };
  for (const ip of ["198.51.100.7", "2001:db8:7:7::1"]) assert.equal((await at(ip, "admin", ADMIN.password)).status, 200);
  await lockOut();
  for (const ip of ["198.51.100.7", "2001:db8:7:7::abcd"]) for (const name of ["admin", "admin@example.com"]) assert.equal((await at(ip, name, ADMIN.password)).status, 200, ip);
  house.child.kill("SIGKILL");
  await house.exited;
  house = await startServer({ ...env, DATA_DIR: dir });
  await lockOut();
  assert.equal((await at("198.51.100.7", "admin", ADMIN.password)).status, 200, "also after a restart");
  let last;
  for (let i = 0; i < 12; i++) last = await at("198.51.100.7", "admin", `mistyped-${i}`);
  assertFailure(last, 429, /Too many/); // his address has no more tries than others
  await house.stop();
});

test("an account's name and e-mail share its tries", async () => {
  const user = await makeUser(server, token), at = async (username, i) => (await call(server, "POST", "/login", { body: { username, password: `no-${i}` } })).status;
  const answers = [];
  for (let i = 0; i < 12; i++) answers.push(await at(i % 2 ? user.email : user.username, i));
  assert.equal(answers.filter((s) => s === 401).length, 10, answers.join(" "));
});
