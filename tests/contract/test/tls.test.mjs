// TLS on the port, and certificates that are renewed under a running server (SIGHUP).
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { ADMIN, startServer } from "../lib/server.mjs";
import { openSocket } from "../lib/socket.mjs";

const at = mkdtempSync(join(tmpdir(), "wabox-tls-")), cert = join(at, "cert.pem"), key = join(at, "key.pem");
const made = (name, ext) => join(at, `${name}.${ext}`);
for (const [name, days] of [["A", "90"], ["B", "90"], ["soon", "3"]])
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", `/CN=${name}`, "-days", days,
    "-keyout", made(name, "key"), "-out", made(name, "pem")], { stdio: "ignore" });
const put = (certOf, keyOf = certOf) => { copyFileSync(made(certOf, "pem"), cert); copyFileSync(made(keyOf, "key"), key); };

let server;
before(async () => {
  put("A");
  server = await startServer({ TLS_CERT: cert, TLS_KEY: key });
  server.base = `https://127.0.0.1:${server.port}`;
});
after(async () => { assert.equal((await server.stop()).code, 0); rmSync(at, { recursive: true }); });

function logged(pattern, from) {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`not logged: ${pattern} in ${server.log().slice(from)}`)), 5000);
    const look = () => {
      const line = server.log().slice(from).split("\n").find((l) => pattern.test(l));
      if (!line) return;
      clearTimeout(timer);
      server.child.stderr.off("data", look);
      done(line);
    };
    server.child.stderr.on("data", look);
  });
}
const hangUp = (pattern) => { const line = logged(pattern, server.log().length); server.child.kill("SIGHUP"); return line; };
const shown = () => new Promise((done, fail) => {
  const s = connect({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false }, () => { done(s.getPeerCertificate().subject.CN); s.destroy(); }).on("error", fail);
});
const ask = (path, { body, ...options } = {}) => new Promise((done, fail) => {
  const r = request(server.base + path, { method: body ? "POST" : "GET", headers: { "content-type": "application/json" }, rejectUnauthorized: false, ...options }, (answer) => {
    let text = "";
    answer.on("data", (bytes) => { text += bytes; }).on("end", () => done({ status: answer.statusCode, body: JSON.parse(text), isSame: r.reusedSocket }));
  }).on("error", fail);
  r.end(body && JSON.stringify(body));
});

test("a new certificate is shown to new connections, the old ones go on; what cannot be used changes nothing and is named", async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const { token } = (await ask("/api/v1/auth/login", { body: ADMIN })).body;
  const socket = openSocket(server, { token }, { rejectUnauthorized: false });
  await socket.ready;
  const oldGoOn = async () => {
    const { status, isSame } = await ask("/health", { agent });
    assert.deepEqual([status, isSame], [200, true]);
    assert.deepEqual(await socket.ask("ping", 1), { success: true, data: 1 });
  };
  assert.equal((await ask("/health", { agent })).status, 200);
  assert.equal(await shown(), "A");
  put("B");
  assert.equal(await shown(), "A", "not before it is told");
  assert.match(await hangUp(/certificate reloaded/), /info/);
  assert.equal(await shown(), "B");
  await oldGoOn();
  for (const [why, spoil, sentence] of [
    ["rubbish", () => writeFileSync(cert, "no certificate"), /no certificate in .*cert\.pem/],
    ["half a file", () => writeFileSync(cert, execFileSync("head", ["-c", "200", made("A", "pem")])), /no certificate in .*cert\.pem/],
    ["the key of another", () => put("A", "B"), /key\.pem.*(mismatch|match)/],
    ["no key at all", () => { put("A"); rmSync(key); }, /key\.pem cannot be read/],
  ]) {
    spoil();
    const line = await hangUp(/certificate not reloaded/);
    assert.match(line, /error/, why);
    assert.match(line, sentence, why);
    assert.equal(await shown(), "B", why);
    await oldGoOn();
  }
  put("soon");
  await hangUp(/the certificate expires soon.*days=[23]/);
  assert.equal(await shown(), "soon");
  await oldGoOn();
  socket.close();
  agent.destroy();
});
