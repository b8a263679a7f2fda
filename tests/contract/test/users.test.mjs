import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { call, login, makeUser, startServer } from "../lib/server.mjs";
import { assertFailure, assertShape, User } from "../lib/shape.mjs";

let server, token, me;
before(async () => { server = await startServer(); token = await login(server); me = (await call(server, "GET", "/me", { token })).body.user; });
after(() => server.stop());
const fresh = (name) => ({ name: `N ${name}`, username: name, email: `${name}@example.com`, password: "secret-1" });

test("the list has users and pagination", async () => {
  const { status, body } = await call(server, "GET", "/users", { token });
  assert.equal(status, 200);
  assertShape(body, { users: [User], pagination: { currentPage: "int", totalPages: "int", totalUsers: "int", limit: "int", hasNextPage: "bool", hasPrevPage: "bool" } });
});

test("create, read, change, delete", async () => {
  const made = await call(server, "POST", "/users", { token, body: fresh("crud") });
  assert.equal(made.status, 201);
  assertShape(made.body, { message: "text", user: User });
  assert.equal(made.body.user.role, "USER");
  const path = `/users/${made.body.user.id}`;
  assertShape((await call(server, "GET", path, { token })).body, { user: User });
  const changed = await call(server, "PUT", path, { token, body: { name: "Other", role: "ADMIN" } });
  assertShape(changed.body, { message: "text", user: User });
  assert.equal(changed.body.user.name, "Other");
  assert.equal(changed.body.user.role, "ADMIN");
  const gone = await call(server, "DELETE", path, { token });
  assert.equal(gone.status, 200);
  assertShape(gone.body, { message: "text" });
  assertFailure(await call(server, "GET", path, { token }), 404);
});

test("a taken username or e-mail is 409 and says which, letter case apart", async () => {
  await call(server, "POST", "/users", { token, body: fresh("taken") });
  assertFailure(await call(server, "POST", "/users", { token, body: { ...fresh("TAKEN"), email: "free@example.com" } }), 409, "Username already exists");
  assertFailure(await call(server, "POST", "/users", { token, body: { ...fresh("free"), email: "Taken@example.com" } }), 409, "Email already exists");
});

for (const [field, value] of [["name", ""], ["username", undefined], ["email", "not-an-address"], ["password", "short"], ["role", "BOSS"], ["username", "with space"],
  ["name", "x".repeat(1000)], ["isActive", "yes"]]) {
  test(`a bad ${field} (${String(value).slice(0, 20)}) is 400 and names the field`, async () => {
    const answer = await call(server, "POST", "/users", { token, body: { ...fresh("bad"), [field]: value } });
    assertFailure(answer, 400);
    assert.equal(answer.body.details.field, field);
  });
}

test("nobody deletes himself, and the last administrator stays", async () => {
  assertFailure(await call(server, "DELETE", `/users/${me.id}`, { token }), 400, "You cannot delete your own account");
  assertFailure(await call(server, "PUT", `/users/${me.id}`, { token, body: { role: "USER" } }), 409);
  assertFailure(await call(server, "PUT", `/users/${me.id}`, { token, body: { isActive: false } }), 409);
});

test("deactivation, deletion and demotion work at once", async () => {
  const user = await makeUser(server, token, "ADMIN");
  assert.equal((await call(server, "GET", "/users", { token: user.token })).status, 200);
  await call(server, "PUT", `/users/${user.id}`, { token, body: { role: "USER" } });
  assertFailure(await call(server, "GET", "/users", { token: user.token }), 403);
  await call(server, "PUT", `/users/${user.id}`, { token, body: { isActive: false } });
  assertFailure(await call(server, "GET", "/me", { token: user.token }), 401);
  assertFailure(await call(server, "POST", "/login", { body: { username: user.username, password: user.password } }), 401, "Invalid credentials");
  const other = await makeUser(server, token);
  await call(server, "DELETE", `/users/${other.id}`, { token });
  assertFailure(await call(server, "GET", "/me", { token: other.token }), 401);
});

test("PUT changes any field; a new password ends the logins, a taken name or address is refused", async () => {
  const user = await makeUser(server, token), path = `/users/${user.id}`;
  const { body } = await call(server, "PUT", path, { token, body: { username: "renamed", email: "renamed@example.com", name: "Renamed", password: "another-one" } });
  assert.deepEqual([body.user.username, body.user.email, body.user.name], ["renamed", "renamed@example.com", "Renamed"]);
  assertFailure(await call(server, "GET", "/me", { token: user.token }), 401, /revoked/);
  assertFailure(await call(server, "POST", "/login", { body: { username: "renamed", password: user.password } }), 401);
  await login(server, { username: "renamed@example.com", password: "another-one" });
  assertFailure(await call(server, "PUT", path, { token, body: { username: "admin" } }), 409, "Username already exists");
  assertFailure(await call(server, "PUT", path, { token, body: { email: me.email } }), 409, "Email already exists");
});

test("search, role, sort and paging", async () => {
  for (const name of ["zeta1", "zeta2", "zeta3"]) await call(server, "POST", "/users", { token, body: fresh(name) });
  const { body } = await call(server, "GET", "/users?search=zeta&sortBy=username&sortOrder=desc&limit=2&page=1", { token });
  assert.deepEqual(body.users.map((u) => u.username), ["zeta3", "zeta2"]);
  assert.deepEqual(body.pagination, { currentPage: 1, totalPages: 2, totalUsers: 3, limit: 2, hasNextPage: true, hasPrevPage: false });
  const admins = await call(server, "GET", "/users?role=ADMIN", { token });
  assert.ok(admins.body.users.every((u) => u.role === "ADMIN"));
  const bad = await call(server, "GET", "/users?sortBy=password_hash", { token });
  assertFailure(bad, 400, /createdAt/);
});

test("no answer holds a password or its hash", async () => {
  const answer = await call(server, "GET", "/users?limit=100", { token });
  assert.doesNotMatch(JSON.stringify(answer.body), /argon2|password/i);
});
