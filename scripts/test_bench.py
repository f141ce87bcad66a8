#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Unit tests of the benchmarks' statistics, plans and verdicts."""

import json
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bench  # noqa: E402
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
