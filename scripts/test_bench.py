#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Unit tests of the benchmarks' statistics, plans and verdicts."""

import json
import os
import re
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bench  # noqa: E402
import bench_lib  # noqa: E402
import bench_locks as locks  # noqa: E402
import bench_memory as memory  # noqa: E402
import demo  # noqa: E402

W = bench.Windows()


def lat(p50, p99, p999, top, n=3200):
    one = {"n": n, "mean": p50, "p50": p50, "p99": p99, "p999": p999,
           "max": top, "hist": []}
    return {"probe": "wakeup", "wake": one, "done": dict(one)}


def boot(suite, seed, cells, kernel="perf", rep=0, **more):
    return dict({
        "suite": suite, "kernel": kernel, "seed": seed, "rep": rep, "hz": 250,
        "preempt": "full", "complete": True, "format": bench.FORMAT,
        "guest": {"release": "6.12"}, "smp": 1,
        "cells": [{"cell": dict({"id": name}, window_ms=6400),
                   "result": result} for name, result in cells.items()],
    }, **more)


def b1_boot(seed, **change):
    cells = {
        "V0": lat(7000, 7300, 9700, 12000),
        "V0-last": lat(7000, 7300, 9700, 12000),
        "V0k": lat(7500, 7800, 9900, 12000),
        "V1": lat(7200, 7900, 9900, 12000),
        "V3": lat(7800, 10800, 12200, 310000),
        "P": lat(7300, 8000, 10000, 12500),
        "PK": lat(7800, 8500, 10200, 12500),
    }
    cells.update(change)
    return boot("latency", seed, cells)


class Statistics(unittest.TestCase):
    def test_percentile_is_nearest_rank(self):
        self.assertEqual(bench.percentile([1, 2, 3, 4], 0.5), 2)
        self.assertEqual(bench.percentile([1, 2, 3, 4], 0.51), 3)
        self.assertEqual(bench.percentile([1, 2, 3, 4], 1.0), 4)
        self.assertEqual(bench.percentile([1, 2, 3, 4], 0.0), 1)

    def test_bootstrap_brackets_the_median_and_repeats(self):
        values = [1.0, 1.1, 1.2, 1.3, 5.0]
        low, high = bench.bootstrap(values)
        self.assertLessEqual(low, 1.2)
        self.assertGreaterEqual(high, 1.2)
        self.assertEqual((low, high), bench.bootstrap(values))

    def test_bootstrap_of_one_value(self):
        self.assertEqual(bench.bootstrap([2.0]), (2.0, 2.0))

    def test_bootstrap_of_equal_values_has_no_width(self):
        self.assertEqual(bench.bootstrap([3.0] * 5), (3.0, 3.0))

    def test_paired_keeps_common_seeds_only(self):
        self.assertEqual(
            bench.paired({1: 2.0, 2: 9.0}, {1: 4.0, 3: 1.0}, bench.ratio),
            {1: 0.5})

    def test_ratio_by_zero(self):
        self.assertEqual(bench.ratio(0, 0), 1.0)
        self.assertEqual(bench.ratio(1, 0), float("inf"))


class Targets(unittest.TestCase):
    def test_median_decides_and_worst_is_shown(self):
        t = bench.Target("B", "w", {1: 1.0, 2: 1.0, 3: 9.0}, 1.05)
        self.assertIs(t.met, True)
        self.assertEqual(t.worst, 9.0)

    def test_worst_decides_when_asked(self):
        t = bench.Target("B", "w", {1: 0.0, 2: 0.0, 3: 9.0}, 1.0, use="worst")
        self.assertIs(t.met, False)

    def test_the_bound_itself_is_met(self):
        self.assertIs(bench.Target("B", "w", {1: 1.05}, 1.05).met, True)

    def test_nothing_measured_is_not_met(self):
        t = bench.Target("B", "w", {}, 1.05)
        self.assertIsNone(t.met)
        self.assertEqual(t.verdict, "no result")

    def test_either_of_two(self):
        bad = bench.Target("B", "a", {1: 2.0}, 1.0)
        self.assertIs(bad.or_else(bench.Target("B", "b", {1: 0.5}, 1.0)).met,
                      True)
        bad = bench.Target("B", "a", {1: 2.0}, 1.0)
        self.assertIs(bad.or_else(bench.Target("B", "b", {1: 2.5}, 1.0)).met,
                      False)
        bad = bench.Target("B", "a", {1: 2.0}, 1.0)
        self.assertIsNone(bad.or_else(bench.Target("B", "b", {}, 1.0)).met)


class Verdicts(unittest.TestCase):
    def verdicts(self, judge, boots):
        return {t.what: t.met for t in judge(bench.Results(boots))}

    def test_b1_all_met(self):
        got = self.verdicts(bench.judge_b1, [b1_boot(s) for s in range(5)])
        self.assertEqual(len(got), 5)
        self.assertTrue(all(v is True for v in got.values()), got)

    def test_b1_each_can_fail(self):
        for name, p in (("P p99 / V3 p99", lat(7300, 11000, 10000, 12500)),
                        ("P p99 / V1 p99", lat(7300, 8600, 10000, 12500)),
                        ("P p99.9 - alone p99.9",
                         lat(7300, 8000, 14800, 12500)),
                        ("P max - V1 max", lat(7300, 8000, 10000, 17100))):
            got = self.verdicts(bench.judge_b1,
                                [b1_boot(s, P=p) for s in range(5)])
            self.assertIs(got[name], False, name)
        got = self.verdicts(
            bench.judge_b1,
            [b1_boot(s, PK=lat(7800, 9000, 10200, 12500)) for s in range(5)])
        self.assertIs(got["nested / flat p99"], False)

    def test_b1_without_results(self):
        got = self.verdicts(bench.judge_b1, [])
        self.assertTrue(all(v is None for v in got.values()))

    def test_b4_one_bad_boot_is_enough(self):
        def run(ns):
            return {"run_ns": ns, "window_ns": 5000000000}
        boots = [boot("layouts", s, {"busy:P:be:1": run(0)}) for s in range(4)]
        got = self.verdicts(bench.judge_b4, boots)
        self.assertIs(got["be 1: offline run time"], True)
        self.assertIsNone(got["be 256: offline run time"])
        boots.append(boot("layouts", 5, {"busy:P:be:1": run(600000)}))
        got = self.verdicts(bench.judge_b4, boots)
        self.assertIs(got["be 1: offline run time"], False)

    def test_b8_never_twice_running(self):
        def run(idle, longest):
            return {"samples": 1000, "stacked": 0, "idle": idle,
                    "idle_longest": longest, "unstable": 0}
        got = self.verdicts(
            bench.judge_b8, [boot("smp", 1, {"P:full:1": run(2, 2)})])
        self.assertIs(got["1 online, full: idle CPU"], True)
        self.assertIs(got["1 online, full: idle in a row"], False)

    def test_b10_bound_follows_the_aa_spread(self):
        def cost(kernel, rep, hack):
            return boot("cost", 1, {"pipe": {"ns_per_op": 10000.0},
                                    "hackbench": {"ns_per_op": hack},
                                    "forkexec": {"ns_per_op": 100.0}},
                        kernel, rep)
        boots = [cost("vanilla", 0, 1000.0), cost("vanilla", 1, 1010.0),
                 cost("perf", 0, 1025.0), cost("perf", 1, 1025.0)]
        targets = {t.what: t for t in bench.judge_b10(bench.Results(boots))}
        self.assertAlmostEqual(targets["hackbench / vanilla"].bound,
                               1 + 3 * (1 - 1000 / 1010), 6)
        self.assertEqual(targets["forkexec / vanilla"].bound, 1.002)
        self.assertIs(targets["hackbench / vanilla"].met, True)

    def test_b11_depth_three(self):
        boots = [boot("cost", 1, {"pipe-d3": {"ns_per_op": 12600.0}},
                      "vanilla"),
                 boot("cost", 1, {"pipe-d3:P": {"ns_per_op": 16800.0}})]
        got = self.verdicts(bench.judge_b11, boots)
        self.assertIs(got["offline's own at depth 3 / vanilla"], False)


class Void(unittest.TestCase):
    def test_quiet_runs(self):
        self.assertEqual(
            bench.void_reasons(bench.Results([b1_boot(1)])), [])

    def test_alone_drifts(self):
        boots = [b1_boot(1, **{"V0-last": lat(7030, 7300, 9700, 12000)})]
        self.assertEqual(len(bench.void_reasons(bench.Results(boots))), 1)

    def test_pipe_drifts(self):
        boots = [boot("cost", 1, {"pipe": {"ns_per_op": 10000.0},
                                  "pipe-again": {"ns_per_op": 10011.0}})]
        self.assertEqual(len(bench.void_reasons(bench.Results(boots))), 1)


class Plans(unittest.TestCase):
    def test_first_arm_is_thrown_away_and_alone_is_last(self):
        for plan, alone in ((bench.plan_latency, "V0"),
                            (bench.plan_layouts, "V0:be:1"),
                            (bench.plan_load, "V0")):
            cells = plan("perf", 3, W)
            self.assertEqual(cells[0]["id"], "discard")
            self.assertEqual(cells[-1]["id"], alone + "-last")

    def test_every_seed_has_all_cells_in_another_order(self):
        one, two = (bench.plan_latency("perf", s, W) for s in (1, 2))
        self.assertNotEqual([c["id"] for c in one], [c["id"] for c in two])
        self.assertEqual({c["id"] for c in one}, {c["id"] for c in two})
        self.assertEqual(one, bench.plan_latency("perf", 1, W))

    def test_vanilla_never_needs_the_class(self):
        for plan in (bench.plan_latency, bench.plan_layouts, bench.plan_load,
                     bench.plan_cost, bench.plan_smp):
            for c in plan("vanilla", 1, W):
                self.assertNotEqual(c.get("knob"), "offline", c)

    def test_unused_is_measured_before_the_first_use(self):
        ids = [c["id"] for c in bench.plan_cost("perf", 1, W)]
        used = min(ids.index(i) for i in ("pipe-used", "pipe:P", "pipe-d3:P"))
        for name in ("pipe", "pipe-again", "hackbench", "forkexec"):
            self.assertLess(ids.index(name), used)

    def test_enough_samples_for_p999(self):
        for c in bench.plan_latency("perf", 1, W):
            self.assertGreaterEqual(c["window_ms"] * 1000 / 2000, 3000)
        heavy = sum(W.heavy_ms * 1000 / (8700 + i * 130) for i in range(4))
        self.assertGreaterEqual(heavy, 3000)

    def test_ids_are_unique(self):
        for plan in (bench.plan_latency, bench.plan_layouts, bench.plan_load,
                     bench.plan_cost, bench.plan_smp):
            ids = [c["id"] for c in plan("perf", 1, W)]
            self.assertEqual(len(ids), len(set(ids)))

    def test_cost_boots_are_abba(self):
        kernels = [b.kernel for b in
                   bench.boots_of("cost", 1, 1, W, ("perf",))]
        self.assertEqual(kernels, ["vanilla", "perf", "perf", "vanilla"])


class Files(unittest.TestCase):
    def test_output_of_the_guest(self):
        with tempfile.NamedTemporaryFile("w", suffix=".out") as f:
            f.write("TAP version 13\n1..2\n"
                    '# guest {"release": "6.12"}\n'
                    '# result {"cell": {"id": "V0"}, "result": {}}\r\n'
                    "ok 1 V0\nnot ok 2 P\n")
            f.flush()
            guest, cells, bad = bench.read_output(f.name)
        self.assertEqual(guest, {"release": "6.12"})
        self.assertEqual(len(cells), 1)
        self.assertTrue(bad)

    def test_no_output_is_bad(self):
        self.assertTrue(bench.read_output("/nonexistent")[2])

    def test_incomplete_boots_are_not_results(self):
        with tempfile.TemporaryDirectory() as d:
            for name, complete in (("latency-perf-s1.json", True),
                                   ("latency-perf-s2.json", False)):
                with open(os.path.join(d, name), "w", encoding="utf-8") as f:
                    json.dump(dict(b1_boot(1), complete=complete), f)
            self.assertEqual(len(bench.Results.load(d).boots), 1)

    def test_report_names_what_is_not_met(self):
        boots = [b1_boot(s, P=lat(7300, 11000, 10000, 12500))
                 for s in range(5)]
        text, targets, voids = bench.report_text(bench.Results(boots))
        self.assertIn("NOT MET", text)
        self.assertIn("3 of 5 targets met", text)
        self.assertEqual(voids, [])
        self.assertEqual(len(targets), 5)

    def test_short_windows_are_no_gate(self):
        boots = [b1_boot(s) for s in range(2)]
        self.assertIn("Not the gate", bench.report_text(
            bench.Results(boots))[0])
        boots = [b1_boot(s) for s in range(5)]
        self.assertNotIn("Not the gate", bench.report_text(
            bench.Results(boots))[0])


def mem(cell=None, call=(1700, 104000, 115000, 356000), total=1000, **more):
    """A cell of memcell's report; @more goes where its name is known."""
    n = {"max": 0, "pgscan_direct": 0, "pgsteal_direct": 0, "pgsteal": 0,
         "refault_file": 0, "pressure_some_usec": 0, "wmark_scanned": 0,
         "wmark_reclaimed": 0, "wmark_cpu_usec": 0, "wmark_widened": 0,
         "usage_usec": 0, "kworker_ns": 0, "kswapd_ns": 0, "pswpout": 0}
    n.update({k: v for k, v in more.items() if k in n})
    out = {"cell": dict({"size_mib": 1024}, **(cell or {})), "group": n,
           "levels": {}, "load_ns": more.get("load_ns", 0),
           "result": {"probe": "read", "total_ns": total, "sync_ns": 0,
                      "pass_ns": more.get("pass_ns", [total]),
                      "call": dict(zip(("p50", "p99", "p999", "max"), call),
                                   n=262144,
                                   hist=more.get("hist", [[2048, 1]]))}}
    out.update({k: more[k] for k in ("loop_ns", "marks", "before", "job",
                                     "job_levels", "job_file_first")
                if k in more})
    return out


def mem_boot(suite, seed, cells, kernel="perf", rep=0):
    out = boot(suite, seed, {}, kernel, rep)
    for name, one in cells.items():
        if "cell" not in one:  # the figures of another probe
            one = dict(mem(), result=one)
        out["cells"].append(dict(one, cell=dict(one["cell"], id=name)))
    return out


def mread_boot(seed, **change):
    """The reader needs 100 ms more under the limit for 50,000 pages: 2 µs each;
    the worker 1.5 µs, all of it billed."""
    cells = {}
    for speed in ("paced", "full"):
        cells["N_" + speed] = mem(load_ns=400000000, usage_usec=400000,
                                  kworker_ns=1000000)
        cells["L_" + speed] = mem(load_ns=500000000, total=1500,
                                  call=(1700, 196000, 208000, 400000),
                                  max=4000, pgscan_direct=50000,
                                  pgsteal_direct=50000)
        cells["H_" + speed] = mem(call=(1700, 106000, 285000, 350000))
        cells["R_" + speed] = mem(call=(1700, 113000, 207000, 5597000),
                                  max=2374, loop_ns=90000000)
        for arm in ("W_", "O_"):
            cells[arm + speed] = mem(
                total=1400, load_ns=400000000, usage_usec=475000,
                kworker_ns=76000000, wmark_cpu_usec=75000,
                wmark_reclaimed=50000, wmark_scanned=50000)
    for name, one in change.items():
        cells[name] = one
    return mem_boot("mread", seed,
                    {k.replace("_", ":"): v for k, v in cells.items()})


class Memory(unittest.TestCase):
    def verdicts(self, judge, boots):
        return {t.what: t for t in judge(bench.Results(boots))}

    def test_b14_reads(self):
        got = self.verdicts(memory.judge_b14, [mread_boot(s) for s in range(3)])
        read = {k: t.met for k, t in got.items() if "read" in k}
        self.assertEqual(len(read), 23)
        self.assertTrue(all(v is True for v in read.values()), read)

    def test_b14_one_event_in_one_boot_is_enough(self):
        boots = [mread_boot(s) for s in range(4)]
        boots.append(mread_boot(4, W_paced=mem(max=1)))
        got = self.verdicts(memory.judge_b14, boots)
        self.assertIs(got["paced read, watermarks: max events"].met, False)

    def test_b14_each_can_fail(self):
        for what, name, one in (
                ("paced read, watermarks: p99 / no limit", "W_paced",
                 mem(call=(1700, 110000, 115000, 1))),
                ("paced read, watermarks: p99.9 / no limit", "W_paced",
                 mem(call=(1700, 104000, 121000, 1))),
                ("full read, watermarks: time / limit alone", "W_full",
                 mem(total=1501)),
                ("paced read: p99.9 / memory.high", "H_paced",
                 mem(call=(1700, 104000, 114000, 1))),
                ("full read: p99 / loop", "R_full",
                 mem(call=(1700, 103000, 1, 1), loop_ns=1)),
                ("paced read: CPU for reclaim / loop", "R_paced",
                 mem(loop_ns=74000000))):
            got = self.verdicts(memory.judge_b14, [mread_boot(1, **{name: one})])
            self.assertIs(got[what].met, False, what)

    def test_b14_writes(self):
        def run(**w):
            cells = {"L:write": mem(max=4000, pressure_some_usec=600000,
                                    total=4000),
                     "W:write": mem(**dict({"max": 400,
                                            "pressure_some_usec": 60000,
                                            "wmark_scanned": 393216,
                                            "total": 4400}, **w))}
            return {k.rsplit(": ", 1)[1]: t.met for k, t in self.verdicts(
                memory.judge_b14, [mem_boot("mwrite", 1, cells)]).items()
                if k.startswith("write, watermarks:")}
        self.assertEqual(set(run().values()), {True})
        for what, change in (("max events / limit alone", {"max": 401}),
                             ("pressure / limit alone",
                              {"pressure_some_usec": 60001}),
                             ("scanned / pages written",
                              {"wmark_scanned": 393217}),
                             ("time / limit alone", {"total": 4401})):
            got = run(**change)
            self.assertIs(got.pop(what), False)
            self.assertEqual(set(got.values()), {True}, what)

    def test_nothing_of_nothing_is_nothing(self):
        self.assertEqual(memory.least(0, 0), 0.0)
        self.assertEqual(memory.least(0, 7), 0.0)
        self.assertEqual(memory.least(7, 0), float("inf"))

    def test_b15(self):
        def run(**w):
            cells = {"N:touch": mem(call=(3000, 13500, 13700, 244000))}
            for arm in ("W:touch", "O:touch"):
                cells[arm] = mem(**dict({"call": (3000, 13600, 14300, 8e5)},
                                        **w))
            return {k: t.met for k, t in self.verdicts(
                memory.judge_b15, [mem_boot("mtouch", 1, cells)]).items()}
        self.assertEqual(set(run().values()), {True})
        got = run(pswpout=1)
        self.assertIs(got["watermarks: pages swapped out"], False)
        got = run(call=(3000, 13600, 14400, 1))
        self.assertIs(got["watermarks: touch p99.9 / no limit"], False)

    def test_b16_samples(self):
        def run(**marks):
            m = dict({"high": 1000, "low": 900, "samples": 500, "above": 5,
                      "below": 9, "top": 1100, "bottom": 800,
                      "reached": True}, **marks)
            return {k: t.met for k, t in self.verdicts(
                memory.judge_b16, [mem_boot(
                    "mmarks", 1, {"W:paced": mem(marks=m)})]).items()}
        self.assertIs(run()["paced, watermarks: samples above high + 1 %"],
                      True)
        self.assertIs(run()["paced, watermarks: gaps below low"], True)
        got = run(above=6, bottom=799)
        self.assertIs(got["paced, watermarks: samples above high + 1 %"],
                      False)
        self.assertIs(got["paced, watermarks: gaps below low"], False)
        got = run(reached=False, bottom=0)
        self.assertIsNone(got["paced, watermarks: gaps below low"])

    def test_b16_working_set(self):
        def run(**w):
            cells = {"L:set": mem(total=1000), "W:set": mem(**w)}
            return [t.met for k, t in self.verdicts(
                memory.judge_b16, [mem_boot("mmarks", 1, cells)]).items()
                if k.startswith("117 MiB again, watermarks:")]
        self.assertEqual(run(total=1050, refault_file=299), [True, True])
        self.assertEqual(run(total=1051, refault_file=300), [False, False])

    def test_b17_cost_of_a_page(self):
        got = self.verdicts(memory.judge_b17, [mread_boot(1)])
        t = got["full read, watermarks: CPU per page / direct"]
        self.assertAlmostEqual(t.value, 0.75)
        self.assertAlmostEqual(
            got["full read, watermarks: not billed, or twice"].value, 0.0)

    def test_b17_what_is_not_billed(self):
        free = mem(load_ns=400000000, usage_usec=474000, kworker_ns=76000000,
                   wmark_cpu_usec=75000, wmark_reclaimed=50000)
        got = self.verdicts(memory.judge_b17, [mread_boot(1, W_full=free)])
        t = got["full read, watermarks: not billed, or twice"]
        self.assertAlmostEqual(t.value, 1 / 75)
        self.assertIs(t.met, False)

    def test_b17_nothing_reclaimed_is_no_result(self):
        got = self.verdicts(memory.judge_b17, [mread_boot(1, W_full=mem())])
        self.assertIsNone(
            got["full read, watermarks: CPU per page / direct"].met)

    def test_b17_online(self):
        cells = {"alone:light": lat(7000, 7300, 9700, 12000),
                 "alone:half": lat(7000, 7300, 9700, 1100000),
                 "O:light": lat(7000, 7665, 9700, 12000),
                 "O:half": lat(7000, 7700, 9700, 1600001)}
        got = self.verdicts(memory.judge_b17, [mem_boot("mwake", 1, cells)])
        self.assertIs(got["light online: wake-up p99 / alone"].met, True)
        self.assertIs(got["half online: wake-up p99 / alone"].met, False)
        self.assertIs(got["half online: completion max - alone"].met, False)

    def test_b18_only_while_the_offline_cache_lasts(self):
        def run(taken, left, again=105, given=9):
            one = mem(pgsteal=taken, pass_ns=[again, 1, 1],
                      before={"pass_ns": [100, 90, 110]},
                      job_levels={"file": left << 20},
                      job={"pgsteal": given})
            return [t.met for k, t in self.verdicts(
                memory.judge_b18, [mem_boot(
                    "mglobal", 1, {"offline:hot:mglru": one})]).items()
                if k.startswith("mglru, hot")]
        self.assertEqual(run(0, 50), [True, True])
        self.assertEqual(run(1, 50, 106), [False, False])
        self.assertEqual(run(1, 3), [None, None])
        self.assertEqual(run(0, 50, given=0), [None, None])

    def test_b19(self):
        boots = [mem_boot("mcost", 1, {"pagefault": {"ns_per_op": x},
                                       "filewrite": {"ns_per_op": 1000.0}},
                          kernel, rep)
                 for kernel, rep, x in (("vanilla", 0, 1000.0),
                                        ("perf", 0, 1002.1),
                                        ("perf", 1, 1002.2),
                                        ("vanilla", 1, 1000.0))]
        got = self.verdicts(memory.judge_b19, boots)
        self.assertIs(got["pagefault / vanilla"].met, False)
        self.assertIs(got["filewrite / vanilla"].met, True)
        self.assertAlmostEqual(
            memory.aa_spread(bench.Results(boots), "pagefault", "perf",
                             "mcost"), 1 - 1002.1 / 1002.2, 6)

    def test_without_results(self):
        for judge in memory.JUDGES.values():
            self.assertEqual({t.met for t in judge(bench.Results([]))}, {None})

    def test_drift_is_void(self):
        boots = [mread_boot(1, **{"N_paced-last": mem(call=(1705, 1, 1, 1))})]
        self.assertEqual(memory.void_reasons(bench.Results(boots)), [])
        boots = [mread_boot(1, **{"N_paced-last": mem(call=(1706, 1, 1, 1))})]
        self.assertEqual(len(memory.void_reasons(bench.Results(boots))), 1)

    def test_plans(self):
        for suite, plan in memory.PLANS.items():
            for kernel in ("perf", "vanilla"):
                cells = plan(kernel, 1, W)
                ids = [c["id"] for c in cells]
                self.assertEqual(len(ids), len(set(ids)), suite)
                for c in cells:
                    if kernel == "vanilla":
                        self.assertFalse({"ratio", "offline", "cpu_offline"} &
                                         set(c), c)
            self.assertEqual(plan("perf", 1, W), plan("perf", 1, W))
            if suite != "mcost":
                self.assertNotEqual([c["id"] for c in plan("perf", 1, W)],
                                    [c["id"] for c in plan("perf", 2, W)])

    def test_every_target_has_its_cells(self):
        """A target that no plan feeds would be "no result" for ever."""
        boots = []
        for b in (b for s in memory.SUITES
                  for b in memory.boots_of(s, 1, 1, W, ("perf",))):
            cells = {}
            for c in b.cells:
                one = dict(mem(c, max=1, pgsteal_direct=5, load_ns=9,
                               wmark_reclaimed=1, wmark_cpu_usec=1,
                               kworker_ns=5, usage_usec=1, loop_ns=1,
                               marks={"high": 2, "low": 1, "samples": 1,
                                      "above": 0, "bottom": 1, "top": 2,
                                      "below": 0, "reached": True},
                               before={"pass_ns": [1]}, job={"pgsteal": 1},
                               job_levels={"file": 1 << 30}))
                if c["id"].startswith("N:"):
                    one["load_ns"] = 1
                    one["group"]["kworker_ns"] = 0
                one["result"].update(lat(1, 1, 1, 1), ns_per_op=1.0)
                cells[c["id"]] = one
            boots.append(mem_boot(b.suite, b.seed, cells, b.kernel, b.rep))
        r = bench.Results(boots)
        for judge in memory.JUDGES.values():
            for t in judge(r):
                self.assertIsNotNone(t.met, t.what)
        text = "\n".join(memory.report(r))
        for bench_id in memory.JUDGES:
            self.assertIn(f"## {bench_id}: ", text)

    def test_boots_name_the_sources_of_their_probes(self):
        programs = {"read": "memload", "write": "memload", "touch": "memload",
                    "global": "memload", "wakeup": "wakeup",
                    "pagefault": "pagefault", "filewrite": "filewrite"}
        for suite in memory.SUITES:
            for b in memory.boots_of(suite, 1, 0, W, ("perf",)):
                used = {programs[c["probe"]] for c in b.cells}
                used |= {"memmarks" for c in b.cells if "sample_ms" in c}
                used |= {"hog" for c in b.cells if "hogs" in c}
                self.assertLessEqual({u + ".c" for u in used}, set(b.sources))
                self.assertEqual(len(bench_lib.sources_sha256(b.sources)), 64)

    def test_vanilla_stands_beside(self):
        kernels = [b.kernel for b in
                   memory.boots_of("mread", 3, 1, W, ("perf",))]
        self.assertEqual(kernels, ["perf", "vanilla", "perf", "perf"])
        kernels = [b.kernel for b in
                   memory.boots_of("mcost", 1, 1, W, ("perf",))]
        self.assertEqual(kernels, ["vanilla", "perf", "perf", "vanilla"])

    def test_slower_adds_boots_up(self):
        self.assertEqual(memory.slower([[[10, 6], [20, 2]], [[20, 1], [40, 1]]]),
                         [(1.0, 10), (0.4, 20), (0.1, 40)])


MS = 1000000


def lock(online, offline, slept=(100, 100), n=100):
    """A cell of lockcell's report: the worst wait of each arm in ms."""
    return {"probe": "lock", **{
        arm: {"suspects": False, "holders": 1, "slept": s, "alone": 7000,
              "lift_lock": 0 if arm == "online" else s, "lift_drain": 0,
              "wait": {"n": n, "p50": 2 * MS, "p99": top * MS,
                       "p999": top * MS, "max": top * MS, "hist": []}}
        for arm, top, s in zip(locks.ARMS, (online, offline), slept)}}


def killed(each=(1600,), alone=lat(1, 1, 4 * MS, 1),
           meanwhile=lat(1, 1, 5 * MS, 1)):
    return {"probe": "lock", "alone": alone, "meanwhile": meanwhile,
            "kill": {"tasks": 1000, "n": len(each), "max": max(each) * MS,
                     "each": [ms * MS for ms in each]}}


def lock_boot(seed, hz=250, preempt="full", **change):
    cells = {name: lock(8, 12) for name in locks.LOCK_TEXT}
    cells[locks.KILL] = killed()
    return boot("locks", seed, dict(cells, **change), hz=hz, preempt=preempt)


class Locks(unittest.TestCase):
    def verdicts(self, boots):
        return {t.what.split(":")[0] if "holder" in t.what else t.what: t
                for t in locks.judge_b6(bench.Results(boots))}

    def test_all_met(self):
        got = self.verdicts([lock_boot(s) for s in range(5)])
        self.assertEqual(len(got), len(locks.LOCK_TEXT) + 3)
        self.assertEqual({t.met for t in got.values()}, {True})
        self.assertEqual({t.n for t in got.values()}, {5})

    def test_one_tick_or_three(self):
        for name in locks.LOCK_TEXT:
            ticks = 3 if name in ("mmap_read", "threadgroup", "rcu") else 1
            most = 8 + 4 * ticks
            got = self.verdicts([lock_boot(1, **{name: lock(8, most)})])
            self.assertIs(got[name].met, True)
            got = self.verdicts([lock_boot(1, **{name: lock(8, most + 1)})])
            self.assertIs(got.pop(name).met, False)
            self.assertEqual({t.met for t in got.values()}, {True})

    def test_a_tick_is_that_of_the_kernel(self):
        got = self.verdicts([lock_boot(1, hz=1000, pipe=lock(8, 9))])
        self.assertIs(got["pipe"].met, True)
        self.assertIs(got["many"].met, False)

    def test_the_worst_of_all_boots_on_both_sides(self):
        boots = [lock_boot(1, pipe=lock(5, 15)), lock_boot(2, pipe=lock(12, 6))]
        self.assertIs(self.verdicts(boots)["pipe"].met, True)
        self.assertEqual(self.verdicts(boots)["pipe"].value, 3 * MS)
        self.assertIs(self.verdicts(boots[:1])["pipe"].met, False)

    def test_one_slow_end_is_enough(self):
        boots = [lock_boot(s) for s in range(4)]
        boots.append(lock_boot(4, kill_many=killed((1600, 2001, 1600))))
        got = self.verdicts(boots)
        self.assertIs(got["1000 starved tasks killed: ms until gone"].met,
                      False)

    def test_online_meanwhile(self):
        slow = killed(meanwhile=lat(1, 1, 5 * MS + 1, 1))
        got = self.verdicts([lock_boot(1, kill_many=slow)])
        for what in ("wake-up", "completion"):
            self.assertIs(
                got[f"meanwhile: online {what} p99.9 / alone"].met, False)

    def test_without_results(self):
        self.assertEqual({t.met for t in self.verdicts([]).values()}, {None})

    def test_a_lock_that_was_free_proves_nothing(self):
        boots = [lock_boot(1), lock_boot(2, pipe=lock(1, 1, (99, 0)))]
        self.assertEqual(locks.void_reasons(bench.Results(boots[:1])), [])
        self.assertEqual(locks.void_reasons(bench.Results(boots)), [])
        boots = [lock_boot(1, pipe=lock(1, 1, (99, 49)))]
        got = locks.void_reasons(bench.Results(boots))
        self.assertEqual(len(got), 1)
        self.assertIn("pipe, offline", got[0])

    def test_a_kernel_that_is_not_preempted_keeps_no_lock(self):
        boots = [lock_boot(1, preempt="voluntary", pipe=lock(1, 1, (0, 0)))]
        self.assertEqual(locks.void_reasons(bench.Results(boots)), [])
        self.assertIs(self.verdicts(boots)["pipe"].met, True)

    def test_gate(self):
        boots = [lock_boot(s) for s in range(5)]
        self.assertEqual(bench.not_a_gate(bench.Results(boots)), [])
        boots[0] = lock_boot(0, pipe=lock(1, 1, n=99))
        self.assertIn("99 rounds", bench.not_a_gate(bench.Results(boots))[0])
        boots[0] = lock_boot(0, kill_many=killed(alone=lat(1, 1, 1, 1, 800)))
        self.assertIn("800 samples", bench.not_a_gate(bench.Results(boots))[0])

    def test_plan_has_every_lock_of_the_selftest(self):
        path = os.path.join(bench.ROOT, "selftests", "test_lock.c")
        with open(path, encoding="utf-8") as f:
            cases = dict(re.findall(r"^LOCK_CASE\((\w+),((?:.|\n)*?)\)$",
                                    f.read(), re.MULTILINE))
        idle = cases.pop("idle")
        self.assertIn(".idle = true", idle)
        self.assertEqual(set(cases), set(locks.LOCK_TEXT))
        self.assertEqual({c for c, text in cases.items()
                          if re.search(r"\.(suspects|later) = true", text)},
                         set(locks.UNKNOWN))
        ids = [c["id"] for c in locks.plan_locks(1, W)]
        self.assertEqual(sorted(ids), sorted(set(cases) | {locks.KILL}))
        self.assertNotEqual(ids, [c["id"] for c in locks.plan_locks(2, W)])

    def test_boots(self):
        boots = bench.boots_of("locks", 5, 1, W, ("perf", "vanilla"))
        self.assertEqual([b.kernel for b in boots], ["perf"] * 5)
        self.assertEqual({c["seed"] for c in boots[2].cells}, {3})
        for c in boots[0].cells:
            self.assertGreaterEqual(c.get("rounds", 100), locks.MIN_ROUNDS)
        self.assertEqual(len(bench_lib.sources_sha256(boots[0].sources)), 64)

    def test_report(self):
        boots = [lock_boot(s, pipe=lock(8, 13)) for s in range(5)]
        text, targets, voids = bench.report_text(bench.Results(boots))
        self.assertIn("15 of 16 targets met", text)
        self.assertEqual(voids, [])
        self.assertIn("## B6: online waits for a lock", text)
        self.assertIn("1600 to 1600 ms (5 times)", text)
        for name in locks.LOCK_TEXT:
            self.assertIn(f"| {name}: ", text)


class Demo(unittest.TestCase):
    @staticmethod
    def rows(**change):
        one = {"p50": 7000, "p99": 7300, "p999": 9700, "max": 12000, "n": 3200,
               "share": 0.94}
        out = {arm: dict(one) for arm in demo.ARMS + ("V0k",)}
        out["V3"]["p99"] = 1007300
        for arm, p99 in change.items():
            out[arm]["p99"] = p99
        return out

    def test_shown(self):
        text, shown = demo.sentence({"1 group": self.rows()})
        self.assertTrue(shown)
        self.assertIn("with cpu.idle 1000.0 µs", text)
        self.assertIn("94 %", text)

    def test_one_bad_cell_is_not_hidden(self):
        text, shown = demo.sentence(
            {"1 group": self.rows(), "16 groups": self.rows(PK=12301)})
        self.assertFalse(shown)
        self.assertIn("Shown in 5 of 6 cells, NOT in PK with 16 groups", text)

    def test_nested_is_compared_with_nested_alone(self):
        rows = self.rows(PK=13000, V0k=9000)
        self.assertTrue(demo.sentence({"1 group": rows})[1])
        self.assertFalse(demo.sentence({"1 group": self.rows(PK=13000)})[1])

    def test_no_class_is_not_shown(self):
        rows = {a: f for a, f in self.rows().items() if a not in demo.OURS}
        self.assertFalse(demo.sentence({"1 group": rows})[1])

    def test_table_fits_the_screen(self):
        for line in demo.arm_table(self.rows(P=123456789)):
            self.assertLessEqual(len(line), 80)


if __name__ == "__main__":
    unittest.main()
