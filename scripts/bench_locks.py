# SPDX-License-Identifier: GPL-2.0-only
"""The suite of the locks: how long online waits for who is starved.

The cells are cases of the selftest test_lock. Each has two arms in one boot:
who holds the lock is online, and is offline; they differ in the knob and, but
for "many", in nothing else. The seed moves when online asks for the lock.
"""

from bench_lib import (
    Boot, Target, cell, mid, paired, ratio, rotated, table, us)

LOCK_TEXT = {
    "inode_write": "i_rwsem, written",
    "rename": "s_vfs_rename_mutex",
    "pipe": "pipe->mutex",
    "mmap_write": "mmap_lock, written",
    "mmap_read": "mmap_lock, read",
    "threadgroup": "cgroup_threadgroup_rwsem",
    "cgroup_mutex": "cgroup_mutex",
    "pi_futex": "PI futex",
    "chain": "i_rwsem, its owner waits",
    "ahead": "i_rwsem, offline first in line",
    "ahead_pi": "PI futex, offline first in line",
    "rcu": "RCU, expedited grace period",
    "many": "i_rwsem, 64 offline owners of others",
}
# They do not know their owners, or not at once.
UNKNOWN = ("mmap_read", "threadgroup", "rcu")
TICKS_KNOWN = 1
TICKS_UNKNOWN = 3
ARMS = ("online", "offline")
KILL = "kill_many"
KILL_NS = 2000000000
KILL_RATIO = 1.25
MIN_ROUNDS = 100
MIN_SAMPLES = 3000
SUITES = {"locks": ("B6",)}


# --- plans ------------------------------------------------------------------


def plan_locks(seed, w):
    """B6: every lock with both arms; the end of many starved tasks."""
    cells = [cell(name, rounds=w.lock_rounds, seed=seed) for name in LOCK_TEXT]
    cells.append(cell(KILL, kills=w.lock_kills, seed=seed))
    return rotated(cells, seed)


class LockBoot(Boot):
    program = "lockcell"
    sources = ("bench.c", "bench.h", "guest.c", "guest.h", "lockcell.c",
               "../../selftests/test_lock.c", "../../selftests/colo_util.c",
               "../../selftests/colo_util.h")

    def busy_s(self):
        """A round takes about 40 ms, an arm is one of two; see test_lock."""
        return sum(c.get("rounds", 0) * 2 * 0.04 + c.get("kills", 0) * 4
                   for c in self.cells)


def boots_of(boots, w, kernels):
    """A vanilla kernel has nobody offline."""
    return [LockBoot("locks", k, seed, 0, plan_locks(seed, w))
            for seed in range(1, boots + 1) for k in kernels if k != "vanilla"]


# --- reading cells ----------------------------------------------------------


def wait(arm, q):
    return lambda c: c["result"][arm]["wait"][q]


def of_arm(arm, key):
    return lambda c: c["result"][arm][key]


def latency(arm, what, q):
    return lambda c: c["result"][arm][what][q]


def tick_ns(r):
    """Where boots differ, which is no gate, the shortest."""
    return min((1000000000 // b["hz"] for b in r.of("locks") if b.get("hz")),
               default=0)


def above_online(r, name):
    """
    The worst wait with an offline holder less the worst with an online one.
    Both are of all boots: each boot's own, against that of all with online.
    """
    online = r.values("locks", name, wait("online", "max"))
    return {s: top - max(online.values()) for s, top in
            r.values("locks", name, wait("offline", "max")).items()}


def rounds_slept(r, name, arm):
    """How many rounds found the lock held, and how many there were."""
    slept = r.values("locks", name, of_arm(arm, "slept"))
    n = r.values("locks", name, wait(arm, "n"))
    return sum(slept.values()), sum(n.values())


# --- judging ----------------------------------------------------------------


def judge_b6(r):
    tick = tick_ns(r)
    out = []
    for name in LOCK_TEXT:
        ticks = TICKS_UNKNOWN if name in UNKNOWN else TICKS_KNOWN
        out.append(Target("B6", f"{name}: worst wait - with online holder",
                          above_online(r, name), ticks * tick, "us",
                          use="worst"))
    out.append(Target(
        "B6", "1000 starved tasks killed: ms until gone",
        r.values("locks", KILL, lambda c: c["result"]["kill"]["max"] / 1e6),
        KILL_NS / 1e6, "count", use="worst"))
    for what, text in (("wake", "wake-up"), ("done", "completion")):
        out.append(Target(
            "B6", f"meanwhile: online {text} p99.9 / alone",
            paired(r.values("locks", KILL, latency("meanwhile", what, "p999")),
                   r.values("locks", KILL, latency("alone", what, "p999")),
                   ratio), KILL_RATIO))
    return out


JUDGES = {"B6": judge_b6}


def void_reasons(r):
    """
    A lock that is free when online asks for it says nothing about its holder.
    Without preemption of the kernel that is how it is: a holder is seldom
    preempted with it.
    """
    out = []
    if {b["preempt"] for b in r.of("locks")} != {"full"}:
        return out
    for name in LOCK_TEXT:
        for arm in ARMS:
            slept, n = rounds_slept(r, name, arm)
            if slept * 2 < n:
                out.append(f"locks: {name}, {arm} holder: the lock was held in "
                           f"{slept} of {n} rounds")
    return out


def not_a_gate(r):
    out = []
    cells = [c for b in r.of("locks") for c in b["cells"]]
    rounds = {c["result"][a]["wait"]["n"] for c in cells
              if c["cell"]["id"] in LOCK_TEXT for a in ARMS}
    if rounds and min(rounds) < MIN_ROUNDS:
        out.append(f"locks: {min(rounds)} rounds in a boot, the gate has "
                   f"{MIN_ROUNDS}")
    few = {c["result"][a]["wake"]["n"] for c in cells
           if c["cell"]["id"] == KILL for a in ("alone", "meanwhile")}
    if few and min(few) < MIN_SAMPLES:
        out.append(f"locks: {min(few)} samples in a boot, p99.9 needs "
                   f"{MIN_SAMPLES}")
    return out


# --- report -----------------------------------------------------------------


def report_locks(r):
    rows = []
    for name, text in LOCK_TEXT.items():
        for arm in ARMS:
            def v(get, name=name, arm=arm):
                return r.values("locks", name, get(arm))

            top = v(lambda a: wait(a, "max"))
            if not top:
                continue
            slept, n = rounds_slept(r, name, arm)
            rows.append(
                [f"{name}: {text}" if arm == ARMS[0] else name, arm] +
                [us(mid(x)) for x in (v(lambda a: of_arm(a, "alone")),
                                      v(lambda a: wait(a, "p50")), top)] +
                [us(max(top.values())), f"{slept * 100 / n:.0f}"] +
                [sum(v(lambda a, k=k: of_arm(a, k)).values())
                 for k in ("lift_lock", "lift_drain")] +
                [f"{len(top)}x{n // len(top)}"])
    if not rows:
        return []
    return ["## B6: online waits for a lock", "",
            "Beside an online hog; who has the lock is online, or is offline "
            "and starved. *alone*: asking for the lock when nobody has it; "
            "*median*, *max*: of the rounds of a boot; *worst*: of all boots; "
            "*slept %*: rounds that found the lock held; *lock*, *drain*: "
            "lifts of offline tasks in all boots, by the lock's owner and "
            "without one.", ""] + table(
        ["lock", "holder", "alone", "median", "max", "worst", "slept %",
         "lock", "drain", "n"], rows) + [""]


def report_kill(r):
    rows = []
    for text, arm in (("alone", "alone"), ("while they are killed",
                                           "meanwhile")):
        for what in ("wake", "done"):
            got = {q: r.values("locks", KILL, latency(arm, what, q))
                   for q in ("p50", "p99", "p999", "max", "n")}
            if got["n"]:
                rows.append(
                    [text, {"wake": "wake-up", "done": "completion"}[what]] +
                    [us(mid(got[q])) for q in ("p50", "p99", "p999", "max")] +
                    [us(max(got["max"].values())),
                     f"{len(got['n'])}x{mid(got['n']):.0f}"])
    if not rows:
        return []
    each = [ns for ends in r.values(
        "locks", KILL, lambda c: c["result"]["kill"]["each"]).values()
        for ns in ends]
    return ["## B6: 1000 starved tasks are killed", "",
            "Online: a hog, and a light task (500 Hz x 100 µs) in a group of "
            "its own, whose latency this is; *alone*: the same for as long, "
            "when the tasks are gone. Until the last of them was gone: "
            f"{min(each) / 1e6:.0f} to {max(each) / 1e6:.0f} ms ({len(each)} "
            "times).", ""] + table(
        ["online", "figure", "p50", "p99", "p99.9", "max", "worst", "n"],
        rows) + [""]


def report(r):
    return report_locks(r) + report_kill(r)
