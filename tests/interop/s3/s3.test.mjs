// The blob store's S3 backend, judged by what nobody here wrote. Two servers: s3rver (npm) always, moto (PyPI, which verifies
// signatures) where python3 has it. s3rver does not compute version 4 signatures, so the proxy in front of it does, with the signer
// of AWS's own SDK, and hashes every body; it also cuts, delays and refuses.
import { test, before, after, describe } from "node:test";
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync, readFileSync, readdirSync, openSync, writeSync, closeSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import path from "node:path";
import readline from "node:readline";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import S3rver from "s3rver";

const PEER = path.resolve(import.meta.dirname, "../../..", process.env.BUILD ?? "build", "tests/interop/s3/s3_peer");
const scratch = mkdtempSync(path.join(tmpdir(), "wabox-s3-"));
const hex = (bytes) => createHash("sha256").update(bytes).digest("hex");
const MIB = 1 << 20;
let counter = 0;

function file(bytes) {
  const name = path.join(scratch, `file-${counter++}`);
  writeFileSync(name, bytes);
  return name;
}

/** A blob store of ours in a process of its own; say("put …") resolves with its answer. */
class Store {
  constructor(where, { key = "S3RVER", secret = "S3RVER", part = 5 * MIB } = {}) {
    this.spool = path.join(scratch, `spool-${counter++}`);
    this.child = spawn(PEER, [where, this.spool, String(part)], { env: { S3_ACCESS_KEY: key, S3_SECRET_KEY: secret } });
    this.log = "";
    this.child.stderr.on("data", (d) => (this.log += d));
    this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }
  async open() {
    assert.equal((await this.lines.next()).value, "ok s3");
    return this;
  }
  async say(command) {
    this.child.stdin.write(command + "\n");
    return (await this.lines.next()).value;
  }
  async close() {
    this.child.stdin.end();
    const [code] = await once(this.child, "exit");
    assert.equal(code, 0, this.log);
  }
}

/** What is wrong with a request's signature by AWS's own signer; null when nothing is. */
async function judge(req, key, secret) {
  const url = new URL(req.url, "http://x"), date = req.headers["x-amz-date"];
  const names = /SignedHeaders=([^,]+)/.exec(req.headers.authorization ?? "")?.[1].split(";");
  if (!names || !date) return "not signed";
  for (const name of ["host", "x-amz-date", "x-amz-content-sha256"]) if (!names.includes(name)) return `${name} is not signed`;
  const signer = new SignatureV4({ service: "s3", region: "us-east-1", uriEscapePath: false, applyChecksum: false, sha256: Sha256, credentials: { accessKeyId: key, secretAccessKey: secret } });
  const signed = await signer.sign(
    { method: req.method, protocol: "http:", hostname: req.headers.host, path: url.pathname, query: Object.fromEntries(url.searchParams), headers: Object.fromEntries(names.map((n) => [n, req.headers[n]])) },
    { signingDate: new Date(date.replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z")), signableHeaders: new Set(names) },
  );
  return signed.headers.authorization === req.headers.authorization ? null : `signature of ${req.method} ${req.url}`;
}

/** Forwards to `port` as it came (the Host header is signed); `fault(request, n)` may answer or break instead. */
async function proxy({ port, key, secret }) {
  const p = { fault: null, requests: [], seen: 0, wrong: [], judged: 0 };
  p.server = http.createServer(async (req, res) => {
    p.requests.push(`${req.method} ${req.url}`);
    const wrong = await judge(req, key, secret);
    p.judged++;
    if (wrong) {
      p.wrong.push(wrong);
      req.resume();
      res.writeHead(403);
      return res.end("<Error><Code>SignatureDoesNotMatch</Code></Error>");
    }
    if (p.fault?.(req, res, ++p.seen)) return;
    const hash = createHash("sha256");
    req.on("data", (d) => hash.update(d));
    req.on("end", () => hash.digest("hex") !== req.headers["x-amz-content-sha256"] && p.wrong.push(`body of ${req.method} ${req.url}`));
    const up = http.request({ port, host: "127.0.0.1", method: req.method, path: req.url, headers: req.headers }, (r) => {
      res.writeHead(r.statusCode, r.headers);
      if (p.cut && req.method === "GET" && r.statusCode < 300) {
        const after = p.cut;
        p.cut = 0;
        let got = 0;
        r.on("data", (d) => {
          got += d.length;
          res.write(d.subarray(0, Math.max(0, d.length - Math.max(0, got - after))));
          if (got >= after) setTimeout(() => res.destroy(), 20);
        });
        r.on("end", () => res.destroy());
      } else r.pipe(res);
    });
    up.on("error", () => res.destroy());
    req.pipe(up);
  });
  p.server.listen(0, "127.0.0.1");
  await once(p.server, "listening");
  p.port = p.server.address().port;
  return p;
}

async function freePort() {
  const s = net.createServer().listen(0, "127.0.0.1");
  await once(s, "listening");
  const { port } = s.address();
  s.close();
  return port;
}

const servers = {
  async s3rver() {
    const server = new S3rver({ port: 0, address: "127.0.0.1", silent: true, directory: path.join(scratch, "s3rver"), configureBuckets: [{ name: "wabox" }, { name: "other" }] });
    const { port } = await server.run();
    return { port, key: "S3RVER", secret: "S3RVER", stop: () => server.close() };
  },
  async moto() {
    // Authentication is on: the administrator made here is the only one who may do anything.
    const port = await freePort();
    const code = `
import sys, json
from moto.server import DomainDispatcherApplication, create_backend_app, ThreadedMotoServer
import boto3, moto.core.responses as r
port = int(sys.argv[1])
s = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False); s.start()
k = dict(endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
iam = boto3.client("iam", **k)
iam.create_user(UserName="u")
p = iam.create_policy(PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))
iam.attach_user_policy(UserName="u", PolicyArn=p["Policy"]["Arn"])
key = iam.create_access_key(UserName="u")["AccessKey"]
s3 = boto3.client("s3", **k)
s3.create_bucket(Bucket="wabox"); s3.create_bucket(Bucket="other")
r.ActionAuthenticatorMixin.request_count = 0
import moto.settings as settings
settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
r.settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
print(json.dumps([key["AccessKeyId"], key["SecretAccessKey"]]), flush=True)
sys.stdin.read()
`;
    const child = spawn("python3", ["-c", code, String(port)], { stdio: ["pipe", "pipe", "pipe"] });
    let log = "";
    child.stderr.on("data", (d) => (log += d));
    const line = (await readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()).value;
    assert.ok(line, log);
    const [key, secret] = JSON.parse(line);
    return { port, key, secret, stop: async () => (child.stdin.end(), await once(child, "exit")) };
  },
};

function skipped(name) {
  if (name !== "moto") return false;
  const has = spawnSync("python3", ["-c", "import moto.server, boto3, flask"]).status === 0;
  return has ? false : "moto is not installed: pip install 'moto[server]'";
}

after(() => rmSync(scratch, { recursive: true, force: true }));

for (const name of Object.keys(servers)) {
  describe(name, { skip: skipped(name) }, () => {
    let server, middle, store;
    const where = (bucket = "wabox/media", port = middle.port) => `s3://${bucket}?endpoint=http://127.0.0.1:${port}&region=us-east-1`;
    const open = (bucket, options) => new Store(where(bucket), { key: server.key, secret: server.secret, ...options }).open();
    before(async () => {
      server = await servers[name]();
      middle = await proxy(server);
      store = await open();
    });
    after(async () => {
      await store?.close();
      middle?.server.close();
      middle?.server.closeAllConnections();
      await server?.stop();
    });

    test("a blob comes back as it was stored, and is known the second time", async () => {
      const bytes = randomBytes(300_000), out = path.join(scratch, "out");
      assert.equal(await store.say(`put ${file(bytes)}`), `ok ${hex(bytes)} 300000 new`);
      assert.equal(await store.say(`put ${file(bytes)}`), `ok ${hex(bytes)} 300000 known`);
      assert.equal(await store.say(`stat ${hex(bytes)}`), "ok 300000");
      assert.equal(await store.say(`get ${hex(bytes)} 0 0 ${out}`), "ok 300000");
      assert.deepEqual(readFileSync(out), bytes);
      assert.equal(await store.say(`fetch ${hex(bytes)} ${out}`), "ok 300000");
      assert.deepEqual(readFileSync(out), bytes);
      assert.deepEqual(readdirSync(store.spool), [], "nothing stays behind in the spool");
    });

    test("ranges give exactly their bytes", async () => {
      const bytes = randomBytes(100_000), out = path.join(scratch, "out");
      await store.say(`put ${file(bytes)}`);
      for (const [from, len] of [[0, 1], [1, 99_999], [99_999, 1], [50_000, 0], [10, 20]]) {
        const want = bytes.subarray(from, len ? from + len : undefined);
        assert.equal(await store.say(`get ${hex(bytes)} ${from} ${len} ${out}`), `ok ${want.length}`);
        assert.deepEqual(readFileSync(out), want);
      }
      assert.equal(await store.say(`get ${hex(bytes)} 100000 5 ${out}`), "failed BX_E_INVALID");
    });

    test("an empty blob is a blob", async () => {
      const out = path.join(scratch, "out");
      assert.equal(await store.say(`put ${file("")}`), `ok ${hex("")} 0 new`);
      assert.equal(await store.say(`get ${hex("")} 0 0 ${out}`), "ok 0");
    });

    test("a large blob goes up in parts", async () => {
      const bytes = randomBytes(12 * MIB + 345), out = path.join(scratch, "out");
      middle.requests.length = 0;
      assert.equal(await store.say(`put ${file(bytes)}`), `ok ${hex(bytes)} ${bytes.length} new`);
      assert.equal(middle.requests.filter((r) => /^PUT .*partNumber=\d&uploadId=/.test(r)).length, 3);
      assert.equal(await store.say(`get ${hex(bytes)} 0 0 ${out}`), `ok ${bytes.length}`);
      assert.deepEqual(readFileSync(out), bytes);
    });

    test("a reader that pauses gets every byte once", async () => {
      const bytes = randomBytes(3 * MIB), out = path.join(scratch, "out");
      await store.say(`put ${file(bytes)}`);
      assert.equal(await store.say(`slow ${hex(bytes)} ${out}`), `ok ${bytes.length}`);
      assert.deepEqual(readFileSync(out), bytes);
    });

    test("what is not there is not found, and deleting it is fine", async () => {
      const id = hex("nobody stored this"), out = path.join(scratch, "out");
      assert.equal(await store.say(`get ${id} 0 0 ${out}`), "failed BX_E_NOT_FOUND");
      assert.equal(await store.say(`stat ${id}`), "failed BX_E_NOT_FOUND");
      assert.equal(await store.say(`delete ${id}`), "ok");
      await store.say(`put ${file("gone soon")}`);
      assert.equal(await store.say(`delete ${hex("gone soon")}`), "ok");
      assert.equal(await store.say(`stat ${hex("gone soon")}`), "failed BX_E_NOT_FOUND");
    });

    test("a listing has every blob once, in pages of any size", async () => {
      // moto 5.2 decodes a '/' of the query before it signs, which its own vendor's client trips over as well.
      const other = await open(name === "moto" ? "other" : "other/a b+c"), want = [];
      for (let i = 0; i < 25; i++) {
        const text = `blob ${i}`;
        assert.match(await other.say(`put ${file(text)}`), /^ok /);
        want.push(hex(text));
      }
      want.sort();
      for (const max of name === "moto" ? [1000] : [1000, 10, 1]) assert.equal(await other.say(`list ${max}`), `ok 25 ${want.join(" ")}`);
      await other.close();
    });

    test("a wrong secret is refused and is in no log", async () => {
      const secret = "not-the-secret-but-secret";
      const bad = await open("wabox", { secret });
      assert.equal(await bad.say(`put ${file("x")}`), "failed BX_E_DENIED");
      await bad.close();
      middle.wrong.length = 0;
      assert.match(bad.log, /DENIED/);
      assert.ok(!bad.log.includes(secret) && !bad.log.includes("Signature="));
    });

    test("a server that is busy is asked again, and in the end given up", async () => {
      const bytes = randomBytes(1000);
      middle.seen = 0;
      middle.fault = (req, res, n) => n % 3 !== 0 && (req.resume(), res.writeHead(503), res.end("<Error><Code>SlowDown</Code></Error>"), true);
      assert.equal(await store.say(`put ${file(bytes)}`), `ok ${hex(bytes)} 1000 new`);
      middle.fault = (req, res) => (req.resume(), res.writeHead(500), res.end(), true);
      middle.requests.length = 0;
      assert.equal(await store.say(`stat ${hex(bytes)}`), "failed BX_E_UNAVAILABLE");
      assert.equal(middle.requests.length, 5);
      middle.fault = (req) => (req.socket.destroy(), true);
      assert.match(await store.say(`stat ${hex(bytes)}`), /^failed BX_E_/);
      middle.fault = null;
      assert.equal(await store.say(`stat ${hex(bytes)}`), "ok 1000");
    });

    test("a part that fails for good leaves nothing behind", async () => {
      const bytes = randomBytes(6 * MIB);
      middle.fault = (req, res) => /partNumber=2/.test(req.url) && (req.resume(), res.writeHead(400), res.end("<Error><Code>EntityTooSmall</Code></Error>"), true);
      middle.requests.length = 0;
      assert.equal(await store.say(`put ${file(bytes)}`), "failed BX_E_INVALID");
      middle.fault = null;
      assert.ok(middle.requests.some((r) => /^DELETE .*uploadId=/.test(r)), "the upload is aborted");
      assert.equal(await store.say(`stat ${hex(bytes)}`), "failed BX_E_NOT_FOUND");
      assert.deepEqual(readdirSync(store.spool), []);
    });

    test("a download that breaks off goes on where it stopped", async () => {
      const bytes = randomBytes(2 * MIB), out = path.join(scratch, "out");
      await store.say(`put ${file(bytes)}`);
      middle.cut = 700_000;
      middle.requests.length = 0;
      assert.equal(await store.say(`get ${hex(bytes)} 0 0 ${out}`), `ok ${bytes.length}`);
      assert.deepEqual(readFileSync(out), bytes);
      assert.ok(middle.requests.length >= 2);
    });

    test("a blob that was changed in the bucket is not handed on as whole", async () => {
      const bytes = randomBytes(1000), out = path.join(scratch, "out");
      await store.say(`put ${file(bytes)}`);
      middle.fault = (req, res) => req.method === "GET" && (res.writeHead(200, { "content-length": 1000 }), res.end(randomBytes(1000)), true);
      assert.equal(await store.say(`get ${hex(bytes)} 0 0 ${out}`), "failed BX_E_CORRUPT");
      assert.equal(await store.say(`fetch ${hex(bytes)} ${out}`), "failed BX_E_CORRUPT");
      middle.fault = null;
    });

    test("every request was signed as AWS's own client signs it, with the hash of its body", () => {
      assert.ok(middle.judged > 50);
      assert.deepEqual(middle.wrong, []);
    });

    test("memory stays flat whatever the size", async () => {
      const name = path.join(scratch, "large"), fd = openSync(name, "w"), out = path.join(scratch, "out");
      const hash = createHash("sha256");
      for (let i = 0; i < 160; i++) {
        const block = randomBytes(MIB);
        hash.update(block);
        writeSync(fd, block);
      }
      closeSync(fd);
      const fresh = await open("wabox/large", { part: 16 * MIB }), id = hash.digest("hex");
      await fresh.say(`put ${file(randomBytes(1000))}`);
      const before = Number((await fresh.say("rss")).split(" ")[1]);
      assert.equal(await fresh.say(`put ${name}`), `ok ${id} ${160 * MIB} new`);
      assert.equal(await fresh.say(`get ${id} 0 0 ${out}`), `ok ${160 * MIB}`);
      const grown = Number((await fresh.say("rss")).split(" ")[1]) - before;
      await fresh.close();
      rmSync(name);
      assert.ok(grown < 4096, `160 MiB up and down raised memory by ${grown} KiB`);
    });
  });
}
