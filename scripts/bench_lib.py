# SPDX-License-Identifier: GPL-2.0-only
"""What the benchmarks share: boots of a guest, their results, statistics.

One boot of a guest is the unit: it runs the plan of one suite with one phase
seed and leaves one JSON file with its metadata. A boot whose file is there and
answers to the same plan, kernel and command line is not run again.
"""

import concurrent.futures
import hashlib
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FORMAT = 1


# --- statistics -------------------------------------------------------------


def median(values):
    return statistics.median(values)


def percentile(ordered, q):
    """Nearest rank, as the probes have it."""
    rank = -(-len(ordered) * q // 1)
    return ordered[min(len(ordered), max(1, int(rank))) - 1]


def bootstrap(values, rounds=10000, seed=1):
    """95 % interval of the median over the boots."""
    if len(values) < 2:
        return (values[0], values[0])
    rng = random.Random(seed)
    n = len(values)
    medians = sorted(
        statistics.median(rng.choices(values, k=n)) for _ in range(rounds))
    return (percentile(medians, 0.025), percentile(medians, 0.975))


def paired(a, b, op):
    """op(a, b) of every seed that both have; {seed: value}."""
    return {s: op(a[s], b[s]) for s in sorted(a) if s in b}


def ratio(x, y):
    return x / y if y else float("inf") if x else 1.0


def spread(values):
    """The largest distance between two of them, as a part of the median."""
    mid = median(values)
    return (max(values) - min(values)) / mid if mid else 0.0


class Target:
    """One line of the verdict: a figure per boot against a bound."""

    def __init__(self, bench, what, per_boot, bound, unit="x", use="median"):
        self.bench = bench
        self.what = what
        self.bound = bound
        self.unit = unit
        self.use = use
        values = [v for v in per_boot.values() if v is not None]
        self.n = len(values)
        self.alternatives = []
        if not values:
            self.value = self.worst = None
            self.interval = None
            return
        self.worst = max(values)
        self.value = self.worst if use == "worst" else median(values)
        self.interval = bootstrap(values)

    def or_else(self, other):
        """Met also when @other is."""
        self.alternatives.append(other)
        return self

    @property
    def met_alone(self):
        if self.value is None:
            return None
        return self.value <= self.bound

    @property
    def met(self):
        verdicts = [self.met_alone] + [a.met for a in self.alternatives]
        if True in verdicts:
            return True
        return None if None in verdicts else False

    @property
    def verdict(self):
        return {True: "met", False: "NOT MET", None: "no result"}[self.met]

    def form(self, value):
        if value is None:
            return "-"
        if self.unit == "x":
            return f"{value:.4f}" if self.bound < 1.01 else f"{value:.3f}"
        if self.unit == "us":
            return f"{value / 1000:+.1f}"
        if self.unit == "%":
            return f"{value * 100:.4f}"
        return f"{value:g}"

    def record(self):
        return {
            "bench": self.bench, "what": self.what, "bound": self.bound,
            "unit": self.unit, "value": self.value, "worst": self.worst,
            "interval": self.interval, "n": self.n, "met": self.met,
            "use": self.use,
            "or": [a.record() for a in self.alternatives],
        }


# --- plans ------------------------------------------------------------------


class Windows:
    """Lengths in ms of guest time, and sizes; every one is an option."""

    FIELDS = {
        "settle_ms": 6000, "window_ms": 6100, "heavy_ms": 6900,
        "busy_settle_ms": 1000, "busy_ms": 4000,
        "cost_settle_ms": 2000, "pipe_rounds": 40000, "fork_rounds": 600,
        "hack_rounds": 300, "samples": 600, "smp_settle_ms": 2000,
        "mem_settle_ms": 500, "stream_mib": 1024, "set_passes": 10,
        "mem_wake_ms": 6400, "mem_rounds": 4000,
        "lock_rounds": 100, "lock_kills": 4,
    }
    QUICK = {
        "settle_ms": 1000, "window_ms": 2000, "heavy_ms": 3000,
        "busy_settle_ms": 500, "busy_ms": 2000, "cost_settle_ms": 500,
        "pipe_rounds": 20000, "fork_rounds": 200, "hack_rounds": 100,
        "samples": 200, "smp_settle_ms": 1000,
        "stream_mib": 256, "set_passes": 3, "mem_wake_ms": 2000,
        "mem_rounds": 200, "lock_rounds": 20, "lock_kills": 1,
    }

    def __init__(self, quick=False, **given):
        values = dict(self.FIELDS, **(self.QUICK if quick else {}))
        values.update({k: v for k, v in given.items() if v is not None})
        for name, value in values.items():
            setattr(self, name, value)


def cell(name, **keys):
    return dict({"id": name}, **keys)


def cell_line(c):
    return " ".join(f"{k}={v}" for k, v in c.items())


def rotated(items, seed):
    """Another order for every seed, the same for the same one."""
    items = list(items)
    random.Random(seed).shuffle(items)
    return items


def framed(cells, first, last):
    """@first again in front, to be thrown away; @last again at the end."""
    by_id = {c["id"]: c for c in cells}
    return ([dict(by_id[first], id="discard")] + cells +
            [dict(by_id[last], id=last + "-last")])


class Boot:
    """One guest run: what, on which kernel, with which seed."""

    # What of tools/bench carries out the plan; the machine it does so in, and
    # more words for the kernel's command line.
    program = "cell"
    mem_mib = 768
    append = ""
    # If any: of the probes; where they changed, a boot is run again.
    sources = ()

    def __init__(self, suite, kernel, seed, rep, cells, smp=1, icount=True):
        self.suite = suite
        self.kernel = kernel
        self.seed = seed
        self.rep = rep
        self.cells = cells
        self.smp = smp
        self.icount = icount

    @property
    def name(self):
        rep = f"-{self.rep}" if self.rep else ""
        return f"{self.suite}-{self.kernel}-s{self.seed}{rep}"

    @property
    def image(self):
        """Its name in build/: with jump labels, but on one CPU only."""
        return self.kernel + ("-jump" if self.icount else "")

    @property
    def plan(self):
        return "".join(cell_line(c) + "\n" for c in self.cells)

    def busy_s(self):
        """Guest seconds in which the CPU is busy, roughly."""
        total = 0.0
        for c in self.cells:
            window = c.get("settle_ms", 0) + (
                c["window_ms"] if "window_ms" in c else 1500)
            alone = c.get("load", "none") == "none"
            total += window / 1000 * (0.1 if alone else 1.0)
        return total


# --- running ----------------------------------------------------------------


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def sources_sha256(names):
    """Of files in tools/bench, or by a path from there."""
    digest = hashlib.sha256()
    for name in names:
        with open(os.path.join(ROOT, "tools", "bench", name), "rb") as f:
            digest.update(f.read())
    return digest.hexdigest()


def kernel_files(kernel, build):
    """Image and config of a kernel by name, or of the path to an image."""
    if os.sep in kernel:
        return kernel, os.path.join(os.path.dirname(kernel), "config")
    return (os.path.join(build, kernel, "bzImage"),
            os.path.join(build, kernel, "config"))


def config_value(path, symbol):
    try:
        with open(path, encoding="utf-8") as f:
            for line in f:
                if line.startswith(symbol + "="):
                    return line.split("=", 1)[1].strip().strip('"')
    except OSError:
        return None
    return None


def tree_of(image):
    """The git tree that kernel.sh says it built the image from, or None."""
    try:
        with open(os.path.join(os.path.dirname(image), "tree"),
                  encoding="utf-8") as f:
            return f.read().strip()
    except OSError:
        return None


def relative(text):
    """No path of this machine goes into a kept result."""
    text = re.sub(r"bench-run/kernels-[^/]+/([\w-]+)/", r"\1/", text)
    return text.replace(ROOT + os.sep, "").replace(ROOT, ".")


class Runner:
    def __init__(self, args):
        self.args = args
        self.build = args.build
        runs = os.path.join(args.build, "bench-run")
        os.makedirs(runs, exist_ok=True)
        self.copies = tempfile.TemporaryDirectory(prefix="kernels-", dir=runs)
        self.lock = threading.Lock()
        self.hashes = {}
        self.start = time.monotonic()
        self.done = 0
        self.total = 0
        self.done_s = 0.0
        self.total_s = 0.0
        self.failures = []

    def say(self, text):
        with self.lock:
            print(text, flush=True)

    def kernel_meta(self, name):
        """Take a copy to boot from: a rebuild must not change the kernel
        between two boots. Returns what to remember about it."""
        with self.lock:
            if name not in self.hashes:
                image, config = kernel_files(
                    self.args.kernel.get(name, name), self.build)
                copy = os.path.join(self.copies.name, name)
                os.makedirs(copy)
                shutil.copy(image, os.path.join(copy, "bzImage"))
                meta = {"image_sha256": sha256(os.path.join(copy, "bzImage"))}
                shutil.copy(config, os.path.join(copy, "config"))
                meta["config_sha256"] = sha256(os.path.join(copy, "config"))
                meta["hz"] = int(config_value(config, "CONFIG_HZ") or 0)
                if not name.startswith("vanilla"):
                    shutil.copy(os.path.join(os.path.dirname(image),
                                             "colo.ko"), copy)
                    meta["module_sha256"] = sha256(
                        os.path.join(copy, "colo.ko"))
                meta["tree"] = tree_of(image)
                self.hashes[name] = meta
            return dict(self.hashes[name])

    def path(self, boot):
        return os.path.join(self.args.out, boot.name + ".json")

    def wanted(self, boot):
        meta = self.kernel_meta(boot.image)
        want = {
            "format": FORMAT, "suite": boot.suite, "kernel": boot.kernel,
            "seed": boot.seed, "rep": boot.rep, "smp": boot.smp,
            "icount": boot.icount, "preempt": self.args.preempt,
            "image_sha256": meta["image_sha256"],
            "module_sha256": meta.get("module_sha256"),
            "plan_sha256": hashlib.sha256(boot.plan.encode()).hexdigest(),
        }
        if boot.sources:
            want.update(append=boot.append, mem_mib=boot.mem_mib,
                        sources_sha256=sources_sha256(boot.sources))
        return want

    def is_done(self, boot):
        try:
            with open(self.path(boot), encoding="utf-8") as f:
                have = json.load(f)
        except (OSError, ValueError):
            return False
        want = self.wanted(boot)
        return have.get("complete") and all(
            have.get(k) == v for k, v in want.items())

    def command(self, boot, plan, log, out):
        kernel = os.path.join(self.copies.name, boot.image, "bzImage")
        cmd = [os.path.join(ROOT, "scripts", "vm.sh"), "--kernel", kernel,
               "--mem", str(boot.mem_mib), "--timeout", str(self.args.timeout),
               "--append", f"preempt={self.args.preempt} {boot.append}".strip(),
               "--log", log, "--out", out, "--add", f"{plan}:/bench.plan"]
        cmd += ["--icount"] if boot.icount else ["--smp", str(boot.smp)]
        if boot.kernel == "vanilla":
            cmd += ["--no-module"]
        return cmd + ["--", "/bench/" + boot.program, "--settle-ms",
                      str(self.args.boot_settle_ms), "/bench.plan"]

    def run_boot(self, boot):
        began = time.monotonic()
        work = os.path.join(self.build, "bench-run", boot.name)
        os.makedirs(work, exist_ok=True)
        plan, log, out = (os.path.join(work, n)
                          for n in ("plan", "console.log", "out"))
        with open(plan, "w", encoding="utf-8") as f:
            f.write(boot.plan)
        for old in (log, out):
            if os.path.exists(old):
                os.unlink(old)
        cmd = self.command(boot, plan, log, out)
        with open(os.path.join(work, "vm.log"), "wb") as vmlog:
            status = subprocess.run(
                cmd, stdin=subprocess.DEVNULL, stdout=vmlog,
                stderr=subprocess.STDOUT, check=False).returncode
        took = time.monotonic() - began
        guest, cells, bad = read_output(out)
        record = self.wanted(boot)
        record.update(self.kernel_meta(boot.image))
        record.update({
            "guest": guest, "real_s": round(took, 1),
            "qemu": qemu_line(os.path.join(work, "vm.log"), log),
            "command": relative(" ".join(cmd)),
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "cells": cells, "status": status,
            "complete": status == 0 and not bad and
            len(cells) == len(boot.cells),
        })
        # An incomplete boot is kept beside, never among the results.
        path = self.path(boot) if record["complete"] else \
            os.path.join(work, "incomplete.json")
        write_json(path, record)
        with self.lock:
            self.done += 1
            self.done_s += boot.busy_s()
            if not record["complete"]:
                self.failures.append(boot.name)
        spent = time.monotonic() - self.start
        left = spent * (self.total_s / self.done_s - 1)
        self.say(f"[{self.done}/{self.total}] {boot.name}: "
                 f"{len(cells)}/{len(boot.cells)} cells in {took:.0f} s"
                 f"{'' if record['complete'] else f' FAILED ({status}), see ' + relative(work)}"
                 f"; {clock(spent)} gone, about {clock(left)} left")

    def run(self, boots):
        os.makedirs(self.args.out, exist_ok=True)
        try:
            for name in {b.image for b in boots}:
                self.kernel_meta(name)
        except OSError as err:
            self.say(f"{relative(str(err))}: make kernel module first")
            self.failures.append("all")
            return False
        todo = [b for b in boots if not self.is_done(b)]
        self.total = len(todo)
        self.total_s = sum(b.busy_s() for b in todo)
        self.say(f"{len(boots)} boots, {len(boots) - len(todo)} already done, "
                 f"{self.total_s:.0f} busy guest seconds to run")
        single = [b for b in todo if b.icount]
        with concurrent.futures.ThreadPoolExecutor(self.args.jobs) as pool:
            list(pool.map(self.run_boot, single))
        # Guests with several CPUs share the host with no other guest.
        for boot in todo:
            if not boot.icount:
                self.run_boot(boot)
        return not self.failures


def clock(seconds):
    minutes = int(seconds) // 60
    return f"{minutes // 60}:{minutes % 60:02d}:{int(seconds) % 60:02d}"


def write_json(path, value):
    folder = os.path.dirname(path)
    fd, tmp = tempfile.mkstemp(dir=folder, prefix=".bench-")
    with os.fdopen(fd, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=1, sort_keys=True)
        f.write("\n")
    os.chmod(tmp, 0o644)
    os.replace(tmp, path)


def read_output(path):
    """The guest's report: its metadata, the cells, whether one failed."""
    guest, cells, bad = {}, [], False
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            lines = f.read().splitlines()
    except OSError:
        return guest, cells, True
    for line in lines:
        line = line.strip()
        if line.startswith("not ok "):
            bad = True
        elif line.startswith("# guest "):
            guest = json.loads(line[len("# guest "):])
        elif line.startswith("# result "):
            cells.append(json.loads(line[len("# result "):]))
    return guest, cells, bad


def qemu_line(*logs):
    for path in logs:
        try:
            with open(path, encoding="utf-8", errors="replace") as f:
                for line in f:
                    if "qemu-system-" in line:
                        return relative(line.strip())
        except OSError:
            continue
    return None


# --- reading results --------------------------------------------------------


class Results:
    """Complete boots of a folder, by suite, kernel, seed and rep."""

    def __init__(self, boots):
        self.boots = boots

    @classmethod
    def load(cls, folder):
        boots = []
        for name in sorted(os.listdir(folder)):
            if not re.fullmatch(r"[a-z0-9]+-\w+-s\d+(-\d+)?\.json", name):
                continue
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                boot = json.load(f)
            if boot.get("complete") and boot.get("format") == FORMAT:
                boots.append(boot)
        return cls(boots)

    def of(self, suite, kernel="perf"):
        return [b for b in self.boots
                if b["suite"] == suite and b["kernel"] == kernel]

    def values(self, suite, name, get, kernel="perf"):
        """{(seed, rep): get(cell)} of the cell @name."""
        out = {}
        for boot in self.of(suite, kernel):
            for c in boot["cells"]:
                if c["cell"]["id"] == name:
                    out[boot["seed"], boot["rep"]] = get(c)
        return out


def wake(q):
    return lambda c: c["result"]["wake"][q]


def done(q):
    return lambda c: c["result"]["done"][q]


def per_op(c):
    return c["result"]["ns_per_op"]


def aa_spread(r, name, kernel="vanilla", suite="cost"):
    """How far the same binary is from itself: the worst pair of a seed."""
    values = r.values(suite, name, per_op, kernel)
    pairs = [abs(values[s, 0] / values[s, 1] - 1)
             for s, rep in values if rep == 0 and (s, 1) in values]
    return max(pairs) if pairs else None


# --- report -----------------------------------------------------------------


def us(ns, digits=1):
    return "-" if ns is None else f"{ns / 1000:.{digits}f}"


def table(head, rows):
    widths = [max(len(str(r[i])) for r in [head] + rows)
              for i in range(len(head))]

    def line(row):
        cells = [str(c).ljust(w) if i == 0 else str(c).rjust(w)
                 for i, (c, w) in enumerate(zip(row, widths))]
        return "| " + " | ".join(cells) + " |"

    rule = ["-" * widths[0]] + ["-" * (w - 1) + ":" for w in widths[1:]]
    return [line(head), line(rule)] + [line(r) for r in rows]


def mid(values):
    have = [v for v in values.values() if v is not None]
    return median(have) if have else None
