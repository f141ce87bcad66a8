#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Run the benchmark suites in guests, keep the raw results, judge the targets.

The suites of the class are here and in bench_locks.py, those of memory in
bench_memory.py; what they share, and how a boot is run and kept, is in bench_lib.py.
"""

import argparse
import os
import sys

import bench_locks
import bench_memory
from bench_lib import (  # noqa: F401  those who import this one use them too
    FORMAT, ROOT, Boot, Results, Runner, Target, Windows, aa_spread, bootstrap,
    cell, done, framed, median, mid, paired, per_op, percentile, ratio,
    read_output, relative, rotated, spread, table, us, wake, write_json)

# Exit codes of "run" and "report".
MET, NOT_MET, VOID, FAILED = 0, 1, 2, 3

ARMS = {
    "V0": {"load": "none"},
    "V1": {"online": "fifo"},
    "V2": {"knob": "weight"},
    "V3": {"knob": "idle"},
    "V4": {"knob": "idle", "layout": "flat"},
    "V5": {"offline": "idle"},
    "P": {"knob": "offline"},
    "PS": {"knob": "offline", "layout": "flat"},
    "PK": {"knob": "offline", "layout": "be"},
}
ARM_TEXT = {
    "V0": "online alone",
    "V1": "online SCHED_FIFO",
    "V2": "cpu.weight=1, one parent",
    "V3": "cpu.idle=1, one parent",
    "V4": "cpu.idle=1, siblings",
    "V5": "offline SCHED_IDLE",
    "P": "offline class, one parent",
    "PS": "offline class, siblings",
    "PK": "offline class, nested",
}
LAYOUT_TEXT = {
    "parent": "one offline parent",
    "be": "on besteffort, service in burstable",
    "pod": "on each pod",
    "top": "on besteffort, service at top level",
    "flat": "siblings",
}
LAYOUTS = ("be", "pod", "top", "flat")
HEAVY = {"threads": 4, "period_us": 8700, "step_us": 130, "busy_us": 1000}
SUITES = {
    "latency": ("B1",),
    "layouts": ("B3", "B4"),
    "locks": ("B6",),
    "load": ("B7",),
    "smp": ("B8",),
    "cost": ("B10", "B11"),
}
SUITES.update(bench_memory.SUITES)
BENCHES = list(dict.fromkeys(b for benches in SUITES.values() for b in benches))


# --- plans ------------------------------------------------------------------


def hogs_of(groups):
    """One per group, but at least the four of the basic cell."""
    return max(4, groups)


def plan_latency(kernel, seed, w, groups=1, arms=None):
    """B1: light online, 4 hogs, every arm; the same nested."""
    base = {"load": "hogs", "probe": "wakeup", "layout": "parent",
            "groups": groups, "hogs": hogs_of(groups), "seed": seed,
            "settle_ms": w.settle_ms, "window_ms": w.window_ms}
    cells = [cell(arm, **dict(base, **ARMS[arm])) for arm in arms or ARMS]
    if not arms:
        cells += [cell(arm + "k", **dict(base, **dict(ARMS[arm], layout="be")))
                  for arm in ("V0", "V1", "V3")]
    if kernel == "vanilla":
        cells = [c for c in cells if c.get("knob") != "offline"]
    first = "P" if kernel != "vanilla" else "V3"
    return framed(rotated(cells, seed), first, "V0")


def plan_layouts(kernel, seed, w, rival=True, sizes=(1, 256)):
    """B3 and B4: layouts by number of groups, light and fully busy online."""
    arms = ["V0", "V1"]
    arms += ["V3"] if rival or kernel == "vanilla" else []
    arms += ["P"] if kernel != "vanilla" else []
    cells = []
    for layout in LAYOUTS:
        for groups in sizes:
            base = {"load": "hogs", "layout": layout, "groups": groups,
                    "hogs": hogs_of(groups), "seed": seed}
            for arm in arms:
                keys = dict(base, **ARMS[arm])
                keys["layout"] = layout
                cells.append(cell(
                    f"{arm}:{layout}:{groups}", probe="wakeup",
                    settle_ms=w.settle_ms, window_ms=w.window_ms, **keys))
                if arm in ("V3", "P"):
                    cells.append(cell(
                        f"busy:{arm}:{layout}:{groups}", probe="busy",
                        settle_ms=w.busy_settle_ms, window_ms=w.busy_ms,
                        **keys))
    first = ("P" if kernel != "vanilla" else "V3") + ":be:1"
    return framed(rotated(cells, seed), first, "V0:be:1")


def plan_load(kernel, seed, w, rival=True):
    """B7: heavy online, kernel-heavy offline."""
    base = dict({"probe": "wakeup", "layout": "top", "groups": 1, "hogs": 4,
                 "seed": seed, "settle_ms": w.settle_ms,
                 "window_ms": w.heavy_ms}, **HEAVY)
    cells = [cell("V0", load="none", **base)]
    for load in ("hogs", "hackbench", "stress"):
        if kernel != "vanilla":
            cells.append(cell(f"P:{load}", load=load, knob="offline", **base))
        if rival or kernel == "vanilla":
            cells.append(cell(f"V3:{load}", load=load, knob="idle", **base))
    first = "P:hogs" if kernel != "vanilla" else "V3:hogs"
    return framed(rotated(cells, seed), first, "V0")


def plan_smp(kernel, seed, w, rival=True):
    """B8: where tasks stand on four CPUs."""
    cells = []
    for online in (1, 2, 3, 4):
        for duty in ("full", "duty"):
            keys = {"probe": "sampler", "layout": "parent", "groups": 2,
                    "hogs": 8, "load": "hogs", "threads": online,
                    "settle_ms": w.smp_settle_ms, "rounds": w.samples,
                    "seed": seed}
            if duty == "duty":
                keys.update(busy_us=30000, sleep_us=10000)
            if kernel != "vanilla":
                cells.append(cell(f"P:{duty}:{online}", knob="offline", **keys))
            if rival or kernel == "vanilla":
                cells.append(cell(f"V3:{duty}:{online}", knob="idle", **keys))
    return rotated(cells, seed)


def plan_cost(kernel, seed, w, rival=True):
    """B10 and B11: instructions per operation, unused and in use.

    The class is first used after all that must find it unused.
    """
    base = {"layout": "top", "groups": 1, "hogs": 1, "seed": seed}
    idle = dict(base, settle_ms=200)
    busy = dict(base, settle_ms=w.cost_settle_ms)
    pipe = {"probe": "pipe", "rounds": w.pipe_rounds}
    cells = [
        cell("discard", **idle, **pipe),
        cell("pipe", **idle, **pipe),
        cell("pipe-again", **idle, **pipe),
        cell("hackbench", probe="hackbench", rounds=w.hack_rounds, **idle),
        cell("forkexec", probe="forkexec", rounds=w.fork_rounds, **idle),
        cell("pipe-d3", **dict(idle, layout="be", inside=1), **pipe),
        cell("pipe:V3", knob="idle", load="hogs", **busy, **pipe),
    ]
    if kernel != "vanilla":
        cells += [
            cell("pipe-used", knob="offline", **idle, **pipe),
            cell("pipe:P", knob="offline", load="hogs", **busy, **pipe),
            cell("pipe-d3:P", knob="offline",
                 **dict(idle, layout="be", inside=1), **pipe),
            cell("pipe-last", **idle, **pipe),
        ]
    return cells


def boots_of(suite, boots, rival_boots, w, kernels=("perf",)):
    if suite in bench_memory.SUITES:
        return bench_memory.boots_of(suite, boots, rival_boots, w, kernels)
    if suite in bench_locks.SUITES:
        return bench_locks.boots_of(boots, w, kernels)
    out = []
    for seed in range(1, boots + 1):
        rival = seed <= rival_boots
        if suite == "latency":
            out += [Boot(suite, k, seed, 0, plan_latency(k, seed, w))
                    for k in kernels]
        elif suite == "layouts":
            out += [Boot(suite, k, seed, 0, plan_layouts(k, seed, w, rival))
                    for k in kernels]
        elif suite == "load":
            out += [Boot(suite, k, seed, 0, plan_load(k, seed, w, rival))
                    for k in kernels]
        elif suite == "smp":
            out += [Boot(suite, k, seed, 0, plan_smp(k, seed, w, rival),
                         smp=4, icount=False) for k in kernels]
        elif suite == "cost":
            # ABBA: the unit is the pair of neighbours.
            for kernel, rep in (("vanilla", 0), ("perf", 0),
                                ("perf", 1), ("vanilla", 1)):
                if kernel == "perf" and "perf" not in kernels:
                    continue
                out.append(Boot(suite, kernel, seed, rep,
                                plan_cost(kernel, 2 * seed + rep, w)))
    return out

def given_up(c):
    return c["result"].get("given_up", 0)


def run_share(c):
    return c["result"]["run_ns"] / c["result"]["window_ns"]


def offline_share(c):
    return c["offline_ns"] / c["span_ns"] if c.get("span_ns") else None


# --- judging ----------------------------------------------------------------


def judge_b1(r):
    def v(arm, q):
        return r.values("latency", arm, wake(q))

    def sub(a, b):
        return a - b

    p99 = {a: v(a, "p99") for a in ("V0", "V1", "V3", "P", "PK", "V0k")}
    nested = {}
    for s in p99["P"]:
        if all(s in p99[a] for a in ("PK", "V0", "V0k")):
            own = p99["V0k"][s] - p99["V0"][s]
            nested[s] = (p99["PK"][s] - own) / p99["P"][s]
    out = [
        Target("B1", "P p99 / V3 p99", paired(p99["P"], p99["V3"], ratio), 1.0),
        Target("B1", "P p99 / V1 p99", paired(p99["P"], p99["V1"], ratio),
               1.05),
        Target("B1", "P p99.9 - alone p99.9",
               paired(v("P", "p999"), v("V0", "p999"), sub), 5000, "us"),
        Target("B1", "P max - V1 max",
               paired(v("P", "max"), v("V1", "max"), sub), 5000, "us"),
        Target("B1", "nested / flat p99", nested, 1.05),
    ]
    return out


def judge_b3(r):
    def v(arm, layout, groups, q):
        return r.values("layouts", f"{arm}:{layout}:{groups}", wake(q))

    out = []
    for layout in LAYOUTS:
        for groups in (1, 256):
            p = v("P", layout, groups, "p99")
            where = f"{layout} {groups}"
            floor = Target("B3", f"{where}: P p99 / V1 p99",
                           paired(p, v("V1", layout, groups, "p99"), ratio),
                           1.05)
            floor.or_else(
                Target("B3", f"{where}: P p99 / alone p99",
                       paired(p, v("V0", layout, groups, "p99"), ratio), 1.25))
            out.append(floor)
            out.append(Target(
                "B3", f"{where}: P p99.9 - alone",
                paired(v("P", layout, groups, "p999"),
                       v("V0", layout, groups, "p999"), lambda a, b: a - b),
                5000, "us"))
        out.append(Target(
            "B3", f"{layout}: P p99 of 256 / of 1",
            paired(v("P", layout, 256, "p99"), v("P", layout, 1, "p99"),
                   ratio), 1.05))
    return out


def judge_b4(r):
    return [
        Target("B4", f"{layout} {groups}: offline run time",
               r.values("layouts", f"busy:P:{layout}:{groups}", run_share),
               0.0001, "%", use="worst")
        for layout in LAYOUTS for groups in (1, 256)]


def judge_b7(r):
    alone = r.values("load", "V0", done("p999"))
    return [
        Target("B7", f"{load}: completion p99.9 / alone",
               paired(r.values("load", f"P:{load}", done("p999")), alone,
                      ratio), 1.05)
        for load in ("hackbench", "stress")]


def judge_b8(r):
    def share(key):
        return lambda c: c["result"][key] / c["result"]["samples"]

    out = []
    for duty in ("full", "duty"):
        for online in (1, 2, 3, 4):
            name = f"P:{duty}:{online}"
            out.append(Target("B8", f"{online} online, {duty}: stacked online",
                              r.values("smp", name, share("stacked")),
                              0.005, "%", use="worst"))
            out.append(Target("B8", f"{online} online, {duty}: idle CPU",
                              r.values("smp", name, share("idle")),
                              0.005, "%", use="worst"))
            out.append(Target(
                "B8", f"{online} online, {duty}: idle in a row",
                r.values("smp", name, lambda c: c["result"]["idle_longest"]),
                1, "count", use="worst"))
    return out


def judge_b10(r):
    out = [Target("B10", "pipe / vanilla",
                  paired(r.values("cost", "pipe", per_op),
                         r.values("cost", "pipe", per_op, "vanilla"), ratio),
                  1.002)]
    for name in ("hackbench", "forkexec"):
        aa = aa_spread(r, name)
        bound = 1.002 if aa is None else max(1.002, 1 + 3 * aa)
        out.append(Target(
            "B10", f"{name} / vanilla",
            paired(r.values("cost", name, per_op),
                   r.values("cost", name, per_op, "vanilla"), ratio), bound))
    return out


def judge_b11(r):
    vanilla = r.values("cost", "pipe", per_op, "vanilla")
    vanilla_d3 = r.values("cost", "pipe-d3", per_op, "vanilla")
    own = r.values("cost", "pipe", per_op)
    hog = r.values("cost", "pipe:P", per_op)
    return [
        Target("B11", "in use, no offline task / vanilla",
               paired(r.values("cost", "pipe-used", per_op), vanilla, ratio),
               1.005),
        Target("B11", "one offline hog / vanilla", paired(hog, vanilla, ratio),
               1.005),
        Target("B11", "one offline hog / no hog", paired(hog, own, ratio),
               1.005),
        Target("B11", "offline's own at depth 3 / vanilla",
               paired(r.values("cost", "pipe-d3:P", per_op), vanilla_d3,
                      ratio), 1.05),
    ]


JUDGES = {"B1": judge_b1, "B3": judge_b3, "B4": judge_b4,
          "B6": bench_locks.judge_b6, "B7": judge_b7, "B8": judge_b8,
          "B10": judge_b10, "B11": judge_b11}
JUDGES.update(bench_memory.JUDGES)


def void_reasons(r):
    """Identical runs that differ by more than the method allows."""
    out = []
    for suite, first, last in (("latency", "V0", "V0-last"),
                               ("layouts", "V0:be:1", "V0:be:1-last")):
        for kernel in ("perf", "vanilla"):
            a = r.values(suite, first, wake("p50"), kernel)
            b = r.values(suite, last, wake("p50"), kernel)
            for key, drift in paired(b, a, ratio).items():
                if abs(drift - 1) > 0.003:
                    out.append(f"{suite} {kernel} seed {key[0]}: p50 of alone "
                               f"moved by {(drift - 1) * 100:+.2f} % within "
                               f"the boot")
    for kernel in ("perf", "vanilla"):
        a = r.values("cost", "pipe", per_op, kernel)
        b = r.values("cost", "pipe-again", per_op, kernel)
        for key, drift in paired(b, a, ratio).items():
            if abs(drift - 1) > 0.001:
                out.append(f"cost {kernel} seed {key[0]}: the same pipe run "
                           f"moved by {(drift - 1) * 100:+.3f} %")
    return out + bench_locks.void_reasons(r) + bench_memory.void_reasons(r)


# --- report -----------------------------------------------------------------


def latency_rows(r, suite, names, what=wake, kernel="perf"):
    rows = []
    for text, name in names:
        got = {q: r.values(suite, name, what(q), kernel)
               for q in ("p50", "p99", "p999", "max")}
        if not got["p50"]:
            continue
        share = mid(r.values(suite, name, offline_share, kernel))
        n = mid(r.values(suite, name, lambda c: c["result"]["wake"]["n"],
                         kernel))
        # Online could not keep up: at least so much, and growing.
        mark = ">" if any(r.values(suite, name, given_up, kernel).values()) \
            else ""
        rows.append([text] + [mark + us(mid(got[q])) for q in got] +
                    [mark + us(max(got["max"].values())),
                     "-" if share is None else f"{share * 100:.1f}",
                     f"{len(got['p50'])}x{n:.0f}"])
    return rows


LATENCY_HEAD = ["arm", "p50", "p99", "p99.9", "max", "worst", "off %", "n"]


def not_a_gate(r):
    """Why these results are a look and not the gate; empty when they are."""
    out = []
    for suite in SUITES:
        boots = r.of(suite)
        if boots and len({b["seed"] for b in boots}) < 5:
            out.append(f"{suite}: {len(boots)} boots, the gate has five")
        few = {c["result"]["wake"]["n"] for b in boots for c in b["cells"]
               if c["result"].get("probe") == "wakeup" and
               c["result"]["wake"]["n"] < 3000}
        if few:
            out.append(f"{suite}: {min(few)} samples in a boot, p99.9 needs "
                       "3000")
    out += bench_locks.not_a_gate(r)
    if {b.get("hz") for b in r.boots} - {250} or \
            {b["preempt"] for b in r.boots} - {"full"}:
        out.append("the gate is HZ=250, preempt=full")
    return out


def report_text(r):
    boots = r.boots
    lines = ["<!-- SPDX-License-Identifier: GPL-2.0-only -->",
             "<!-- Written by scripts/bench.py from results/*.json -->",
             "# Benchmark results", ""]
    short = not_a_gate(r)
    if short:
        lines += ["**Not the gate:**", ""] + [f"- {x}" for x in short] + [""]
    lines += [
        "Times in µs. One µs is 1000 guest instructions: one CPU under QEMU's",
        "icount counts instructions and nothing else (no cache, no SMT, no IPI",
        "cost). The unit is the boot: a figure is the median over the boots,",
        "`worst` the largest of them, `n` boots x samples of each. Intervals are",
        "bootstrap 95 % intervals of the median. *off %* is the offline groups'",
        "share of the CPU. `>`: online got less than it needed, its queue grew",
        "to the end of the window.", ""]

    seen = {}
    for b in boots:
        key = (b["kernel"], b["guest"].get("release"), b.get("hz"),
               b["preempt"], (b.get("config_sha256") or "")[:12],
               (b.get("tree") or "")[:12])
        seen.setdefault(key, []).append(b)
    lines += ["## What was measured", ""]
    lines += table(
        ["kernel", "release", "HZ", "preempt", "config", "tree", "boots"],
        [[k[0], k[1], k[2], k[3], k[4], "-" if k[0] == "vanilla" else k[5],
          len(v)] for k, v in sorted(seen.items(), key=str)])
    lines += [""]
    shown = set()
    for b in boots:
        if b.get("qemu") and b["smp"] not in shown:
            shown.add(b["smp"])
            lines += [f"QEMU, {b['smp']} CPU(s):", "", "```", b["qemu"],
                      "```", ""]

    targets = [t for bench in JUDGES for t in JUDGES[bench](r)
               if any(r.of(s) for s, bs in SUITES.items() if bench in bs)]
    voids = void_reasons(r)
    lines += ["## Verdict", ""]
    if voids:
        lines += ["**Void**: runs that must be identical are not.", ""]
        lines += [f"- {v}" for v in voids] + [""]
    rows = []
    for t in targets:
        rows.append([t.bench, t.what, t.form(t.bound), t.form(t.value),
                     "-" if not t.interval else
                     f"{t.form(t.interval[0])}..{t.form(t.interval[1])}",
                     t.form(t.worst), t.n, t.verdict])
        for a in t.alternatives:
            rows.append(["or", a.what, a.form(a.bound), a.form(a.value),
                         "-" if not a.interval else
                         f"{a.form(a.interval[0])}..{a.form(a.interval[1])}",
                         a.form(a.worst), a.n, ""])
    lines += table(["id", "what", "bound", "value", "95 %", "worst", "boots",
                    "verdict"], rows) if rows else ["Nothing was judged."]
    lines += [""]
    missed = [t for t in targets if t.met is not True]
    lines += [f"{len(targets) - len(missed)} of {len(targets)} targets met.",
              ""]

    for kernel in ("perf", "vanilla"):
        lines += report_kernel(r, kernel)
    lines += bench_locks.report(r)
    lines += bench_memory.report(r)
    return "\n".join(lines).rstrip() + "\n", targets, voids


def report_kernel(r, kernel):
    lines = []
    nested = [("V0 nested", "V0k"), ("V1 nested", "V1k"), ("V3 nested", "V3k")]
    rows = latency_rows(
        r, "latency", [(f"{a} {ARM_TEXT[a]}", a) for a in ARMS] + nested +
        [("V0 again, last", "V0-last")], kernel=kernel)
    if rows:
        lines += [f"## B1: light online and 4 hogs ({kernel} kernel)", "",
                  "One thread, 500 Hz x 100 µs; wake-up latency.", ""]
        lines += table(LATENCY_HEAD, rows) + [""]
    names = [(f"{LAYOUT_TEXT[lay]}, {g}: {a}", f"{a}:{lay}:{g}")
             for lay in LAYOUTS for g in (1, 256)
             for a in ("V0", "V1", "V3", "P")]
    rows = latency_rows(r, "layouts", names, kernel=kernel)
    if rows:
        lines += [f"## B3: layouts and number of groups ({kernel} kernel)", "",
                  "Where the knob stands, number of offline groups: arm; one "
                  "hog a group, at least four.", ""]
        lines += table(LATENCY_HEAD, rows) + [""]
    rows = []
    for lay in LAYOUTS:
        for g in (1, 256):
            for arm in ("V3", "P"):
                got = r.values("layouts", f"busy:{arm}:{lay}:{g}", run_share,
                               kernel)
                if got:
                    rows.append([f"{LAYOUT_TEXT[lay]}, {g}: {arm}",
                                 f"{mid(got) * 100:.4f}",
                                 f"{max(got.values()) * 100:.4f}", len(got)])
    if rows:
        lines += [f"## B4: offline run time beside a busy task ({kernel} "
                  "kernel)", ""]
        lines += table(["where, groups: arm", "%", "worst %", "boots"], rows)
        lines += [""]
    names = [("V0 online alone", "V0")] + [
        (f"{arm} {load}", f"{arm}:{load}")
        for load in ("hogs", "hackbench", "stress") for arm in ("V3", "P")] + [
        ("V0 again, last", "V0-last")]
    for title, what in (("wake-up", wake), ("completion", done)):
        rows = latency_rows(r, "load", names, what, kernel)
        if rows:
            lines += [f"## B7: heavy online, {title} ({kernel} kernel)", "",
                      "Four threads, ~45 % together; knob on besteffort, "
                      "service at top level.", ""]
            lines += table(LATENCY_HEAD, rows) + [""]
    rows = []
    for duty in ("full", "duty"):
        for online in (1, 2, 3, 4):
            for arm in ("V3", "P"):
                name = f"{arm}:{duty}:{online}"
                got = r.values("smp", name, lambda c: c["result"], kernel)
                if not got:
                    continue
                rows.append([f"{online} online, {duty}: {arm}"] + [
                    sum(c[k] for c in got.values())
                    for k in ("samples", "stacked", "idle")] + [
                    max(c["idle_longest"] for c in got.values()),
                    sum(c["unstable"] for c in got.values()), len(got)])
    if rows:
        lines += [f"## B8: four CPUs, counts ({kernel} kernel)", "",
                  "*stacked*: two online tasks on one CPU beside an "
                  "offline-only one; *idle*: a CPU idles while an offline "
                  "task waits; *in a row*: of these, the longest run; "
                  "*unstable*: samples in which the tasks never stood still, "
                  "not counted.", ""]
        lines += table(["online: arm", "samples", "stacked", "idle",
                        "in a row", "unstable", "boots"], rows) + [""]
    rows = []
    for text, name in (("pipe", "pipe"), ("pipe, the same again", "pipe-again"),
                       ("hackbench, a loop", "hackbench"),
                       ("fork+exec", "forkexec"),
                       ("pipe at depth 3", "pipe-d3"),
                       ("pipe, class in use", "pipe-used"),
                       ("pipe, one offline hog", "pipe:P"),
                       ("pipe at depth 3, offline", "pipe-d3:P"),
                       ("pipe, one cpu.idle hog", "pipe:V3"),
                       ("pipe, last", "pipe-last")):
        got = r.values("cost", name, per_op, kernel)
        if not got:
            continue
        aa = aa_spread(r, name, kernel)
        rows.append([text, f"{mid(got):.1f}",
                     "-" if aa is None else f"{aa * 100:.3f}",
                     f"{spread(list(got.values())) * 100:.3f}", len(got)])
    if rows:
        lines += [f"## B10, B11: instructions per operation ({kernel} kernel)",
                  "", "A/A: the worst pair of boots of one seed, in %; "
                  "spread: largest less smallest of all boots, in %.", ""]
        lines += table(["operation", "instructions", "A/A", "spread",
                        "boots"], rows) + [""]
    return lines


# --- command line -----------------------------------------------------------


def add_run_options(p):
    p.add_argument("--boots", type=int, default=5,
                   help="boots per arm (5)")
    p.add_argument("--rival-boots", type=int, default=1,
                   help="of these, how many also run the rivals that no "
                   "target needs (1)")
    p.add_argument("--only", default=",".join(BENCHES),
                   help="benches to run, comma separated (all)")
    p.add_argument("--quick", action="store_true",
                   help="short windows, 2 boots: a look, not the gate")
    p.add_argument("--kernels", default="perf",
                   help="kernels of the latency suites: perf,vanilla (perf)")
    p.add_argument("--preempt", default="full",
                   choices=("full", "voluntary", "none"))
    p.add_argument("--perf", metavar="IMAGE", help="another perf kernel")
    p.add_argument("--vanilla", metavar="IMAGE", help="another vanilla kernel")
    p.add_argument("--jobs", type=int, default=2, help="guests at a time (2)")
    p.add_argument("--timeout", type=int, default=3600,
                   help="seconds that one boot may take (3600)")
    p.add_argument("--build", default=os.path.join(ROOT, "build"))
    p.add_argument("--boot-settle-ms", type=int, default=6000)
    for name, value in Windows.FIELDS.items():
        p.add_argument("--" + name.replace("_", "-"), type=int,
                       help=f"({value})")


def add_out(p):
    p.add_argument("--out", default=os.path.join(
        ROOT, "Documentation", "benchmarks", "results"),
        help="folder of the raw results")
    p.add_argument("--report", metavar="FILE",
                   help="the tables (results.md beside the folder)")


def do_report(args):
    results = Results.load(args.out)
    if not results.boots:
        print(f"bench: no complete result in {args.out}", file=sys.stderr)
        return FAILED
    text, targets, voids = report_text(results)
    path = args.report or os.path.join(
        os.path.dirname(os.path.abspath(args.out)), "results.md")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    write_json(os.path.join(os.path.dirname(path), "verdict.json"), {
        "void": voids, "targets": [t.record() for t in targets]})
    for t in targets:
        print(f"{t.bench:4} {t.what:42} {t.form(t.value):>10} "
              f"<= {t.form(t.bound):>8}  {t.verdict}")
        for a in t.alternatives:
            print(f"  or {a.what:42} {a.form(a.value):>10} "
                  f"<= {a.form(a.bound):>8}")
    for v in voids:
        print(f"VOID {v}")
    for chart in bench_memory.charts(results, os.path.dirname(path)):
        print(f"chart: {relative(chart)}")
    print(f"raw results: {relative(args.out)}, tables: {relative(path)}")
    if not targets:
        print("bench: no result of the patched kernel, nothing was judged",
              file=sys.stderr)
        return FAILED
    if voids:
        return VOID
    return MET if all(t.met for t in targets) else NOT_MET


def do_run(args):
    wanted = args.only.split(",")
    unknown = [b for b in wanted if b not in BENCHES]
    if unknown:
        print(f"bench: no such bench: {', '.join(unknown)}; there are "
              f"{', '.join(BENCHES)}", file=sys.stderr)
        return FAILED
    given = {n: getattr(args, n) for n in Windows.FIELDS}
    w = Windows(args.quick, **given)
    if args.quick and args.boots == 5:
        args.boots = 2
    args.kernel = {k + extra: v for k, v in (("perf", args.perf),
                                             ("vanilla", args.vanilla))
                   for extra in ("", "-jump") if v}
    kernels = tuple(args.kernels.split(","))
    boots = []
    for suite, benches in SUITES.items():
        if set(benches) & set(wanted):
            boots += boots_of(suite, args.boots, args.rival_boots, w, kernels)
    if args.list:
        for boot in boots:
            print(f"# {boot.name} {boot.busy_s():.0f} s\n{boot.plan}")
        return MET
    runner = Runner(args)
    if not runner.run(boots):
        print(f"bench: boots that failed: {', '.join(runner.failures)}",
              file=sys.stderr)
        return FAILED
    return do_report(args)


def main(argv=None):
    parser = argparse.ArgumentParser(prog="bench.py", description=__doc__)
    sub = parser.add_subparsers(dest="command", required=True)
    p = sub.add_parser("run", help="run what is missing, then report")
    add_run_options(p)
    add_out(p)
    p.add_argument("--list", action="store_true", help="only print the plans")
    p.set_defaults(run=do_run)
    p = sub.add_parser("report", help="judge the results that are there")
    add_out(p)
    p.set_defaults(run=do_report)
    args = parser.parse_args(argv)
    return args.run(args)


if __name__ == "__main__":
    sys.exit(main())
