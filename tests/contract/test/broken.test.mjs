// What waboxd and `waboxctl doctor` say about a set-up that somebody broke. Each row breaks a good one; both name the trouble and
// what to do about it.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync, writeSync, closeSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { call, login, program, startServer } from "../lib/server.mjs";

const tool = join(dirname(program), "waboxctl");
const top = mkdtempSync(join(tmpdir(), "wabox-broken-"));
const good = join(top, "good");
after(() => rmSync(top, { recursive: true, force: true }));

let serial = 0;
/** A copy of the good data directory that may be broken. */
function copy() {
  const to = join(top, `copy${++serial}`);
  cpSync(good, to, { recursive: true });
  chmodSync(to, 0o700);
  return to;
}
const spawn = (command, args, data, env) => spawnSync(command, args, {
  cwd: dirname(data), encoding: "utf8", timeout: 30000,
  env: { PATH: process.env.PATH, PORT: "0", HOST: "127.0.0.1", DATA_DIR: data, WABOX_WHATSAPP: "off", ...env } });
const poke = (file, at, bytes) => { const fd = openSync(file, "r+"); writeSync(fd, Buffer.from(bytes), 0, bytes.length, at); closeSync(fd); };
const openssl = (...args) => execFileSync("openssl", args, { stdio: "ignore" });
const certificate = (name, ...more) => {
  const [cert, key] = [join(top, `${name}.pem`), join(top, `${name}.key`)];
  openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost", "-keyout", key, "-out", cert, "-days", "90", ...more);
  return { TLS_CERT: cert, TLS_KEY: key };
};
/** A certificate that ended in 2020: only a certificate authority of one's own signs such a thing. */
function expired() {
  const { TLS_CERT, TLS_KEY } = certificate("old"), ca = join(top, "ca");
  mkdirSync(ca, { recursive: true });
  writeFileSync(join(ca, "index"), "");
  writeFileSync(join(ca, "conf"), "[ca]\ndefault_ca=a\n[a]\ndatabase=index\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n");
  openssl("req", "-new", "-key", TLS_KEY, "-subj", "/CN=localhost", "-out", join(ca, "csr"));
  execFileSync("openssl", ["ca", "-batch", "-selfsign", "-config", "conf", "-keyfile", TLS_KEY, "-in", "csr", "-out", TLS_CERT, "-notext", "-startdate", "200101000000Z", "-enddate", "200201000000Z"], { cwd: ca, stdio: "ignore" });
  return { TLS_CERT, TLS_KEY };
}

before(async () => {
  const server = await startServer({ DATA_DIR: good });
  const token = await login(server);
  await call(server, "POST", "/whatsapp", { token, body: { name: "Front desk", phoneNumber: "6281200000001" } });
  assert.equal((await server.stop()).code, 0);
});

// why, what is done to the directory (returns settings), what waboxd says (null: it starts), what doctor says
const rows = [
  ["the database is rubbish", (data) => poke(join(data, "wabox.db"), 0, Buffer.alloc(4096, "x")), /damaged.*waboxctl restore/i, /FAIL database: .*damaged.*waboxctl restore/i],
  ["pages of the database are overwritten", (data) => poke(join(data, "wabox.db"), 8192, Buffer.alloc(65536, "x")), undefined, /FAIL database: .*waboxctl restore/s],
  ["the database is of a newer version", (data) => poke(join(data, "wabox.db"), 60, [0, 0, 0x27, 0x0f]), /schema version 9999.*newer WaBox/, /FAIL database: .*schema version 9999.*newer WaBox/],
  ["the database is of another program", (data) => poke(join(data, "wabox.db"), 68, [1, 2, 3, 4]), /another program/, /FAIL database: .*another program/],
  ["the master key is no key", (data) => writeFileSync(join(data, "master.key"), "zz"), /master\.key: does not hold 32 bytes.*restore/, /FAIL secrets: .*master\.key/],
  ["certificate and key do not belong together", () => ({ TLS_CERT: certificate("one").TLS_CERT, TLS_KEY: certificate("two").TLS_KEY }), /two\.key.*(does not|not the key|match)/, /FAIL certificate: .*(does not|not the key|match)/],
  ["the certificate file is rubbish", () => { writeFileSync(join(top, "rubbish.pem"), "no"); return { ...certificate("three"), TLS_CERT: join(top, "rubbish.pem") }; }, /rubbish\.pem/, /FAIL certificate: .*rubbish\.pem/],
  ["the certificate has expired", expired, null, /FAIL certificate: .*has expired .*renew it.*SIGHUP/],
  ["the certificate ends soon", () => certificate("soon", "-days", "3"), null, /FAIL certificate: .*is good for [23] more days.*renew/],
  ["the simulator is away", () => ({ WABOX_WHATSAPP: "ws://127.0.0.1:1/ws/chat" }), null, /FAIL WhatsApp: nobody answers at ws:\/\/127\.0\.0\.1:1\/ws\/chat: start wabox-sim/],
  ["WABOX_WHATSAPP is no address", () => ({ WABOX_WHATSAPP: "lvie" }), /WABOX_WHATSAPP: "lvie" is neither live, off, host:port/, /WABOX_WHATSAPP: "lvie" is neither/],
  ["a line of .env is misspelt", (data) => { const dir = join(data, "of"); mkdirSync(dir); writeFileSync(join(dir, ".env"), "PORT=0\nDATA_DRI=/x\n"); return { DATA_DIR: join(dir, "data") }; }, /\.env line 2: DATA_DRI: there is no such setting/, /\.env line 2: DATA_DRI: there is no such setting/],
  ["the directory is open to others", (data) => chmodSync(data, 0o755), null, /FAIL data directory: .*chmod 700/],
  ["DATA_DIR is a file", (data) => { writeFileSync(join(data, "file"), ""); return { DATA_DIR: join(data, "file") }; }, /DATA_DIR: .*file/, /FAIL data directory: .*is a file; DATA_DIR must name a directory/],
  ["the port belongs to root", () => ({ PORT: "81", as: "nobody" }), /PORT: no permission for port 81/, /FAIL port: 81 needs a privilege/],
  ["the directory belongs to somebody else", () => ({ as: "nobody", keeps: true }), /DATA_DIR: .* cannot be written by this user/, /FAIL data directory: .*cannot be written by this user/],
];

for (const [why, breakIt, start, doctor] of rows) {
  test(`when ${why}, the start and doctor say so`, async (t) => {
    const data = copy();
    const { as, keeps, ...env } = breakIt(data) ?? {};
    if (as && process.getuid() !== 0) return t.skip("needs root to become somebody else");
    if (as) chmodSync(top, 0o755);
    if (as && !keeps) for (const path of ["", ...readdirSync(data, { recursive: true })]) chownSync(join(data, path), 65534, 65534);
    const become = (command, args) => as ? ["setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", command, ...args]] : [command, args];
    const where = env.DATA_DIR ?? data;
    const said = spawn(...become(tool, ["doctor"]), where, env);
    assert.notEqual(said.status, 0, said.stdout);
    assert.match(said.stdout + said.stderr, doctor);
    if (start === undefined) return;
    if (start === null) return assert.equal((await (await startServer({ ...env, DATA_DIR: where })).stop()).code, 0, "it starts all the same");
    const ran = spawn(...become(program, []), where, env);
    assert.ok(ran.status === 1 || ran.status === 2, `${ran.status} ${ran.stderr}`);
    assert.match(ran.stderr, start);
    assert.equal(ran.stdout, "");
  });
}

test("an expired certificate is used, with a warning in the log", async () => {
  const server = await startServer({ DATA_DIR: copy(), ...expired() });
  assert.equal((await server.stop()).code, 0);
  assert.match(server.log(), /warn +app: the certificate has expired/);
});

test("the master key of another database is refused once a device is linked; forget-devices begins anew", async () => {
  const data = copy(), key = join(data, "master.key"), sealed = readFileSync(key, "utf8");
  const other = "ab".repeat(32);
  writeFileSync(key, other);
  const unlinked = await startServer({ DATA_DIR: data });
  assert.equal((await unlinked.stop()).code, 0, "nothing is lost with a key that sealed nothing");
  assert.equal(readFileSync(key, "utf8"), other);
  link(data);
  writeFileSync(key, sealed);
  assert.match(spawn(program, [], data).stderr, /master\.key is not the key that this database was sealed with.*restore.*forget-devices/);
  assert.match(spawn(tool, ["doctor"], data).stdout, /FAIL secrets: .*not the key/);
  rmSync(key);
  assert.match(spawn(program, [], data).stderr, /master\.key is missing.*restore/);
  assert.ok(!existsSync(key), "no new key is put in its place");
  assert.match(spawn(tool, ["doctor"], data).stdout, /FAIL secrets: .*master\.key is missing/);
  assert.equal(spawn(tool, ["forget-devices"], data).status, 0);
  const again = await startServer({ DATA_DIR: data });
  await login(again);
  assert.equal((await again.stop()).code, 0);
});

/** Gives the number's session a device, as linking does: the session row needs no more for this. */
function link(data) {
  execFileSync("python3", ["-c", `import sqlite3,sys
db = sqlite3.connect(sys.argv[1])
db.execute("INSERT OR IGNORE INTO sessions (number_id, status, is_active, created_at, updated_at) SELECT id, 0, 0, 0, 0 FROM numbers")
db.execute("UPDATE sessions SET jid = '6281200000001:1@s.whatsapp.net'")
db.commit()`, join(data, "wabox.db")]);
}

test("a second server on the same directory is refused, and so is a restore under a running one", async () => {
  const data = copy(), server = await startServer({ DATA_DIR: data });
  const second = spawn(program, [], data);
  assert.equal(second.status, 1);
  assert.match(second.stderr, /DATA_DIR: .* is in use by a running waboxd/);
  assert.equal(spawn(tool, ["backup", join(top, "backup.db")], data).status, 0, "a backup needs no stop");
  const restore = spawn(tool, ["restore", join(top, "backup.db")], data);
  assert.equal(restore.status, 1);
  assert.match(restore.stderr, /in use by a running waboxd/);
  assert.match(spawn(tool, ["doctor"], data).stdout, /ok +server: waboxd is running/);
  await server.stop("SIGKILL");
  assert.equal(spawn(tool, ["restore", join(top, "backup.db")], data).status, 0, "the lock ends with the process that had it");
});

test("a low limit of open files is named", () => {
  const { stdout, status } = spawn("sh", ["-c", `ulimit -n 256 && exec ${tool} doctor`], copy());
  assert.equal(status, 1);
  assert.match(stdout, /FAIL open files: 256 open files are allowed.*LimitNOFILE/);
});

test("without a network, live says so and how it goes on", (t) => {
  const shell = `ip link set lo up 2>/dev/null; exec ${tool} doctor`;
  if (spawnSync("unshare", ["-n", "true"]).status !== 0) return t.skip("no network namespaces here");
  const { stdout } = spawn("unshare", ["-n", "sh", "-c", shell], copy(), { WABOX_WHATSAPP: "live" });
  assert.match(stdout, /FAIL WhatsApp: live, but .*web\.whatsapp\.com.*(DNS|firewall).*keeps trying/);
});
