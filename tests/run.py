#!/usr/bin/env python3
"""Runs test suites one after the other and counts real results: cmocka and node:test cases, fuzzers, builds and scripts.

    tests/run.py                the suites of `make test`
    tests/run.py --gate         all: also the builds with clang and with sanitizers, and what runs under them (.ci/run)
    tests/run.py SUITE ...      some of the table below, or a group: asan, tsan, lint
    tests/run.py --list         names, groups and limits

Each suite's output goes to build/test-logs/<suite>.log; failures are shown. A suite that is not there, that ends without a single
result, or that ran fewer cases than it announced has failed. Limits are for suites that hang, not for slow machines: three to five
times what a suite takes on two idle cores. tests/known-gaps.txt names tests that are known to fail, with the reason: they are run,
shown and counted as skipped, never as passed; one that passes is reported, so that its line can go.
The last line is "N passed, N failed, N skipped".
"""
import json, os, re, shutil, signal, subprocess, sys, time
from collections import namedtuple

import variants

ROOT = variants.ROOT
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
LOGS = os.path.join(BUILD, "test-logs")
# A Node of our own (tools/install-deps), where Debian's is too old.
os.environ["PATH"] = os.path.join(ROOT, "tools/node/node_modules/.bin") + ":" + os.environ["PATH"]
NODE = "node --test --test-force-exit --test-reporter=tap "
MESON = "meson test -C {build} --no-rebuild --num-processes 2 --print-errorlogs "

# folder: an npm package unless it is "."; limit in seconds; group: test, or only of the gate; variant: the build it needs (variants.py)
Suite = namedtuple("Suite", "name folder command limit group variant", defaults=("test", None))
SUITES = [
    Suite("c", ".", MESON, 1800),
    Suite("layers", ".", "python3 tools/check_layers", 300),
    Suite("format", ".", "tools/check_format", 300),
    Suite("lint", "web", "../tools/lint-web", 600),
    Suite("clients-js", "clients/js", "node generate.mjs --check && npx tsc --noEmit && npx vitest run --reporter=tap-flat", 900),
    Suite("web", "web", "npx tsc --noEmit && npx vitest run --reporter=tap-flat", 900),
    Suite("sio", "tests/interop/sio", NODE + "--test-concurrency=2 test/*.test.mjs", 1500),
    Suite("wa-codec", "tests/interop/wa-codec", "node codec.mjs ../../../build/tests/interop/wa-codec/wa_codec_peer", 900),
    # s3rver's paging uses a cipher that newer OpenSSL counts as legacy.
    Suite("s3", "tests/interop/s3", "NODE_OPTIONS=--openssl-legacy-provider " + NODE + "*.test.mjs", 900),
    Suite("ws", "tests/interop/ws", NODE + "*.test.mjs", 900),
    Suite("contract", "tests/contract", NODE + "--test-concurrency=2 test/*.test.mjs", 1800),
    Suite("wa", "tests/interop/wa", NODE + "--test-concurrency=2 --test-timeout=500000 *.test.mjs", 2400),
    Suite("e2e", "tests/e2e", NODE + "--test-concurrency=1 *.test.mjs", 2400),
    Suite("soak", "tests/soak", NODE + "*.test.mjs", 1200),
    Suite("clang", ".", "", 1800, "gate", "clang"),
    Suite("asan-c", ".", MESON + "--timeout-multiplier 5", 2400, "asan", "asan"),
    Suite("asan-contract", "tests/contract", NODE + "--test-concurrency=2 test/*.test.mjs", 2400, "asan", "asan"),
    Suite("asan-sio", "tests/interop/sio", NODE + "--test-concurrency=2 test/{{abuse,api,cors,handshake,limits,packets,polling,upgrade,websocket}}.test.mjs",
          1500, "asan", "asan"),
    Suite("tsan-c", ".", MESON + "--timeout-multiplier 5 pool store_writer", 1200, "tsan", "tsan"),
    Suite("tsan-dispatch", "tests/contract", NODE + "--test-concurrency=2 test/{{auth,kept,numbers,realtime,send,users}}.test.mjs", 1800, "tsan", "tsan"),
]


def install(folder):
    """npm ci, once per lockfile."""
    path = os.path.join(ROOT, folder)
    lock = os.path.join(path, "package-lock.json")
    mark = os.path.join(path, "node_modules", ".package-lock.json")
    if not os.path.exists(lock) or (os.path.exists(mark) and os.path.getmtime(mark) >= os.path.getmtime(lock)):
        return
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=path, check=True)
    os.utime(mark)


# --- counting: each returns passed, failed, skipped ---

def testlog(build):
    return os.path.join(build, "meson-logs", "testlog.json")


def count_c(build):
    """cmocka prints its counts; a program without them (a fuzzer) is one case."""
    passed = failed = skipped = 0
    if not os.path.exists(testlog(build)):
        return 0, 1, 0
    with open(testlog(build)) as f:
        for line in f:
            test = json.loads(line)
            out = test.get("stdout", "") + test.get("stderr", "")
            ok = sum(map(int, re.findall(r"\[  PASSED  \] (\d+) test", out)))
            bad = sum(map(int, re.findall(r"\[  FAILED  \] (\d+) test", out)))
            skipped += sum(map(int, re.findall(r"\[  SKIPPED \] (\d+) test", out))) or test["result"] == "SKIP"
            if test["result"] == "OK":
                passed += ok or 1
            elif test["result"] != "SKIP":
                passed, failed = passed + ok, failed + (bad or 1)
    return passed, failed, skipped


def known_gaps(suite):
    """Test names of that suite in tests/known-gaps.txt: "suite: name  # reason"."""
    names = set()
    with open(os.path.join(ROOT, "tests", "known-gaps.txt")) as f:
        for line in f:
            head = line.split("  #")[0].strip()
            if head.startswith(suite + ": "):
                names.add(head[len(suite) + 2:])
    return names


def failing_leaves(out):
    """Names of tests that failed by themselves (not because a test inside them did)."""
    names = []
    for m in re.finditer(r"^\s*not ok \d+ - (.*)\n((?:(?!^\s*(?:not )?ok ).*\n){0,12})", out, re.M):
        if "subtestsFailed" not in m[2] and "# TODO" not in m[1]:
            names.append(re.sub(r" # .*$", "", m[1]).strip())
    return names


def count_node(totals, out, gaps):
    """node:test ends with totals. A known gap that failed is skipped."""
    got = {k: sum(int(n) for name, n in totals if name == k) for k in ("pass", "fail", "cancelled", "skipped", "todo")}
    known = sum(name in gaps for name in failing_leaves(out))
    failed = max(0, got["fail"] + got["cancelled"] - known)
    for name in sorted(gaps):
        if re.search(r"^\s*ok \d+ - " + re.escape(name) + r"\s*$", out, re.M) and name not in failing_leaves(out):
            print(f"  passes now, its line in tests/known-gaps.txt can go: {name}")
    return got["pass"], failed, known + got["skipped"] + got["todo"]


def count_tap(out, gaps):
    """TAP of scripts and of vitest (tap-flat): top-level lines. Fewer than the plan says: the rest has failed."""
    totals = re.findall(r"^# (pass|fail|cancelled|skipped|todo) (\d+)$", out, re.M)
    if totals:
        return count_node(totals, out, gaps)
    lines = re.findall(r"^(not )?ok \d+(.*)$", out, re.M)
    planned = sum(int(n) for n in re.findall(r"^1\.\.(\d+)", out, re.M))
    skipped = sum(bool(re.search(r"# (SKIP|TODO)", text, re.I)) for _, text in lines)
    failed = sum(bool(bad) and not re.search(r"# (SKIP|TODO)", text, re.I) for bad, text in lines)
    return len(lines) - skipped - failed, failed + max(0, planned - len(lines)), skipped


def failures(out):
    lines = [l for l in out.splitlines() if re.match(r"\s*not ok|.*\b(FAIL|TIMEOUT)\b|\s+error:|.*(ERROR: \w+Sanitizer|runtime error:)", l)]
    return lines[:40]


# --- running ---

def execute(suite, command, env, log):
    """The command's exit code; what it started is ended with it."""
    child = subprocess.Popen(command, shell=True, executable="/bin/bash", cwd=os.path.join(ROOT, suite.folder), stdin=subprocess.DEVNULL, stdout=log,
                             stderr=subprocess.STDOUT, env={**os.environ, **env}, start_new_session=True)
    try:
        return child.wait(suite.limit)
    except subprocess.TimeoutExpired:
        log.write(f"\nnot ok 0 - {suite.name} was ended after {suite.limit} s\n")
        return 124
    finally:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()


def run_variant_build(suite, log):
    """A build is a case of the suite that is nothing else, and a condition of the others."""
    is_built = not suite.variant or variants.build(suite.variant, log)
    if not is_built or not suite.command:
        log.write(f"{'ok' if is_built else 'not ok'} 1 - the tree compiles ({suite.variant})\n1..1\n")
    return is_built


def run_suite(suite, log):
    """Prepares, runs, and writes what sanitizers found behind the output. Returns the exit code."""
    build = variants.folder(suite.variant) if suite.variant else BUILD
    if not os.path.isdir(os.path.join(ROOT, suite.folder)):
        log.write(f"not ok 1 - there is no folder {suite.folder}\n")
        return 1
    if suite.folder != ".":
        install(suite.folder)
    if not run_variant_build(suite, log):
        return 1
    if not suite.command:
        return 0
    is_meson, env = suite.command.startswith(MESON), {}
    if is_meson and os.path.exists(testlog(build)):
        os.remove(testlog(build))  # the counts are those of this run
    if suite.variant:
        env = variants.sanitizer_environment(suite.variant) if is_meson else variants.server_environment(suite.variant)
    log.flush()
    code = execute(suite, suite.command.format(build=build), env, log)
    for i, text in enumerate(variants.found(suite.variant) if suite.variant and not is_meson else []):
        log.write(f"\n{text}\n# fail 1\nnot ok {i + 1} - a server of this suite had a sanitizer report\n")
    return code


def run(suite):
    path = os.path.join(LOGS, suite.name + ".log")
    with open(path, "w", errors="replace") as log:
        try:
            code = run_suite(suite, log)
        except (OSError, subprocess.SubprocessError) as error:
            log.write(f"not ok 1 - {suite.name} could not be run: {error}\n")
            code = 1
    with open(path, errors="replace") as f:
        out = f.read()
    gaps = known_gaps(suite.name)
    if suite.command.startswith(MESON) and "not ok 1 - the tree compiles" not in out:
        passed, failed, skipped = count_c(variants.folder(suite.variant) if suite.variant else BUILD)
    else:
        passed, failed, skipped = count_tap(out, gaps)
    if not failed and (code and not gaps or not passed + skipped):
        print(f"  {suite.name} ended with {code} and {passed} results")
        failed = 1
    if failed:
        print("\n".join(failures(out)) or out[-2000:])
    return passed, failed, skipped


def chosen(words):
    if not words:
        return [s for s in SUITES if s.group == "test"]
    if words == ["--gate"]:
        return SUITES
    for word in words:
        if not any(word in (s.name, s.group) for s in SUITES):
            sys.exit(f"There is no suite {word}; tests/run.py --list names them.")
    return [s for s in SUITES if s.name in words or s.group in words]


def main():
    if sys.argv[1:] == ["--list"]:
        for s in SUITES:
            print(f"{s.name:14} group {s.group:5} at most {s.limit} s  {s.folder}")
        return
    os.makedirs(LOGS, exist_ok=True)
    suites = chosen(sys.argv[1:])
    if not shutil.which("node"):
        sys.exit("Node is needed for the tests: run tools/install-deps")
    passed = failed = skipped = 0
    began = time.time()
    for suite in suites:
        start = time.time()
        ok, bad, left = run(suite)
        print(f"{suite.name:14} {ok:5} passed {bad:4} failed {left:4} skipped  {time.time() - start:6.1f} s", flush=True)
        passed, failed, skipped = passed + ok, failed + bad, skipped + left
    print(f"{time.time() - began:.0f} s")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)


main()
