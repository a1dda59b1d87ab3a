"""What the suites say of the reference, and how another server compares."""

import collections
import re
from dataclasses import dataclass

from processes import ROOT


def expected():
    """Outcome and reason of each test, as recorded."""
    tests = {}
    for line in (ROOT / "conformance/expected.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            outcome, _, test = line.partition(" ")
            test, _, reason = test.partition(" # ")
            tests[test] = (outcome, reason)
    return tests


def class_of(test):
    """`package.module.Class` of a test, whatever stands behind its name in brackets."""
    return test.partition("[")[0].rpartition(".")[0]


def fifth(tests):
    """Of each class its first test, and then every fifth, in the order of their names."""
    classes = collections.defaultdict(list)
    for test in sorted(tests):
        if not test.startswith("setUpClass"):
            classes[class_of(test)].append(test)
    return [test for members in classes.values() for test in members[::5]]


@dataclass
class Result:
    outcome: str
    seconds: float
    reason: str


def compare(results, wanted):
    """Those that passed at the reference and did not here, with what became of them."""
    # A class that cannot be set up stands for its tests.
    classes = {
        test[len("setUpClass (") : -1]: result for test, result in results.items() if test.startswith("setUpClass")
    }
    missed = {}
    for test, (outcome, _) in wanted.items():
        if outcome == "pass":
            result = results.get(test) or classes.get(class_of(test)) or Result("lost", 0, "was not run")
            if result.outcome != "pass":
                missed[test] = result
    return missed


def report(results, wanted, seconds):
    """Prints the table; whether all is well."""
    print(f"\n{'suite':<28}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for name in ("tempest.api.network", "neutron_tempest_plugin.api"):
        of_suite = [result for test, result in results.items() if name in test]
        print(row(name, of_suite, sum(result.seconds for result in of_suite)))
    print(row("all, and the time by the clock", list(results.values()), seconds))

    show("skipped", results, "skip")
    show("failed", results, "fail")
    missed = compare(results, wanted)
    passes = sum(outcome == "pass" for outcome, _ in wanted.values())
    print(f"\nof {passes} tests that the reference passes, {passes - len(missed)} pass and {len(missed)} do not")
    for test, result in sorted(missed.items()):
        print(f"  {result.outcome}  {test}")
    failed = [test for test, result in results.items() if result.outcome == "fail"]
    return not missed and not failed


def row(name, results, seconds):
    counts = collections.Counter(result.outcome for result in results)
    return f"{name:<28}{counts['pass']:>8}{counts['fail']:>8}{counts['skip']:>9}{seconds:>9.0f}"


def show(title, results, outcome):
    """How often each reason was given, identifiers apart."""
    reasons = collections.Counter(
        re.sub(r"\b[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}\b", "ID", result.reason)
        for result in results.values()
        if result.outcome == outcome
    )
    if reasons:
        print(f"\n{title}, by reason:")
    for reason, times in reasons.most_common(60):
        print(f"{times:6}  {reason[:240]}")
