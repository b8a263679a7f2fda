#!/usr/bin/env python3
"""Runs the shared comparison (run.py of the bench folder given by BENCH) with this project's servers added.

    BENCH=/path/to/bench python3 bench/realtime.py -r 3 -t sat-1k-128,echo-200 -s sio,sio-uring,ceil-cork

BENCH holds sioload, ceil (make there) and peers/. All of run.py's options work; results go to bench/results/realtime.jsonl
with this checkout's commit. report.py of the same folder tabulates them.
"""
import importlib.util, os, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BENCH = os.environ.get("BENCH") or sys.exit("set BENCH to the folder of run.py, sioload and ceil")
spec = importlib.util.spec_from_file_location("run", os.path.join(BENCH, "run.py"))
run = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run)

SERVER = os.environ.get("SERVER", os.path.join(ROOT, "build", "examples", "bench_server"))
run.SERVERS["sio"] = [SERVER]
run.SERVERS["sio-uring"] = [SERVER, "uring"]
for name, (args, servers) in list(run.TESTS.items()):
    run.TESTS[name] = (args, servers + ["sio", "sio-uring"])
commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
measure = run.measure
run.measure = lambda *a: {**measure(*a), "commit": commit}
if "-o" not in sys.argv:
    os.makedirs(os.path.join(ROOT, "bench", "results"), exist_ok=True)
    sys.argv += ["-o", os.path.join(ROOT, "bench", "results", "realtime.jsonl")]
run.main()
