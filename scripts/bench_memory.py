# SPDX-License-Identifier: GPL-2.0-only
"""The suites of the memory watermarks: plans, targets, tables and the chart.

All arms of a comparison are cells of one boot, so that they differ in what is
written into files of a cgroup and in nothing else. The arms without marks are
run on the vanilla kernel too, in a boot of their own.
"""

import math
import os
import shutil
import subprocess
import tempfile

from bench_lib import (
    Boot, Target, aa_spread, cell, framed, median, mid, paired, per_op, ratio,
    rotated, spread, table, us, wake, done)

LIMIT_MIB = 128
LIMIT = {"limit_mib": LIMIT_MIB}
ARMS = {
    "N": {},
    "L": LIMIT,
    "H": dict(LIMIT, high_pct=95),
    "R": dict(LIMIT, loop_ms=100, loop_pct=80),
    "W": dict(LIMIT, ratio=95),
    "O": dict(LIMIT, ratio=95, offline=1),
}
ARM_TEXT = {
    "N": "no limit",
    "L": "limit alone",
    "H": "memory.high=95%",
    "R": "loop, memory.reclaim",
    "W": "watermarks",
    "O": "watermarks, offline",
}
MARKED = ("W", "O")
SPEEDS = {"paced": {"pace_kib": 1024, "pace_us": 5000}, "full": {}}
TOUCH = {"probe": "touch", "size_mib": 48, "fill_mib": 160, "swap": 1,
         "pace_kib": 256, "pace_us": 2000}
SET_MIB = 117
PAGES_MIB = 256
LRUS = ("classic", "mglru")
OFFLINE_FILES = {"stream": 256, "hot": 112}
LIGHT = {"period_us": 2000, "busy_us": 100}
HALF = {"period_us": 2000, "busy_us": 1000}
SUITES = {
    "mread": ("B14", "B17"),
    "mwrite": ("B14",),
    "mtouch": ("B15",),
    "mmarks": ("B16",),
    "mwake": ("B17",),
    "mglobal": ("B18",),
    "mcost": ("B19",),
}


# --- plans ------------------------------------------------------------------


def arms_of(kernel):
    """A vanilla kernel has no marks."""
    return [a for a in ARMS if kernel != "vanilla" or a not in MARKED]


def plan_mread(kernel, seed, w):
    """B14, B17: a file eight times the limit, read in calls of 4 KiB."""
    base = {"probe": "read", "size_mib": w.stream_mib,
            "settle_ms": w.mem_settle_ms, "seed": seed}
    cells = [cell(f"{arm}:{speed}", **base, **keys, **ARMS[arm])
             for speed, keys in SPEEDS.items() for arm in arms_of(kernel)]
    return framed(rotated(cells, seed), "L:full", "N:paced")


def plan_mwrite(kernel, seed, w):
    """B14: a new file, written in calls of 4 KiB."""
    base = {"probe": "write", "size_mib": w.stream_mib,
            "settle_ms": w.mem_settle_ms, "seed": seed}
    cells = [cell(f"{arm}:write", **base, **ARMS[arm])
             for arm in arms_of(kernel)]
    return framed(rotated(cells, seed), "L:write", "N:write")


def plan_mtouch(kernel, seed, w):
    """B15: the cache is full, then anonymous memory is touched."""
    base = dict(TOUCH, settle_ms=w.mem_settle_ms, seed=seed)
    cells = [cell(f"{arm}:touch", **base, **ARMS[arm])
             for arm in arms_of(kernel)]
    return framed(rotated(cells, seed), "L:touch", "N:touch")


def plan_mmarks(kernel, seed, w):
    """B16: usage against the marks; a working set that fits."""
    sample = {"sample_ms": 10, "settle_ms": w.mem_settle_ms, "seed": seed}
    read = dict(sample, probe="read", size_mib=w.stream_mib)
    again = {"probe": "read", "size_mib": SET_MIB, "passes": w.set_passes,
             "settle_ms": w.mem_settle_ms, "seed": seed}
    cells = [cell(f"{arm}:set", **again, **ARMS[arm])
             for arm in ("L",) + MARKED if arm in arms_of(kernel)]
    if kernel != "vanilla":
        for arm in MARKED:
            cells += [cell(f"{arm}:{speed}", **read, **keys, **ARMS[arm])
                      for speed, keys in SPEEDS.items()]
            cells.append(cell(f"{arm}:touch", **dict(TOUCH, **sample),
                              **ARMS[arm]))
    return framed(rotated(cells, seed), "L:set", "L:set")


def plan_mwake(kernel, seed, w):
    """B17: online wake-ups beside offline work whose cache is reclaimed."""
    cells = []
    for name, online in (("light", LIGHT), ("half", HALF)):
        base = dict(online, probe="wakeup", size_mib=256, seed=seed,
                    settle_ms=2000, window_ms=w.mem_wake_ms)
        cells.append(cell(f"alone:{name}", **base, load=0))
        if kernel != "vanilla":
            cells += [cell(f"{arm}:{name}", **base, cpu_offline=1, **ARMS[arm])
                      for arm in ("N", "L", "O")]
    # Nothing is idle: does the worker get its share, or reclaim come back?
    for arm in ("L", "O") if kernel != "vanilla" else ("L",):
        cells.append(cell(f"{arm}:busy", probe="read", size_mib=256, hogs=2,
                          settle_ms=w.mem_settle_ms, seed=seed, **ARMS[arm]))
    return framed(rotated(cells, seed), "alone:light", "alone:light")


def plan_mglobal(kernel, seed, w):
    """B18: memory of the whole machine is short.

    "stream": more than fits, every page once a round; "hot": what fits, but for
    the pressure, was there first and is read far more often than online's.
    """
    cells = []
    for lru in LRUS:
        for what, b_mib in OFFLINE_FILES.items():
            base = dict(probe="global", lru=lru, a_mib=96, b_mib=b_mib,
                        press_mib=64, pace_kib=1024, pace_us=5000,
                        walk_us=50000, settle_ms=6000, window_ms=2000,
                        b_first=int(what == "hot"), seed=seed)
            cells.append(cell(f"plain:{what}:{lru}", **base))
            if kernel != "vanilla":
                cells.append(cell(f"offline:{what}:{lru}", offline=1, **base))
    return rotated(cells, seed)


def plan_mcost(kernel, seed, w):
    """B19: instructions per operation where nobody has marks."""
    base = {"rounds": w.mem_rounds, "settle_ms": 200, "seed": seed,
            "limit_mib": LIMIT_MIB}
    return [cell("discard", probe="pagefault", **base)] + [
        cell(name + again, probe=name, **base)
        for name in ("pagefault", "filewrite") for again in ("", "-again")]


PLANS = {"mread": plan_mread, "mwrite": plan_mwrite, "mtouch": plan_mtouch,
         "mmarks": plan_mmarks, "mwake": plan_mwake, "mglobal": plan_mglobal,
         "mcost": plan_mcost}
# The RAM disk and, without a limit, the whole file in the cache beside it; under
# global pressure the two caches must not fit.
MEM_MIB = {"mread": 2560, "mwrite": 2560, "mtouch": 1024, "mmarks": 1792,
           "mwake": 1024, "mglobal": 720, "mcost": 768}
DISK_MIB = {"mread": 1200, "mwrite": 1200, "mmarks": 1200}


class MemoryBoot(Boot):
    program = "memcell"

    @property
    def sources(self):
        used = {"mmarks": ("memload", "memmarks"),
                "mwake": ("memload", "wakeup", "hog"),
                "mcost": ("pagefault", "filewrite")}
        return ["bench.c", "bench.h", "guest.c", "guest.h", "memcell.c"] + [
            name + ".c" for name in used.get(self.suite, ("memload",))]

    @property
    def mem_mib(self):
        return MEM_MIB[self.suite]

    @property
    def append(self):
        disk = DISK_MIB.get(self.suite, 448)
        return f"brd.rd_nr=2 brd.rd_size={disk * 1024}"

    def busy_s(self):
        total = 2.0
        for c in self.cells:
            if "window_ms" in c:
                total += (c["settle_ms"] + c["window_ms"]) / 1000
            else:
                mib = c.get("size_mib", 32) * c.get("passes", 1)
                total += (mib + c.get("fill_mib", 0)) / 512
        return total


def boots_of(suite, boots, rival_boots, w, kernels):
    """The vanilla kernel's beside them for as many as rivals are wanted."""
    out = []
    for seed in range(1, boots + 1):
        if suite == "mcost":
            # ABBA: the unit is the pair of neighbours.
            pairs = [(k, rep) for k, rep in
                     (("vanilla", 0), ("perf", 0), ("perf", 1), ("vanilla", 1))
                     if k == "vanilla" or k in kernels]
        else:
            pairs = [(k, 0) for k in kernels if k != "vanilla"]
            if suite != "mwake" and (
                    "vanilla" in kernels or seed <= rival_boots):
                pairs.append(("vanilla", 0))
        out += [MemoryBoot(suite, k, seed, rep,
                           PLANS[suite](k, 2 * seed + rep
                                        if suite == "mcost" else seed, w))
                for k, rep in pairs]
    return out


# --- reading cells ----------------------------------------------------------


def call(q):
    return lambda c: c["result"]["call"][q]


def total(c):
    return c["result"]["total_ns"]


def group(key):
    return lambda c: c["group"][key]


def least(a, b):
    """a / b, where nothing of nothing is nothing."""
    return 0.0 if not a else ratio(a, b)


def minus(a, b):
    return a - b


def of_kernel(r, suite, kernel="perf"):
    """values() of one suite, by name of the cell."""
    return lambda name, get: r.values(suite, name, get, kernel)


def worker_share(c):
    """Part of the kernel threads' time that the group's cpu.stat shows."""
    g = c["group"]
    return g["usage_usec"] * 1000 - c["load_ns"]


def per_page(v, arm, speed):
    """ns of the worker for each page that it reclaimed."""
    return v(f"{arm}:{speed}", lambda c: ratio(
        c["group"]["wmark_cpu_usec"] * 1000, c["group"]["wmark_reclaimed"])
        if c["group"]["wmark_reclaimed"] else None)


def direct_per_page(v, speed):
    """ns more in the reader than without a limit, for each page it freed."""
    extra = paired(v(f"L:{speed}", lambda c: c["load_ns"]),
                   v(f"N:{speed}", lambda c: c["load_ns"]), minus)
    pages = v(f"L:{speed}", group("pgsteal_direct"))
    return {s: extra[s] / pages[s] for s in extra if pages[s]}


def below_low(c):
    """How far below the low mark it went, in gaps."""
    m = c["marks"]
    gap = m["high"] - m["low"]
    return max(0, m["low"] - m["bottom"]) / gap if m["reached"] else None


def above_high(c):
    return c["marks"]["above"] / c["marks"]["samples"]


def reread(c):
    """Reading A again after the pressure, against before."""
    return c["result"]["pass_ns"][0] / median(c["before"]["pass_ns"])


# --- judging ----------------------------------------------------------------


def judge_b14(r):
    read = of_kernel(r, "mread")
    write = of_kernel(r, "mwrite")
    out = []

    def t(what, values, bound, *unit, **use):
        out.append(Target("B14", what, values, bound, *unit, **use))

    def against(arm, speed, q, rival):
        return paired(read(f"{arm}:{speed}", call(q)),
                      read(f"{rival}:{speed}", call(q)), ratio)

    for arm in MARKED:
        for speed in SPEEDS:
            where = f"{speed} read, {ARM_TEXT[arm]}"
            for key, text in (("max", "max events"),
                              ("pgscan_direct", "pages scanned directly")):
                t(f"{where}: {text}", read(f"{arm}:{speed}", group(key)), 0,
                  "count", use="worst")
            t(f"{where}: p99 / no limit", against(arm, speed, "p99", "N"), 1.05)
            if speed == "paced":
                t(f"{where}: p99.9 / no limit",
                  against(arm, speed, "p999", "N"), 1.05)
            else:
                t(f"{where}: time / limit alone",
                  paired(read(f"{arm}:full", total), read("L:full", total),
                         ratio), 1.0)
    for q, text in (("p99", "p99"), ("p999", "p99.9")):
        t(f"paced read: {text} / memory.high", against("W", "paced", q, "H"),
          1.0)
    t("full read: p99 / memory.high", against("W", "full", "p99", "H"), 1.0)
    # Paced, the loop gets what no limit gets: it pays elsewhere.
    t("paced read: p99 / loop", against("W", "paced", "p99", "R"), 1.05)
    t("full read: p99 / loop", against("W", "full", "p99", "R"), 1.0)
    t("full read: max events / loop",
      paired(read("W:full", group("max")), read("R:full", group("max")),
             least), 0.1)
    t("paced read: CPU for reclaim / loop", paired(
        read("W:paced", lambda c: c["group"]["wmark_cpu_usec"] * 1000),
        read("R:paced", lambda c: c["loop_ns"]), ratio), 1.0)
    for arm in MARKED:
        name = f"{arm}:write"
        where = f"write, {ARM_TEXT[arm]}"
        t(f"{where}: max events / limit alone",
          paired(write(name, group("max")), write("L:write", group("max")),
                 least), 0.1)
        t(f"{where}: pressure / limit alone",
          paired(write(name, group("pressure_some_usec")),
                 write("L:write", group("pressure_some_usec")), least), 0.1)
        t(f"{where}: scanned / pages written",
          write(name, lambda c: c["group"]["wmark_scanned"] /
                (c["cell"]["size_mib"] * PAGES_MIB)), 1.5)
        t(f"{where}: time / limit alone",
          paired(write(name, total), write("L:write", total), ratio), 1.1)
    return out


def judge_b15(r):
    v = of_kernel(r, "mtouch")
    out = []
    for arm in MARKED:
        for q, text in (("p99", "p99"), ("p999", "p99.9")):
            out.append(Target(
                "B15", f"{ARM_TEXT[arm]}: touch {text} / no limit",
                paired(v(f"{arm}:touch", call(q)), v("N:touch", call(q)),
                       ratio), 1.05))
        out.append(Target(
            "B15", f"{ARM_TEXT[arm]}: pages swapped out",
            v(f"{arm}:touch", group("pswpout")), 0, "count", use="worst"))
    return out


def judge_b16(r):
    v = of_kernel(r, "mmarks")
    out = []
    for arm in MARKED:
        for name in list(SPEEDS) + ["touch"]:
            where = f"{name}, {ARM_TEXT[arm]}"
            out.append(Target("B16", f"{where}: samples above high + 1 %",
                              v(f"{arm}:{name}", above_high), 0.01, "%",
                              use="worst"))
            out.append(Target("B16", f"{where}: gaps below low",
                              v(f"{arm}:{name}", below_low), 1.0, use="worst"))
        out.append(Target(
            "B16", f"{SET_MIB} MiB again, {ARM_TEXT[arm]}: time / limit alone",
            paired(v(f"{arm}:set", total), v("L:set", total), ratio), 1.05))
        out.append(Target(
            "B16", f"{SET_MIB} MiB again, {ARM_TEXT[arm]}: refaults / pages",
            v(f"{arm}:set", lambda c: c["group"]["refault_file"] /
              (SET_MIB * PAGES_MIB)), 0.01, "%", use="worst"))
    return out


def judge_b17(r):
    read = of_kernel(r, "mread")
    v = of_kernel(r, "mwake")
    out = []
    for speed in SPEEDS:
        for arm in MARKED:
            where = f"{speed} read, {ARM_TEXT[arm]}"
            out.append(Target(
                "B17", f"{where}: CPU per page / direct",
                paired(per_page(read, arm, speed),
                       direct_per_page(read, speed),
                       lambda a, b: None if a is None else ratio(a, b)), 1.0))
            # What all kworkers took less what they take without reclaim.
            took = paired(read(f"{arm}:{speed}", group("kworker_ns")),
                          read(f"N:{speed}", group("kworker_ns")), minus)
            out.append(Target(
                "B17", f"{where}: not billed, or twice",
                paired(read(f"{arm}:{speed}", worker_share), took,
                       lambda a, b: abs(a / b - 1) if b > 0 else None),
                0.01, "%", use="worst"))
    for name in ("light", "half"):
        out.append(Target(
            "B17", f"{name} online: wake-up p99 / alone",
            paired(v(f"O:{name}", wake("p99")), v(f"alone:{name}", wake("p99")),
                   ratio), 1.05))
    out.append(Target(
        "B17", "half online: completion max - alone",
        paired(v("O:half", done("max")), v("alone:half", done("max")), minus),
        500000, "us", use="worst"))
    for name in ("light", "half", "busy"):
        for key, text in (("max", "max events"),
                          ("pgscan_direct", "pages scanned directly")):
            out.append(Target(
                "B17", f"{name}: {text} of the offline group",
                v(f"O:{name}", group(key)), 0, "count", use="worst"))
    return out


def judge_b18(r):
    v = of_kernel(r, "mglobal")
    out = []
    for lru in LRUS:
        for files in OFFLINE_FILES:
            name = f"offline:{files}:{lru}"
            # It says nothing once the offline cache is gone, or while
            # nobody had to give anything.
            lasts = {s for s, c in v(name, lambda c: c).items()
                     if c["job_levels"]["file"] >= 4 << 20 and
                     c["job"]["pgsteal"] + c["group"]["pgsteal"] > 0}
            for what, get, bound, unit in (
                    ("pages taken from online", group("pgsteal"), 0, "count"),
                    ("reading online's again / before", reread, 1.05, "x")):
                values = {s: x for s, x in v(name, get).items() if s in lasts}
                out.append(Target("B18", f"{lru}, {files}: {what}", values,
                                  bound, unit, use="worst"))
    return out


def judge_b19(r):
    return [Target("B19", f"{name} / vanilla",
                   paired(r.values("mcost", name, per_op),
                          r.values("mcost", name, per_op, "vanilla"), ratio),
                   1.002)
            for name in ("pagefault", "filewrite")]


JUDGES = {"B14": judge_b14, "B15": judge_b15, "B16": judge_b16,
          "B17": judge_b17, "B18": judge_b18, "B19": judge_b19}


def void_reasons(r):
    """Identical cells of one boot that differ by more than the method allows."""
    out = []
    for suite, name, get, bound in (
            ("mread", "N:paced", call("p50"), 0.003),
            ("mtouch", "N:touch", call("p50"), 0.003),
            ("mwake", "alone:light", wake("p50"), 0.003)):
        for kernel in ("perf", "vanilla"):
            a = r.values(suite, name, get, kernel)
            b = r.values(suite, name + "-last", get, kernel)
            for key, drift in paired(b, a, ratio).items():
                if abs(drift - 1) > bound:
                    out.append(f"{suite} {kernel} seed {key[0]}: p50 of {name} "
                               f"moved by {(drift - 1) * 100:+.2f} % within "
                               "the boot")
    for name in ("pagefault", "filewrite"):
        for kernel in ("perf", "vanilla"):
            a = r.values("mcost", name, per_op, kernel)
            b = r.values("mcost", name + "-again", per_op, kernel)
            for key, drift in paired(b, a, ratio).items():
                if abs(drift - 1) > 0.001:
                    out.append(f"mcost {kernel} seed {key[0]}: the same {name} "
                               f"run moved by {(drift - 1) * 100:+.3f} %")
    return out


# --- report -----------------------------------------------------------------

KERNELS = ("perf", "vanilla")


def figures(r, suite, name, kernel, getters):
    """One row: the median of each over the boots; None without the cell."""
    row, n = [], 0
    for get, form in getters:
        got = r.values(suite, name, get, kernel)
        n = len(got) or n
        have = mid(got)
        row.append("-" if have is None else form(have))
    return row + [n] if n else None


def whole(x):
    return f"{x:.0f}"


def ms(ns):
    return f"{ns / 1e6:.0f}"


def key(where, name, scale=1):
    return lambda c: (c[where][name] * scale
                      if c.get(where, {}).get(name) is not None else None)


CALLS = [(call("p50"), us), (call("p99"), us), (call("p999"), us),
         (call("max"), us)]
RECLAIM = [(group("max"), whole), (group("pgscan_direct"), whole),
           (key("group", "wmark_scanned"), whole),
           (key("group", "wmark_reclaimed"), whole),
           (key("group", "pressure_some_usec", 1e3), ms)]
CALL_HEAD = ["p50", "p99", "p99.9", "max"]
RECLAIM_HEAD = ["`max`", "direct", "scanned", "reclaimed", "stalled ms"]


def section(r, suite, title, text, head, names, getters):
    rows = []
    for kernel in KERNELS:
        for label, name in names:
            row = figures(r, suite, name, kernel, getters)
            if row:
                rows.append([label] + [kernel] + row)
    if not rows:
        return []
    return [f"## {title}", "", text, ""] + table(
        ["arm", "kernel"] + head + ["boots"], rows) + [""]


def report(r):
    arms = list(ARM_TEXT.items())
    lines = []
    for speed, how in (("paced", "1 MiB every 5 ms"),
                       ("full", "at full speed, one CPU")):
        lines += section(
            r, "mread", f"B14: a file read, {how}",
            "Calls of 4 KiB in a group of 128 MiB; latency per call. *direct*: "
            "pages scanned by who allocates (and by a write to `memory."
            "reclaim`, which the kernel counts there); *scanned*, *reclaimed*: "
            "by the background worker; *outside*: CPU time of the loop.",
            CALL_HEAD + ["total ms"] + RECLAIM_HEAD + ["outside ms"],
            [(text, f"{arm}:{speed}") for arm, text in arms] +
            ([("no limit, last", "N:paced-last")] if speed == "paced" else []),
            CALLS + [(total, ms)] + RECLAIM +
            [(lambda c: c.get("loop_ns"), ms)])
    lines += section(
        r, "mwrite", "B14: a new file written at full speed",
        "Latency is that of dirty throttling, not of reclaim: only counters "
        "and the total are judged.", ["total ms", "fsync ms"] + RECLAIM_HEAD,
        [(text, f"{arm}:write") for arm, text in arms],
        [(total, ms), (lambda c: c["result"]["sync_ns"], ms)] + RECLAIM)
    lines += section(
        r, "mtouch", "B15: 48 MiB of anonymous memory touched",
        "The group's cache is full; 256 KiB every 2 ms; latency per page. Swap "
        "is there, 256 MiB.", CALL_HEAD + RECLAIM_HEAD + ["swapped out"],
        [(text, f"{arm}:touch") for arm, text in arms] +
        [("no limit, last", "N:touch-last")],
        CALLS + RECLAIM + [(group("pswpout"), whole)])
    lines += section(
        r, "mmarks", "B16: usage against the marks",
        "One sample in each 10 ms.",
        ["samples", "above %", "below low", "top MiB", "bottom MiB",
         "high MiB", "low MiB"],
        [(f"{name}: {ARM_TEXT[arm]}", f"{arm}:{name}") for arm in MARKED
         for name in list(SPEEDS) + ["touch"]],
        [(key("marks", "samples"), whole),
         (above_high, lambda x: f"{x * 100:.2f}"),
         (key("marks", "below"), whole)] +
        [(key("marks", k, 2.0 ** -20), lambda x: f"{x:.1f}")
         for k in ("top", "bottom", "high", "low")])
    lines += section(
        r, "mmarks", f"B16: {SET_MIB} MiB read again and again",
        f"It fits under the limit of {LIMIT_MIB} MiB.",
        ["total ms", "first ms", "median ms", "refaults", "`max`", "reclaimed",
         "widened"],
        [(ARM_TEXT[arm], f"{arm}:set") for arm in ("L",) + MARKED],
        [(total, ms), (lambda c: c["result"]["pass_ns"][0], ms),
         (lambda c: median(c["result"]["pass_ns"]), ms),
         (group("refault_file"), whole), (group("max"), whole),
         (key("group", "wmark_reclaimed"), whole),
         (key("group", "wmark_widened"), whole)])
    lines += report_cost_of_pages(r)
    for name, text in (("light", "500 Hz x 100 µs"), ("half", "500 Hz x 1 ms")):
        lines += section(
            r, "mwake", f"B17: online beside offline work that streams, {text}",
            "The offline group reads a file in its class (`cpu.offline`), as "
            "fast as it gets the CPU; wake-up latency of online, and the "
            "longest time until its work is done.",
            ["p50", "p99", "p99.9", "max", "done max", "`max`", "direct",
             "reclaimed", "longest µs"],
            [("alone", f"alone:{name}")] +
            [(ARM_TEXT[a], f"{a}:{name}") for a in ("N", "L", "O")] +
            ([("alone, last", "alone:light-last")] if name == "light" else []),
            [(wake(q), us) for q in ("p50", "p99", "p999", "max")] +
            [(done("max"), us), (group("max"), whole),
             (group("pgscan_direct"), whole),
             (key("group", "wmark_reclaimed"), whole),
             (key("levels", "wmark_run_max_usec"), whole)])
    lines += section(
        r, "mwake", "B17: no CPU is idle",
        "A reader at full speed beside two CPU hogs, all at the same weight.",
        CALL_HEAD + ["total ms"] + RECLAIM_HEAD,
        [(ARM_TEXT[a], f"{a}:busy") for a in ("L", "O")],
        CALLS + [(total, ms)] + RECLAIM)
    lines += section(
        r, "mglobal", "B18: the memory of the machine is short",
        "Online keeps reading 96 MiB at 20 MiB/s, another group reads at "
        "200 MiB/s, 256 MiB (*stream*), or 112 MiB that were there first "
        "(*hot*), a third touches 64 MiB; no limits. *online*, *other*: pages taken from the group; "
        "*again*: reading online's files afterwards, against before; *left*: "
        "the other group's cache at the end.",
        ["online", "refaults", "other", "again", "left MiB", "kswapd ms"],
        [(f"{lru}, {files}: {arm}", f"{arm}:{files}:{lru}") for lru in LRUS
         for files in OFFLINE_FILES for arm in ("plain", "offline")],
        [(group("pgsteal"), whole), (group("refault_file"), whole),
         (key("job", "pgsteal"), whole), (reread, lambda x: f"{x:.3f}"),
         (key("job_levels", "file", 2.0 ** -20), lambda x: f"{x:.1f}"),
         (group("kswapd_ns"), ms)])
    rows = []
    for kernel in KERNELS:
        for name in ("pagefault", "pagefault-again", "filewrite",
                     "filewrite-again"):
            got = r.values("mcost", name, per_op, kernel)
            if got:
                aa = aa_spread(r, name, kernel, "mcost")
                rows.append([name, kernel, f"{mid(got):.1f}",
                             "-" if aa is None else f"{aa * 100:.3f}",
                             f"{spread(list(got.values())) * 100:.3f}",
                             len(got)])
    if rows:
        lines += ["## B19: instructions per operation, marks off", "",
                  "In a group of 128 MiB: map, touch and unmap, per page; write "
                  "of 4 KiB into new page cache of ext4. A/A and spread in %.",
                  ""]
        lines += table(["operation", "kernel", "instructions", "A/A", "spread",
                        "boots"], rows) + [""]
    return lines


def report_cost_of_pages(r):
    v = of_kernel(r, "mread")
    rows = []
    for speed in SPEEDS:
        direct = direct_per_page(v, speed)
        if direct:
            rows.append([f"{speed}: direct reclaim", f"{mid(direct):.0f}", "-",
                         "-", len(direct)])
        for arm in MARKED:
            got = per_page(v, arm, speed)
            if not got or mid(got) is None:
                continue
            took = paired(v(f"{arm}:{speed}", group("kworker_ns")),
                          v(f"N:{speed}", group("kworker_ns")), minus)
            rows.append([f"{speed}: {ARM_TEXT[arm]}", f"{mid(got):.0f}",
                         ms(mid(took)), ms(mid(v(f"{arm}:{speed}",
                                                 worker_share))), len(got)])
    if not rows:
        return []
    return ["## B17: the cost of a reclaimed page", "",
            "Direct: CPU time of the reader under the limit less that without "
            "one, for each page it freed. *threads*: CPU time of all kernel "
            "workers less that without reclaim; *billed*: what the group's "
            "`cpu.stat` shows above the reader's own time.", ""] + table(
        ["who", "ns per page", "threads ms", "billed ms", "boots"], rows) + [""]


# --- the chart --------------------------------------------------------------

CHART_ARMS = ("N", "L", "H", "R", "W")
STYLE = {"N": "#808080", "L": "#d55e00", "H": "#e69f00", "R": "#cc79a7",
         "W": "#0072b2"}
PANELS = (("mread", "paced", "read() of 4 KiB, 1 MiB every 5 ms"),
          ("mtouch", "touch", "touch of a page, 256 KiB every 2 ms"))


def slower(hists):
    """[(part of the calls, ns)]: that part takes at least about so long."""
    bins = {}
    for hist in hists:
        for top, n in hist:
            bins[top] = bins.get(top, 0) + n
    left = whole_n = sum(bins.values())
    out = []
    for top in sorted(bins):
        out.append((left / whole_n, top))
        left -= bins[top]
    return out


def charts(r, folder):
    """Latency per call, by how many calls are slower; SVG by gnuplot."""
    panels = []
    for suite, what, title in PANELS:
        curves = {}
        for arm in CHART_ARMS:
            hists = r.values(suite, f"{arm}:{what}", call("hist"))
            if hists:
                curves[arm] = slower(hists.values())
        if curves:
            panels.append((title, curves))
    if len(panels) < len(PANELS) or not shutil.which("gnuplot"):
        return []
    path = os.path.join(folder, "memory.svg")
    with tempfile.TemporaryDirectory() as work:
        script = ["set terminal svg size 1000,440 font 'sans,13'",
                  f"set output '{path}'", "set logscale xy",
                  "set xrange [1:1e-5]", "set grid lc rgb '#dddddd'",
                  "set xlabel 'part of the calls that take longer'",
                  "set ylabel 'latency (us)'", "set format y '%g'",
                  "set xtics ('all' 1, '10 %%' 0.1, '1 %%' 0.01, "
                  "'0.1 %%' 0.001, '0.01 %%' 0.0001)",
                  "set key top left noenhanced Left reverse",
                  "set multiplot layout 1,2 title 'A group of 128 MiB whose "
                  "page cache is full (lower is better)'"]
        for i, (title, curves) in enumerate(panels):
            plots = []
            top = max(ns for points in curves.values() for _, ns in points)
            for arm, points in curves.items():
                data = os.path.join(work, f"{i}{arm}")
                with open(data, "w", encoding="utf-8") as f:
                    f.writelines(f"{part:.8f} {ns / 1000:.3f}\n"
                                 for part, ns in points)
                plots.append(f"'{data}' using 1:2 with steps lw 2 "
                             f"lc rgb '{STYLE[arm]}' "
                             f"title '{ARM_TEXT[arm]}'")
            script += [f"set title '{title}'",
                       f"set yrange [1:{10 ** math.ceil(math.log10(top / 1e3) + 0.5)}]",
                       "plot " + ", ".join(plots)]
        script.append("unset multiplot")
        subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True,
                       check=True)
    return [path]
