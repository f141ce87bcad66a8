#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The verdict parser on golden logs: what each kind of run must be called."""
import os
import subprocess
import sys
import tempfile

VERDICT = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "../../scripts/verdict.py")

BOOT = """\
[    0.000000] Linux version 6.12.117 (colo@localhost) (gcc (Debian 12.2.0-14+deb12u1) 12.2.0) #1 SMP PREEMPT_DYNAMIC
[    0.000000] Command line: console=ttyS0 panic=-1 preempt=full nokaslr
[    0.033092] rcu: RCU calculated value of scheduler-enlistment delay is 25 jiffies.
[    0.093000] rcu: 	RCU CPU stall warnings timeout set to 120 (rcu_cpu_stall_timeout).
[    0.102000] NMI watchdog: Perf NMI watchdog permanently disabled
[    0.888399] Write protecting the kernel read-only data: 10240k
[    0.890220] Run /init as init process
"""
DONE = "COLO-DONE status=0 taint=4096 leaks=0\n"
TAP = "TAP version 13\n"
PASS = TAP + "1..2\nok 1 first\nok 2 second\n"
END = "[    1.107807] reboot: Restarting system\n"

WARN = """\
[    2.000000] ------------[ cut here ]------------
[    2.000001] WARNING: CPU: 0 PID: 71 at kernel/sched/fair.c:5454 set_next_entity+0x1c/0x40
[    2.000002] Modules linked in: colo(O)
"""
PANIC = """\
[    9.100000] Kernel panic - not syncing: kernel: panic_on_warn set ...
[    9.100001] CPU: 1 UID: 0 PID: 99 Comm: test_storm Tainted: G           O       6.12.117 #1
"""
SPLATS = {
    "WARN": WARN,
    "BUG": "[    3.1] BUG: kernel NULL pointer dereference, address: 0000000000000010\n",
    "kernel BUG at": "[    3.1] kernel BUG at kernel/sched/core.c:8511!\n",
    "KASAN": "[    3.1] BUG: KASAN: slab-use-after-free in colo_place+0x10/0x90\n",
    "KCSAN": "[    3.1] BUG: KCSAN: data-race in set_task_cpu / sched_move_task\n",
    "Oops": "[    3.1] Oops: general protection fault, probably for non-canonical address 0xdead\n",
    "general protection": "[    3.1] general protection fault, maybe for address 0x10: 0000 [#1]\n",
    "lockdep, circular": "[    3.1] ======================================================\n"
                         "[    3.2] WARNING: possible circular locking dependency detected\n",
    "lockdep, old wording": "[    3.2] [ INFO: possible circular locking dependency detected ]\n"
                            "[    3.3] possible circular locking dependency detected\n",
    "lockdep, recursive": "[    3.2] WARNING: possible recursive locking detected\n",
    "lockdep, irq state": "[    3.2] WARNING: inconsistent lock state\n",
    "lockdep, unlock balance": "[    3.2] WARNING: bad unlock balance detected!\n",
    "RCU usage": "[    3.2] WARNING: suspicious RCU usage\n",
    "RCU stall": "[   64.2] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:\n",
    "RCU self stall": "[   64.2] rcu: INFO: rcu_preempt self-detected stall on CPU\n",
    "RCU kthread starved": "[   64.2] rcu: rcu_preempt kthread starved for 5252 jiffies! g3001 f0x0\n",
    "hung task": "[  245.1] INFO: task stress-ng:85 blocked for more than 120 seconds.\n",
    "soft lockup": "[   60.1] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [hog:77]\n",
    "hard lockup": "[   60.1] watchdog: Watchdog detected hard LOCKUP on cpu 1\n",
    "atomic sleep": "[    3.2] BUG: sleeping function called from invalid context at kernel/locking/mutex.c:585\n",
    "atomic schedule": "[    3.2] BUG: scheduling while atomic: test_class/81/0x00000002\n",
    "objects": "[    3.2] ODEBUG: free active (active state 0) object: ffff88 object type: hrtimer\n",
    "list": "[    3.2] list_del corruption. prev->next should be ffff8881, but was ffff8882\n",
    "refcount": "[    3.2] refcount_t: underflow; use-after-free.\n",
    "leak reported by itself": "[    3.2] kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)\n",
    "leak detector died": "[    3.2] kmemleak: Kernel memory leak detector disabled\n",
    "workqueue lockup": "[    3.2] BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 31s!\n",
    "stack end": "[    3.2] Kernel panic - not syncing: corrupted stack end detected inside scheduler\n",
    "splat without a time stamp": "BUG: unable to handle page fault for address: ffffc900\n",
    "splat with the caller's id": "[    3.200000][   T81] WARNING: CPU: 0 PID: 81 at mm/slub.c:1 kfree+0x1/0x2\n",
    "splat behind a program's words": "# waiting[    3.2] WARNING: CPU: 0 PID: 8 at mm/slub.c:1 kfree+0x1/0x2\n",
    "splat with carriage returns": "[    3.2] WARNING: possible recursive locking detected\r\n",
}

# name, expected status, console, results, words the report must hold
CASES = [
    ("pass", 0, BOOT + END, PASS + DONE, "2 passed, 0 failed, 0 skipped"),
    ("pass without the module", 0, BOOT + END,
     PASS + "COLO-DONE status=0 taint=0 leaks=0\n", "2 passed"),
    ("pass, other output between", 0, BOOT + END,
     TAP + "1..1\n# a comment\nokay, so be it\nok 1 - x\nbye\n" + DONE, "1 passed"),
    ("pass, several programs in a row", 0, BOOT + END, PASS + PASS + DONE, "4 passed"),
    ("pass, subtests count and their parents do not", 0, BOOT + END,
     "KTAP version 1\n1..1\n  KTAP version 1\n  1..2\n  ok 1 a\n  ok 2 b\nok 1 suite\n" + DONE,
     "2 passed"),
    ("pass, plan at the end of a block", 0, BOOT + END,
     TAP + "ok 1 a\n1..1\n" + DONE, None),
    ("one skip beside a pass", 0, BOOT + END,
     TAP + "1..2\nok 1 a\nok 2 b # SKIP no such file\n" + DONE, "1 passed, 0 failed, 1 skipped"),
    ("fail", 1, BOOT + END, TAP + "1..2\nok 1 a\nnot ok 2 b\n" + DONE, "not ok: b"),
    ("fail, with its reason", 1, BOOT + END,
     TAP + "1..2\n# of a\nok 1 a\n# of b\nnot ok 2 b\n" + DONE, "not ok: b\n    # of b"),
    ("fail in a subtest only", 1, BOOT + END,
     "KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  not ok 1 a\nok 1 suite\n" + DONE, "not ok: a"),
    ("fail of a parent over passing subtests", 1, BOOT + END,
     "KTAP version 1\n1..1\n  KTAP version 1\n  1..1\n  ok 1 a\nnot ok 1 suite\n" + DONE,
     "not ok: suite"),
    ("fail by status alone", 1, BOOT + END,
     PASS + "COLO-DONE status=9 taint=0 leaks=0\n", "status 9"),
    ("init could not set up", 1, BOOT + END,
     PASS + "COLO-DONE status=126 taint=0 leaks=0\n", "status 126"),
    ("no plan", 1, BOOT + END, TAP + "ok 1 a\nok 2 b\n" + DONE, "no plan"),
    ("no plan in a subtest", 1, BOOT + END,
     "KTAP version 1\n1..1\n  KTAP version 1\n  ok 1 a\nok 1 suite\n" + DONE, "no plan"),
    ("fewer results than planned", 1, BOOT + END, TAP + "1..3\nok 1 a\n" + DONE, "planned 3"),
    ("more results than planned", 1, BOOT + END,
     TAP + "1..1\nok 1 a\nok 2 b\n" + DONE, "planned 1"),
    ("a hole in the numbers", 1, BOOT + END,
     TAP + "1..2\nok 1 a\nok 3 b\n" + DONE, "test 3 after test 1"),
    ("no test at all", 1, BOOT + END, DONE, "no KTAP"),
    ("planned no test", 1, BOOT + END, TAP + "1..0\n" + DONE, "planned no test"),
    ("second program died at once", 1, BOOT + END, PASS + TAP + DONE, "no plan"),
    ("all skipped", 4, BOOT + END,
     TAP + "1..2\nok 1 a # SKIP x\nok 2 b # skip y\n" + DONE, "skipped"),
    ("whole block skipped", 4, BOOT + END, TAP + "1..0 # SKIP no class\n" + DONE, None),
    ("all skipped, as kselftest ends", 4, BOOT + END,
     TAP + "1..1\nok 1 a # SKIP x\nCOLO-DONE status=4 taint=0 leaks=0\n", None),
    ("skip and a failing status", 1, BOOT + END,
     TAP + "1..1\nok 1 a # SKIP x\nCOLO-DONE status=1 taint=0 leaks=0\n", None),
    ("truncated", 3, BOOT, TAP + "1..2\nok 1 first\n", "COLO-DONE"),
    ("truncated within the last line", 3, BOOT, PASS + "COLO-DONE status=0 tai", None),
    ("done is not the last word", 3, BOOT, DONE + PASS, None),
    ("both empty", 3, "", "", None),
    ("empty console", 3, "", PASS + DONE, "console log is empty"),
    ("panic after pass", 3, BOOT + PANIC, PASS, "Kernel panic"),
    ("panic after done", 2, BOOT + PANIC, PASS + DONE, "Kernel panic"),
    ("taint of KUnit", 0, BOOT + END, PASS + "COLO-DONE status=0 taint=266240 leaks=0\n", None),
    ("taint", 2, BOOT + END, PASS + "COLO-DONE status=0 taint=4608 leaks=0\n", "tainted: 4608"),
    ("taint unknown", 2, BOOT + END, PASS + "COLO-DONE status=0 taint=-1 leaks=0\n", None),
    ("leak", 2, BOOT + END, PASS + "COLO-DONE status=0 taint=0 leaks=2\n", "2 leaks"),
    ("leaks unknown", 2, BOOT + END, PASS + "COLO-DONE status=0 taint=0 leaks=-1\n", None),
    ("splat before failure", 2, BOOT + WARN, TAP + "1..1\nnot ok 1 a\n" + DONE, "set_next_entity"),
    ("timeout", 124, BOOT, PASS + "\nCOLO-TIMEOUT after 60 s\n", "60 s"),
    ("timeout goes before a splat", 124, BOOT + WARN, "\nCOLO-TIMEOUT after 60 s\n", None),
    ("missing console", 3, None, PASS + DONE, "No such file"),
    ("missing results", 3, BOOT, None, "No such file"),
]
CASES += [("splat: " + name, 2, BOOT + text + END, PASS + DONE, "console line")
          for name, text in SPLATS.items()]
# --no-ktap: the same order without tests
BARE = [
    ("bare pass", 0, BOOT + END, "any words\n" + DONE, None),
    ("bare status", 1, BOOT + END, "COLO-DONE status=7 taint=0 leaks=0\n", "status 7"),
    ("bare splat", 2, BOOT + WARN, DONE, None),
    ("bare death", 3, BOOT, "any words\n", None),
]


def run(directory, console, results, *options):
    paths = []
    for name, text in (("console", console), ("results", results)):
        path = os.path.join(directory, name)
        if os.path.exists(path):
            os.unlink(path)
        if text is not None:
            with open(path, "w", encoding="utf-8", newline="") as f:
                f.write(text)
        paths.append(path)
    done = subprocess.run([sys.executable, VERDICT, *options, *paths], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def main():
    failed = 0
    cases = [(c, ()) for c in CASES] + [(c, ("--no-ktap",)) for c in BARE]
    print("TAP version 13")
    print(f"1..{len(cases)}")
    with tempfile.TemporaryDirectory() as directory:
        for number, ((name, want, console, results, words), options) in enumerate(cases, 1):
            got, report = run(directory, console, results, *options)
            good = got == want and (words is None or words in report)
            print(f"{'ok' if good else 'not ok'} {number} - {name}")
            if not good:
                failed += 1
                print(f"# wanted {want} and {words!r}, got {got}:")
                print("".join(f"# {line}\n" for line in report.splitlines()), end="")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
