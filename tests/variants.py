"""Builds beside the default one: a second compiler, and the sanitizers. tests/run.py uses them; `tests/variants.py NAME` builds one.

    clang   the whole tree with clang, warnings are errors
    asan    AddressSanitizer and UndefinedBehaviorSanitizer: every C test, and programs for the suites that talk to servers
    tsan    ThreadSanitizer: the thread pool, the store's writer, and waboxd for tests of dispatch

A sanitized server is started through a wrapper in <build>/run, because tests give servers an environment of their own. What a sanitizer
finds goes to <build>/reports, one file per process: the server under test may be killed, or its exit code may not be looked at.
"""
import glob, os, shutil, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAMS = {  # environment variable that the tests read: program
    "WABOXD": "src/cmd/waboxd",
    "WABOXCTL": "src/cmd/waboxctl",
    "WABOX_SIM": "src/cmd/wabox-sim",
    "WABOX_MEDIA": "src/cmd/wabox-media",
    "WABOXD_SCRIPTED": "tests/scripted/waboxd-scripted",
    "SIO_SERVER": "examples/conformance",
    "SIO_API_SERVER": "tests/api/api_server",
    "WS_PEER": "tests/interop/ws/ws_peer",
}
VARIANTS = {  # name: compiler, options of meson setup, targets (none: all)
    "clang": ("clang", ["-Dwerror=true"], []),
    "asan": ("gcc", ["-Dwerror=true", "-Db_sanitize=address,undefined"], []),
    "tsan": ("gcc", ["-Dwerror=true", "-Db_sanitize=thread"],
             ["src/net/pool_test", "src/store/store_writer_test", "src/cmd/waboxd", "tests/scripted/waboxd-scripted"]),
}
SANITIZER_OPTIONS = {
    "asan": {"ASAN_OPTIONS": "exitcode=99:detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=1",
             "UBSAN_OPTIONS": "halt_on_error=1:exitcode=99:print_stacktrace=1", "LSAN_OPTIONS": "exitcode=99"},
    "tsan": {"TSAN_OPTIONS": "exitcode=99:halt_on_error=1:second_deadlock_stack=1"},
}


def folder(name):
    return os.path.join(ROOT, "build-" + name)


def build(name, log):
    """Configures and compiles; False when that failed. Output goes to the open file `log`."""
    compiler, options, targets = VARIANTS[name]
    cc = ("ccache " if shutil.which("ccache") else "") + compiler
    where = folder(name)
    if not os.path.exists(os.path.join(where, "build.ninja")):
        if subprocess.run(["meson", "setup", where, *options], cwd=ROOT, env={**os.environ, "CC": cc}, stdout=log, stderr=log).returncode:
            return False
    return subprocess.run(["ninja", "-C", where, *targets], cwd=ROOT, stdout=log, stderr=log).returncode == 0


def reports(name):
    return os.path.join(folder(name), "reports")


def sanitizer_environment(name):
    """For programs that inherit it: unit tests."""
    return SANITIZER_OPTIONS.get(name, {})


def server_environment(name):
    """Clears old reports, writes the wrappers; returns the variables that make the tests use them."""
    shutil.rmtree(reports(name), ignore_errors=True)
    os.makedirs(reports(name))
    os.makedirs(os.path.join(folder(name), "run"), exist_ok=True)
    exports = "".join(f"export {key}='{value}:log_path={reports(name)}/report'\n" for key, value in SANITIZER_OPTIONS[name].items())
    env = {"WABOX_SANITIZER": name}  # tests that judge memory or speed leave these figures out
    for variable, program in PROGRAMS.items():
        built = os.path.join(folder(name), program)
        if not os.path.exists(built):
            continue
        env[variable] = wrapper = os.path.join(folder(name), "run", os.path.basename(program))
        with open(wrapper, "w") as f:
            f.write(f"#!/bin/sh\n{exports}exec {built} \"$@\"\n")
        os.chmod(wrapper, 0o755)
    return env


def found(name):
    """What the sanitizer reported since server_environment: text by file."""
    texts = []
    for path in sorted(glob.glob(os.path.join(reports(name), "report*"))):
        with open(path, errors="replace") as f:
            texts.append(f.read())
    return [t for t in texts if t.strip()]


def main():
    for name in sys.argv[1:]:
        if name not in VARIANTS:
            sys.exit(f"There is no build {name}; there are: {' '.join(VARIANTS)}")
        if not build(name, sys.stdout):
            sys.exit(1)


if __name__ == "__main__":
    main()
