#!/usr/bin/env python3
"""Runs every test suite, one after the other, and counts real results: cmocka and node:test cases, fuzzers and scripts.

    tests/run.py [suite ...]        (names of the table below; none: all)

Output of each suite goes to build/test-logs/<suite>.log; failures are shown. tests/known-gaps.txt names tests that are known to
fail, with the reason: they are run, shown and counted as skipped, never as passed; one that passes is reported, so that its line
can go. The last line is "N passed, N failed, N skipped".
"""
import json, os, re, shutil, subprocess, sys, time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
LOGS = os.path.join(BUILD, "test-logs")
# A Node of our own (tools/install-deps), where Debian's is too old.
os.environ["PATH"] = os.path.join(ROOT, "tools/node/node_modules/.bin") + ":" + os.environ["PATH"]
NODE = "node --test --test-force-exit --test-reporter=tap "

# name, folder (an npm package unless it is "."), command, limit in seconds
SUITES = [
    ("c", ".", f"meson test -C {BUILD} --no-rebuild --num-processes 2 --print-errorlogs", 600),
    ("layers", ".", "python3 tools/check_layers", 60),
    ("clients-js", "clients/js", "node generate.mjs --check && npx tsc --noEmit && npx vitest run --reporter=tap-flat", 180),
    ("web", "web", "npx tsc --noEmit && npx vitest run --reporter=tap-flat", 240),
    ("sio", "tests/interop/sio", NODE + "--test-concurrency=2 test/*.test.mjs", 400),
    ("wa-codec", "tests/interop/wa-codec", "node codec.mjs ../../../build/tests/interop/wa-codec/wa_codec_peer", 240),
    # s3rver's paging uses a cipher that newer OpenSSL counts as legacy.
    ("s3", "tests/interop/s3", "NODE_OPTIONS=--openssl-legacy-provider " + NODE + "*.test.mjs", 300),
    ("ws", "tests/interop/ws", NODE + "*.test.mjs", 180),
    ("contract", "tests/contract", NODE + "--test-concurrency=2 test/*.test.mjs", 400),
    ("wa", "tests/interop/wa", NODE + "--test-concurrency=2 --test-timeout=500000 *.test.mjs", 900),
    ("e2e", "tests/e2e", NODE + "--test-concurrency=1 *.test.mjs", 900),
    ("soak", "tests/soak", NODE + "*.test.mjs", 300),
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


def count_c():
    """cmocka prints its counts; a program without them (a fuzzer) is one case."""
    passed = failed = 0
    with open(os.path.join(BUILD, "meson-logs", "testlog.json")) as f:
        for line in f:
            test = json.loads(line)
            out = test.get("stdout", "") + test.get("stderr", "")
            ok = sum(map(int, re.findall(r"\[  PASSED  \] (\d+) test", out)))
            bad = sum(map(int, re.findall(r"\[  FAILED  \] (\d+) test", out)))
            if test["result"] == "OK":
                passed += ok or 1
            elif test["result"] != "SKIP":
                passed, failed = passed + ok, failed + (bad or 1)
    return passed, failed


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


def count_tap(out, gaps):
    """node:test ends with totals; other TAP is counted by its top-level lines. Returns passed, failed, skipped (known gaps)."""
    totals = re.findall(r"^# (pass|fail|cancelled) (\d+)", out, re.M)
    if not totals:
        good = len(re.findall(r"^ok \d+", out, re.M))
        return good, len(re.findall(r"^not ok \d+", out, re.M)), 0
    got = {k: sum(int(n) for name, n in totals if name == k) for k in ("pass", "fail", "cancelled")}
    known = sum(name in gaps for name in failing_leaves(out))
    failed = max(0, got["fail"] + got["cancelled"] - known)
    for name in sorted(gaps):
        if re.search(r"^\s*ok \d+ - " + re.escape(name) + r"\s*$", out, re.M) and name not in failing_leaves(out):
            print(f"  passes now, its line in tests/known-gaps.txt can go: {name}")
    return got["pass"], failed, known


def failures(out):
    lines = [l for l in out.splitlines() if re.match(r"\s*not ok|.*\b(FAIL|TIMEOUT)\b|\s+error:", l)]
    return lines[:40]


def run(name, folder, command, limit):
    log = os.path.join(LOGS, name + ".log")
    began = time.time()
    if not os.path.isdir(os.path.join(ROOT, folder)):
        return 0, 0, 0, 0
    try:
        install(folder)
        done = subprocess.run(command, shell=True, cwd=os.path.join(ROOT, folder), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit, start_new_session=True)
        out, code = done.stdout.decode(errors="replace"), done.returncode
    except subprocess.TimeoutExpired as e:
        out, code = (e.stdout or b"").decode(errors="replace") + f"\nended after {limit} s\n", 124
    except subprocess.CalledProcessError as e:
        out, code = f"npm ci failed: {e}\n", 1
    with open(log, "w") as f:
        f.write(out)
    passed, failed, known = (*count_c(), 0) if name == "c" else count_tap(out, known_gaps(name))
    if code and not failed and not known:
        failed = 1
    if not code and not passed and not failed:
        passed = 1  # a script that says by its exit code
    if failed:
        print("\n".join(failures(out)) or out[-2000:])
    return passed, failed, known, time.time() - began


def main():
    os.makedirs(LOGS, exist_ok=True)
    wanted = sys.argv[1:]
    passed = failed = skipped = 0
    for name, folder, command, limit in SUITES:
        if wanted and name not in wanted:
            continue
        if folder != "." and not shutil.which("node"):
            sys.exit("Node is needed for the tests: run tools/install-deps")
        ok, bad, known, seconds = run(name, folder, command, limit)
        print(f"{name:12} {ok:5} passed {bad:4} failed {known:4} known gaps  {seconds:6.1f} s", flush=True)
        passed, failed, skipped = passed + ok, failed + bad, skipped + known
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed else 0)


main()
