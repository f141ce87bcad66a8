#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Judges one run of the guest.

usage: verdict.py [--no-ktap] [--quiet] CONSOLE_LOG RESULTS

CONSOLE_LOG is what the kernel printed, RESULTS what came by the second serial
port: the tests' KTAP, and last of all init's line

    COLO-DONE status=N taint=M leaks=K

The exit status is the first of these that holds:

  124  the run was ended by its time limit
    3  the guest died: no COLO-DONE, or it is not the last word
    2  the kernel complained: a splat on the console, a taint, a leak
    1  a test failed, the command failed, or the KTAP is incomplete
    4  every test was skipped
    0  all is well, and at least one test ran

A file that cannot be read is a failure (3), never a pass. With --no-ktap the
results hold no tests and only the rest is judged.
"""
import argparse
import re
import sys

TIMEOUT, DIED, COMPLAINED, FAILED, SKIPPED, PASSED = 124, 3, 2, 1, 4, 0
NAMES = {TIMEOUT: "timeout", DIED: "guest died", COMPLAINED: "kernel complained",
         FAILED: "failed", SKIPPED: "all skipped", PASSED: "passed"}

# The out-of-tree taint is colo.ko's own; TAINT_TEST says that KUnit ran, and what
# came of it is among the results.
TAINT_ALLOWED = 1 << 12 | 1 << 18

# What the kernel says when something is wrong, at the start of a message.
SPLATS = [re.compile(p) for p in (
    r"WARNING: ",
    r"BUG: ",
    r"kernel BUG at ",
    r"------------\[ cut here \]------------",
    r"Kernel panic",
    r"Oops\b",
    r"Internal error: ",
    r"general protection fault",
    r"double fault",
    r"stack segment: ",
    r"divide error: ",
    r"invalid opcode: ",
    r"unable to handle kernel ",
    r"Unable to handle kernel ",
    r"KASAN: ",
    r"KCSAN: ",
    r"UBSAN: ",
    r"DEBUG_LOCKS_WARN_ON",
    r"possible (circular|recursive|irq lock|unsafe locking)",
    r"possible .*deadlock",
    r"inconsistent lock state",
    r"suspicious RCU usage",
    r"bad unlock balance",
    r"\[ BUG: ",
    r"INFO: task .* blocked",
    r"INFO: task .* hung",
    r"INFO: trying to register non-static key",
    r"(rcu: )?INFO: .*(stall|detected expedited stalls)",
    r"rcu: .*(self-)?detected stall",
    r"rcu: .*kthread (starved|timer wakeup didn't happen)",
    r"watchdog: ",
    r".*soft lockup",
    r".*hard LOCKUP",
    r"sleeping function called from invalid context",
    r"scheduling while atomic",
    r"ODEBUG: ",
    r"list_(add|del) corruption",
    r"refcount_t: ",
    r"(slab|page) corruption|.*Poison overwritten|.*Object already free",
    r"kmemleak: [1-9][0-9]* new suspected",
    r"kmemleak: Kernel memory leak detector disabled",
    r"workqueue: .*hogged|BUG: workqueue lockup",
    r"unregister_netdevice: waiting",
    r"\S+: .*stack (corrupted|overflow)",
    r"corrupted stack end",
)]
# Matches of the above that are no complaint.
HARMLESS = [re.compile(p) for p in (
    r"watchdog: (Delayed init|Disabling watchdog|.*enabled|NMI not)",
)]
# A message may begin behind what a program left on the line.
PREFIX = re.compile(r"^.*\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ")

DONE = re.compile(r"^COLO-DONE status=(\d+) taint=(-?\d+) leaks=(-?\d+)$")
RESULT = re.compile(r"^(not )?ok\b *(\d+)?\s*-?\s*(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)(?:\s*#\s*skip\b(.*))?\s*$", re.I)
SKIP = re.compile(r"(?<!\\)#\s*skip\b", re.I)
SAID = 8        # diagnostics to show of a test that failed
TODO = re.compile(r"(?<!\\)#\s*(todo|xfail)\b", re.I)
VERSION = re.compile(r"^(K?TAP version \d+)\s*$")


class Unreadable(Exception):
    """A file of the run cannot be judged at all."""


def read_lines(path):
    try:
        with open(path, encoding="utf-8", errors="replace", newline="\n") as f:
            return [line.rstrip("\r\n") for line in f]
    except OSError as e:
        raise Unreadable(f"{path}: {e.strerror}") from e


def splats(lines):
    """The console's complaints, as (line number, text)."""
    found = []
    for number, line in enumerate(lines, 1):
        text = PREFIX.sub("", line)
        if any(p.match(text) for p in SPLATS) and \
           not any(p.match(text) for p in HARMLESS):
            found.append((number, text))
    return found


class Block:
    """One level of one KTAP document."""

    def __init__(self, depth):
        self.depth = depth
        self.plan = None
        self.results = 0
        self.last = 0


class Ktap:
    """Counts the leaves of every KTAP document among other lines.

    A subtest's lines are indented; its parent's result line repeats the
    outcome, and so counts only as structure, except that a parent that says
    "not ok" over passing children is a failure all the same.
    """

    def __init__(self):
        self.passed, self.failed, self.skipped = [], [], []
        self.errors = []
        self.said = []          # diagnostics since the last result
        self.failures = []      # of failed tests: name and what they said
        self.stack = []
        self.documents = 0
        self.children = {}      # depth -> a subtest block just ended below it

    def close(self, depth):
        """Ends the blocks that are deeper than depth."""
        while self.stack and self.stack[-1].depth > depth:
            self.end(self.stack.pop())

    def end(self, block):
        if block.plan is None:
            self.errors.append("a KTAP block has no plan")
        elif block.plan != block.results:
            self.errors.append(f"a KTAP block planned {block.plan} tests and "
                               f"has results of {block.results}")
        self.children[block.depth] = True

    def open(self, depth):
        self.stack.append(Block(depth))
        self.documents += 1

    def at(self, depth):
        """The block of this depth, or None if none is open."""
        self.close(depth)
        if self.stack and self.stack[-1].depth == depth:
            return self.stack[-1]
        return None

    def feed(self, line):
        text = line.lstrip(" ")
        depth = len(line) - len(text)
        if text.startswith("# ") and PLAN.match(text[2:].lstrip()) is None:
            self.said.append(text[2:])
            return
        if VERSION.match(text):
            # a new document at a depth where one is open ends that one
            self.close(depth - 1)
            self.open(depth)
            return
        plan = PLAN.match(text)
        if plan:
            block = self.at(depth)
            if block is None or (block.plan is not None and
                                 block.results == block.plan):
                self.close(depth - 1)
                self.open(depth)
                block = self.stack[-1]
            if block.plan is not None:
                self.errors.append("a KTAP block has two plans")
            block.plan = int(plan.group(1))
            if block.plan == 0:
                if plan.group(2) is None:
                    self.errors.append("a KTAP block planned no test")
                else:
                    self.skipped.append("whole block:" + plan.group(2))
            return
        result = RESULT.match(text)
        # "ok" alone must be followed by a number or a dash: prose is no result
        if not result or not re.match(r"(not )?ok( +\d| +-|$)", text):
            return
        block = self.at(depth)
        if block is None:
            self.errors.append(f"a result before any plan: {text}")
            self.open(depth)
            block = self.stack[-1]
        self.result(block, depth, text, result)

    def result(self, block, depth, text, match):
        name = match.group(3) or f"test {match.group(2)}"
        block.results += 1
        if match.group(2):
            number = int(match.group(2))
            if number != block.last + 1:
                self.errors.append(f"test {number} after test {block.last}")
            block.last = number
        said, self.said = self.said[-SAID:], []
        parent = any(self.children.pop(d, False)
                     for d in sorted(self.children) if d > depth)
        if match.group(1):
            if TODO.search(text):
                self.skipped.append(name)
            else:
                self.failed.append(name)
                self.failures.append("\n    # ".join([f"not ok: {name}"] + said))
        elif SKIP.search(text):
            self.skipped.append(name)
        elif not parent:
            self.passed.append(name)

    def finish(self):
        self.close(-1)
        if not self.documents:
            self.errors.append("no KTAP in the results")

    def judge(self):
        if self.failed or self.errors:
            return FAILED
        if self.passed:
            return PASSED
        return SKIPPED if self.skipped else FAILED


def judge(console_path, results_path, ktap_wanted=True):
    """Returns (exit status, Ktap or None, list of reasons)."""
    ktap = None
    try:
        console, results = read_lines(console_path), read_lines(results_path)
    except Unreadable as e:
        return DIED, None, [str(e)]

    if ktap_wanted:
        ktap = Ktap()
        for line in results:
            if not line.startswith("COLO-"):
                ktap.feed(line)
        ktap.finish()

    for line in results:
        if line.startswith("COLO-TIMEOUT"):
            return TIMEOUT, ktap, ["the run was ended " + line[13:]]
    complaints = splats(console)
    shown = [f"console line {n}: {text}" for n, text in complaints[:10]]
    spoken = [line for line in results if line.strip()]
    done = DONE.match(spoken[-1]) if spoken else None
    if not done:
        return DIED, ktap, ["the guest did not say COLO-DONE"] + shown
    if not console:
        return DIED, ktap, ["the console log is empty"]

    status, taint, leaks = (int(g) for g in done.groups())
    if taint < 0 or taint & ~TAINT_ALLOWED:
        shown.append(f"the kernel is tainted: {taint}")
    if leaks:
        shown.append("kmemleak could not be asked" if leaks < 0 else
                     f"kmemleak found {leaks} leaks")
    if shown:
        return COMPLAINED, ktap, shown

    why = []
    if status:
        why.append(f"the command ended with status {status}")
    if ktap:
        why += ktap.failures + ktap.errors
        verdict = ktap.judge()
    else:
        verdict = PASSED
    # kselftest programs say "all skipped" with status 4
    if verdict == SKIPPED and status in (0, 4):
        return SKIPPED, ktap, [f"skipped: {name}" for name in ktap.skipped]
    if status:
        verdict = FAILED
    return verdict, ktap, why


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-ktap", action="store_true",
                        help="the results hold no tests")
    parser.add_argument("--quiet", action="store_true",
                        help="print only the verdict and its reasons")
    parser.add_argument("console")
    parser.add_argument("results")
    args = parser.parse_args()

    verdict, ktap, why = judge(args.console, args.results, not args.no_ktap)
    if ktap and not args.quiet:
        for word, names in (("ok", ktap.passed), ("not ok", ktap.failed),
                            ("skip", ktap.skipped)):
            for name in names:
                print(f"  {word}  {name}")
    for reason in why:
        print(f"  {reason}")
    if ktap:
        print(f"{NAMES[verdict]}: {len(ktap.passed)} passed, "
              f"{len(ktap.failed)} failed, {len(ktap.skipped)} skipped")
    else:
        print(NAMES[verdict])
    return verdict


if __name__ == "__main__":
    sys.exit(main())
