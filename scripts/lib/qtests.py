#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the same selection of QEMU's own tests with two builds and compares the result of each case; used by scripts/patches check.

Goal: with ft=off the series changes nothing. Method: the unit tests and device tests whose code the series is near to (timers, main loop,
aio, net, char, replay, QAPI, savevm) run in the pristine and in the patched build. A case that passed before and does not now is a
difference, after two repetitions: some of QEMU's tests depend on the host's load. Cases that only the patched build has (a query command
is a new case of qmp-cmd-test) must pass. Results of the pristine build are kept until its program changes.
"""
import argparse
import concurrent.futures
import functools
import json
import os
import re
import signal
import subprocess
import sys
import time

UNIT = """
    check-qjson check-qom-proplist ptimer-test test-aio test-bdrv-drain test-block-backend test-block-iothread test-blockjob test-char
    test-coroutine test-cutils test-io-channel-buffer test-io-channel-socket test-io-task test-iov test-keyval test-nested-aio-poll
    test-opts-visitor test-qdev-global-props test-qemu-opts test-qmp-cmds test-qmp-event test-qobject-input-visitor
    test-qobject-output-visitor test-rcu-list test-smp-parse test-thread-pool test-throttle test-timed-average test-util-sockets
    test-visitor-serialization test-vmstate test-write-threshold test-yank
""".split()

QTEST = """
    boot-order-test device-plug-test drive_del-test endianness-test fdc-test fw_cfg-test i440fx-test ide-test lpc-ich9-test
    machine-none-test netdev-socket pvpanic-test q35-test qmp-cmd-test qmp-test qos-test readconfig-test rtc-test rtl8139-test tco-test
    test-filter-mirror test-filter-redirector test-hmp test-netfilter virtio-net-failover vmcoreinfo-test wdt_ib700-test
    migration-test
""".split()

# The migration test runs guests; three of its cases stand for the rest (savevm and loadvm code paths).
ONLY = {"migration-test": ["/x86_64/migration/precopy/unix/plain", "/x86_64/migration/precopy/file/offset",
                           "/x86_64/migration/validate_uuid"]}
LIMIT_S = {"qos-test": 300, "qmp-cmd-test": 180, "test-hmp": 300, "migration-test": 240}
REPEATS = 2


def targets():
    return [f"tests/unit/{name}" for name in UNIT] + [f"tests/qtest/{name}" for name in QTEST]


def say(start, text):
    elapsed = int(time.monotonic() - start)
    print(f"[{elapsed // 60:02d}:{elapsed % 60:02d}] patches: {text}", flush=True)


def build(folder, jobs, log):
    with open(log, "w", encoding="utf-8") as out:
        command = ["nice", "ninja", "-C", folder, "-j", str(jobs)] + targets() + ["qemu-img", "qemu-system-x86_64"]
        if subprocess.call(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL) != 0:
            sys.exit(f"patches: QEMU's tests do not build in {folder}; see {log}")


@functools.cache
def without_kvm():
    """What a test's command begins with, so that its QEMUs find no KVM: the series is about TCG. Root's mounts, or a user namespace's."""
    if not os.path.exists("/dev/kvm"):
        return []
    for more in ([], ["--map-root-user"]):
        command = ["unshare", "--mount", *more, "sh", "-c", 'mount --bind /dev/null /dev/kvm && exec "$@"', "sh"]
        if subprocess.call(command + ["true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0:
            return command
    return []           # Then KVM is hidden from neither build, and fewer tests are about TCG.


def run_one(folder, target, cases=None):
    """Returns {case: "ok" | "not ok" | "skip"}; the case "exit" tells how the whole program ended."""
    name = os.path.basename(target)
    env = dict(os.environ, QTEST_QEMU_BINARY="./qemu-system-x86_64", QTEST_QEMU_IMG="./qemu-img", PYTHON="/usr/bin/python3",
               G_TEST_SRCDIR=os.path.join(folder, os.path.dirname(target)), G_TEST_BUILDDIR=os.path.join(folder, os.path.dirname(target)),
               MALLOC_PERTURB_="77")
    command = [*without_kvm(), os.path.join(folder, target), "--tap", "-k"]
    for case in cases or ONLY.get(name, []):
        command += ["-p", case]
    process = subprocess.Popen(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               start_new_session=True)
    try:
        output, errors = process.communicate(timeout=LIMIT_S.get(name, 90))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)      # the test and the QEMUs that it started
        output, errors = process.communicate()
    end = "ok" if process.returncode == 0 else "not ok"
    results = {}
    for line in output.decode(errors="replace").splitlines():
        match = re.match(r"^(ok|not ok) \d+ (\S+)(.*)$", line)
        if match:
            skipped = re.search(r"# *(SKIP|TODO)", match.group(3), re.I)
            results[match.group(2)] = "skip" if skipped else match.group(1)
    results["exit"] = end
    return results, output + errors


def run_all(folder, jobs, log):
    results = {}
    with open(log, "wb") as out, concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        # The longest first, so that the last ones do not leave a core idle.
        order = sorted(targets(), key=lambda t: -LIMIT_S.get(os.path.basename(t), 0))
        for target, (cases, text) in zip(order, pool.map(lambda t: run_one(folder, t), order)):
            out.write(f"==== {target}\n".encode() + text + b"\n")
            results.update({f"{target}{'' if case.startswith('/') else ' '}{case}": value for case, value in cases.items()})
    return results


def binary_id(folder):
    info = os.stat(os.path.join(folder, "qemu-system-x86_64"))
    return f"{info.st_size} {info.st_mtime_ns} {' '.join(targets())} {ONLY}"


def differences(before, after):
    for case in sorted(set(before) | set(after)):
        old, new = before.get(case, "absent"), after.get(case, "absent")
        if old == new or new == "ok" or (old == "not ok" and new == "skip") or (old == "absent" and new == "skip"):
            continue
        yield case, old, new


def compare(args, start):
    say(start, "building QEMU's tests in both trees")
    build(args.before, args.jobs, os.path.join(args.work, "build-pristine.log"))
    build(args.after, args.jobs, os.path.join(args.work, "build-patched.log"))
    kept = os.path.join(args.work, "pristine.json")
    before = None
    if os.path.exists(kept):
        with open(kept, encoding="utf-8") as file:
            data = json.load(file)
        before = data["results"] if data["binary"] == binary_id(args.before) else None
    if before is None:
        say(start, "running them with pristine QEMU")
        before = run_all(args.before, args.jobs, os.path.join(args.work, "pristine.log"))
        with open(kept, "w", encoding="utf-8") as file:
            json.dump({"binary": binary_id(args.before), "results": before}, file, indent=1)
    say(start, "running them with patched QEMU")
    after = run_all(args.after, args.jobs, os.path.join(args.work, "patched.log"))
    found = list(differences(before, after))
    for attempt in range(REPEATS):
        programs = sorted({re.match(r"tests/[a-z]+/[^/ ]+", case).group(0) for case, _, _ in found})
        if not programs:
            break
        say(start, f"{len(found)} cases differ; repeating {', '.join(os.path.basename(p) for p in programs)}")
        for program in programs:
            again, text = run_one(args.after, program)
            with open(os.path.join(args.work, f"{os.path.basename(program)}-{attempt}.log"), "wb") as out:
                out.write(text)
            after.update({f"{program}{'' if case.startswith('/') else ' '}{case}": value for case, value in again.items()})
        found = list(differences(before, after))
    return before, after, found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", required=True, help="build directory of pristine QEMU")
    parser.add_argument("--after", required=True, help="build directory of patched QEMU")
    parser.add_argument("--work", required=True, help="directory for logs and kept results")
    parser.add_argument("--json", required=True, help="figures")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()
    start = time.monotonic()
    args.before, args.after, args.work = map(os.path.abspath, (args.before, args.after, args.work))
    os.makedirs(args.work, exist_ok=True)
    before, after, found = compare(args, start)
    for case, old, new in found:
        print(f"differs: {case}: {old} before, {new} now")
    count = {value: list(after.values()).count(value) for value in ("ok", "not ok", "skip")}
    with open(args.json, "w", encoding="utf-8") as file:
        json.dump({"tests": len(before), "passed": count["ok"], "failed": count["not ok"], "skipped": count["skip"],
                   "differ": len(found), "cases": [case for case, _, _ in found]}, file, indent=1)
    say(start, f"{len(before)} cases of {len(targets())} of QEMU's tests: {count['ok']} pass, {count['not ok']} fail in both, "
               f"{count['skip']} skipped, {len(found)} differ")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
