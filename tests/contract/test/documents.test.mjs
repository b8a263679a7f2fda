// The documents are valid, and no answer is missing from them: calls made from the schemas, good and bad, must be answered as described.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, test } from "node:test";
import { Parser } from "@asyncapi/parser";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import jsf from "json-schema-faker";
import { operations } from "../lib/docs.mjs";
import { call, login, makeUser, program, startServer } from "../lib/server.mjs";

const ROUNDS = Number(process.env.ROUNDS ?? 25);
let server, token, user, docs;
before(async () => {
  server = await startServer({ RATE_PER_SECOND: "100000", RATE_BURST: "100000", LOGIN_PER_ACCOUNT: "100000" });
  token = await login(server);
  for (let id = 2; id <= 7; id++) await makeUser(server, token); // for the generated calls to change and delete; these two stay
  user = await makeUser(server, token);
  docs = await operations(server);
});
after(() => server.stop());

test("OpenAPI 3.1 is valid for a public validator", async () => {
  const result = await new Validator().validate(structuredClone(docs.document));
  assert.ok(result.valid, JSON.stringify(result.errors)?.slice(0, 2000));
});

test("AsyncAPI 3.0 is valid for the public parser, which finds what is wrong with a wrong one", async () => {
  const text = await (await fetch(`${server.base}/api/asyncapi.json`)).text();
  const errors = async (what) => (await new Parser().parse(what)).diagnostics.filter(({ severity }) => severity === 0).map(({ message, path }) => `${path.join(".")}: ${message}`);
  assert.deepEqual(await errors(text), []);
  const wrong = JSON.parse(text);
  wrong.components.messages.PingRequest.payload = { type: "heartbeat" };
  delete wrong.info.version;
  wrong.operations.pingRequest.channel.$ref = "#/channels/nowhere";
  const found = (await errors(JSON.stringify(wrong))).join("\n");
  for (const where of ["components.messages.PingRequest.payload", "info:", "operations.pingRequest.channel"]) assert.ok(found.includes(where), `${where} in ${found}`);
});

test("waboxd --openapi prints what the server serves; the other documents are there", () => {
  assert.deepEqual(JSON.parse(execFileSync(program, ["--openapi"])), docs.document);
  const events = JSON.parse(execFileSync(program, ["--asyncapi"]));
  assert.equal(events.asyncapi, "3.0.0");
  for (const message of Object.values(events.channels.main.messages)) assert.ok(events.components.messages[message.$ref.split("/").at(-1)]);
  const text = JSON.stringify(events), refs = text.match(/#\/components\/schemas\/\w+/g);
  for (const ref of refs) assert.ok(events.components.schemas[ref.split("/").at(-1)], ref);
  assert.match(String(execFileSync(program, ["--api-md"])), /POST \/api\/v1\/auth\/login/);
});

test("the collection for Postman and Insomnia has every call, and they answer", async () => {
  const postman = JSON.parse(execFileSync(program, ["--postman"]));
  assert.deepEqual(await (await fetch(`${server.base}/api/postman.json`)).json(), postman);
  const listed = postman.item.map(({ request }) => `${request.method} ${request.url.replace("{{baseUrl}}", "").replaceAll(/:\w+/g, "{}")}`).sort();
  assert.deepEqual(listed, docs.rows.filter((row) => !row.operation.deprecated).map((row) => `${row.method} ${row.path.replaceAll(/\{\w+\}/g, "{}")}`).sort());
  for (const { request } of postman.item.filter((one) => one.request.method === "GET" && !one.request.url.includes(":")))
    assert.equal((await fetch(request.url.replace("{{baseUrl}}", server.base), { headers: { authorization: `Bearer ${token}` } })).status, 200, request.url);
  for (const { request } of postman.item) if (request.body) JSON.parse(request.body.raw);
});

test("the page under /api/docs needs nobody else", async () => {
  const page = await (await fetch(`${server.base}/api/docs`)).text();
  assert.doesNotMatch(page, /https?:\/\//);
  for (const [, path] of page.matchAll(/(?:src|href)="(\/api\/docs\/[^"]+)"/g)) assert.equal((await fetch(server.base + path)).status, 200, path);
});

const resolveRefs = (schema) => JSON.parse(JSON.stringify(schema).replaceAll("#/components/schemas/", "#/$defs/"));
function strict(schema) { // an answer with a key the document does not know is an undocumented answer
  if (Array.isArray(schema)) return schema.map(strict);
  if (schema === null || typeof schema !== "object") return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, strict(value)]));
  if (copy.type === "object" && copy.properties && !("info" in copy.properties)) copy.additionalProperties = false;
  return copy;
}

jsf.format("password", () => `pw-${random()}`);
// The same calls every time; SEED=n makes others.
let state = Number(process.env.SEED ?? 1) >>> 0;
function random() { // mulberry32
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
jsf.option({ random, alwaysFakeOptionals: false, optionalsProbability: 0.6, maxItems: 3, failOnInvalidTypes: false, fillProperties: false });
const pick = (list) => list[Math.floor(random() * list.length)];
const ODD = [null, 0, -1, 1e308, 2 ** 53, "", " ", "\u0000", "😀", "x".repeat(5000), [], {}, true, "' OR 1=1 --", "/../../etc/passwd", "2025-01-01"];

function pathOf(row) {
  return row.path.replaceAll(/\{([^}]+)\}/g, (_, name) => {
    const schema = row.operation.parameters.find((p) => p.name === name && p.in === "path").schema;
    const own = row.path.includes("/users/") ? [] : [1]; // the administrator's own account would end the login of this test
    const good = schema.type === "integer" ? pick([...own, 2, 3, 7, 99999]) : schema.format === "uuid" ? crypto.randomUUID() : pick(["hello", "/x"]);
    return encodeURIComponent(random() < 0.8 ? good : String(pick(ODD)).slice(0, 200) || "0");
  });
}
function queryOf(row) {
  const query = new URLSearchParams();
  for (const p of row.operation.parameters.filter((one) => one.in === "query"))
    if (random() < 0.5) query.set(p.name, random() < 0.6 ? String(p.schema.enum ? pick(p.schema.enum) : p.schema.type === "integer" ? pick([0, 1, 5, 50]) : pick(["true", "a", "hello"])) : String(pick(ODD)));
  return query.size ? `?${query}` : "";
}
function bodyOf(row, $defs) {
  const schema = row.operation.requestBody?.content["application/json"].schema;
  if (!schema) return undefined;
  const value = jsf.generate({ ...resolveRefs(schema), $defs });
  if (random() < 0.5) value[pick(Object.keys(value).concat("extra"))] = pick(ODD);
  return value;
}

test(`no undocumented answer in ${ROUNDS} generated calls of every operation`, { timeout: 300000 }, async () => {
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats(ajv);
  const $defs = resolveRefs(docs.document.components.schemas), closed = strict($defs);
  const validators = new Map();
  const seen = new Map();
  for (let round = 0; round < ROUNDS; round++) {
    for (const row of docs.rows) {
      if (row.operation.responses["200"] && !row.operation.responses["200"].content) continue; // pages and text
      if (row.path.endsWith("/logout") || (row.path.endsWith("/auth/me") && row.method === "PUT")) continue; // would end the login of this test
      const auth = pick([token, token, token, user.token, undefined, "garbage"]);
      const path = pathOf(row) + queryOf(row), body = bodyOf(row, $defs);
      const { status, body: answer } = await call(server, row.method, path, { token: auth, body });
      const where = `${row.method} ${row.path} -> ${status}`;
      const described = row.operation.responses[status];
      assert.ok(described, `${where} is not in the document (${path} ${JSON.stringify(body)?.slice(0, 300)}): ${answer.message}`);
      assert.notEqual(status, 500, where);
      const key = `${row.method} ${row.path} ${status}`;
      if (!validators.has(key)) validators.set(key, ajv.compile({ ...strict(resolveRefs(described.content["application/json"].schema)), $defs: closed }));
      const validate = validators.get(key);
      assert.ok(validate(answer), `${where}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(answer).slice(0, 300)}`);
      seen.set(status, (seen.get(status) ?? 0) + 1);
    }
  }
  for (const status of [200, 201, 400, 401, 403, 404]) assert.ok(seen.get(status) > 0, `no ${status} among the answers`);
});

test("the page and /api/docs say where their parts may come from; nosniff is said once", async (t) => {
  const directives = (answer) => Object.fromEntries((answer.headers.get("content-security-policy") ?? "").split(";").map((d) => d.trim().split(/\s+/)).map(([name, ...sources]) => [name, sources]));
  const own = await startServer({ PUBLIC_URL: "https://inbox.example.com" });
  t.after(() => own.stop());
  const docsPage = await fetch(`${own.base}/api/docs`), of = directives(docsPage);
  assert.deepEqual(of["default-src"], ["'self'"]);
  assert.equal(of["script-src"], undefined, "scripts come from here alone");
  assert.equal(docsPage.headers.get("x-content-type-options"), "nosniff");
  const page = await fetch(`${own.base}/`);
  if (page.status !== 200) return t.skip("this build has no page");
  const policy = directives(page);
  assert.deepEqual(policy["connect-src"], ["'self'"]);
  assert.deepEqual(policy["img-src"], ["'self'", "data:", "blob:", "https://inbox.example.com"]);
  assert.equal(page.headers.get("x-content-type-options"), "nosniff");
});
