"""Reads a stream of subunit; prints a line for each test: outcome, seconds, test, reason, apart by tabs.

Runs in the environment of the suites, which brings the reader.
"""

import re
import sys

import subunit
import testtools

OUTCOMES = {"success": "pass", "skip": "skip"}
# A line that says what went wrong, as the last line of a traceback does.
SAYS = re.compile(
    r"\s*[\w.]*(Error|Exception|Mismatch|Conflict|NotFound|BadRequest|Forbidden|Fault|Timeout|[A-Z]\w+)\w*: "
)


def reason(test):
    details = test["details"]
    if "reason" in details:
        return details["reason"].as_text()
    for name, detail in details.items():
        if "traceback" in name:
            lines = [line.strip() for line in detail.as_text().splitlines() if line.strip()]
            said = next((line for line in reversed(lines) if SAYS.match(line)), lines[-1] if lines else "")
            more = [line for line in lines if line.startswith("Details:") and line not in said]
            return " ".join([said, *more[-1:]])
    return ""


def main():
    tests = {}

    def ended(test):
        if not test["id"] or test["status"] in ("exists", "inprogress"):
            return
        times = [time for time in test["timestamps"] if time]
        seconds = (times[-1] - times[0]).total_seconds() if len(times) == 2 else 0.0
        outcome = OUTCOMES.get(test["status"], "fail")
        tests[test["id"]] = (outcome, f"{seconds:.2f}", test["id"], " ".join(reason(test).split())[:400])

    result = testtools.StreamToDict(ended)
    result.startTestRun()
    with open(sys.argv[1], "rb") as stream:
        subunit.ByteStreamToStreamResult(stream, non_subunit_name="output").run(result)
    result.stopTestRun()
    for test in sorted(tests):
        if test != "output":
            print("\t".join(tests[test]))


if __name__ == "__main__":
    main()
