"""Runs the public suites of the Networking API on a server of its own, and compares with what they say of Neutron."""

import argparse
import re
import sys

import expected
from keystone import Keystone
from mariadb import MariaDb
from nucleon import Nucleon
from processes import TARGET, Failed, Workplace, say
from reference import Neutron
from suite import SUITES, Suite

NAME = "conformance"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--fifth", action="store_true", help="one test of each class, and every fifth of those with more"
    )
    which.add_argument("--tests", help="those whose names match this regular expression")
    parser.add_argument(
        "--reference", action="store_true", help="run on Neutron itself, which must come out as recorded"
    )
    parser.add_argument("--concurrency", type=int, default=2)
    return parser.parse_args()


def run(place, options, wanted):
    """The results, and how long they took."""
    database = MariaDb(place)
    keystone = Keystone(place)
    server = (Neutron if options.reference else Nucleon)(place, database, keystone)
    keystone.furnish(server.url)
    server.start()
    say(f"{server.name} answers at {server.url}")
    suite = Suite(place, keystone, server.url)
    if options.fifth:
        stream, seconds = suite.run(options.concurrency, tests=list(wanted))
    else:
        stream, seconds = suite.run(options.concurrency, regex=options.tests or SUITES)
    results = {
        test: expected.Result(outcome, float(spent), reason) for outcome, spent, test, reason in suite.results(stream)
    }
    return results, seconds


def main():
    options = arguments()
    wanted = expected.expected()
    if options.fifth:
        wanted = {test: wanted[test] for test in expected.fifth(wanted)}
    with Workplace(NAME) as place:
        results, seconds = run(place, options, wanted)
    if options.tests:
        wanted = {test: said for test, said in wanted.items() if re.search(options.tests, test)}
    kept = TARGET / NAME / "results.tsv"
    with open(kept, "w", encoding="utf-8") as file:
        for test, result in sorted(results.items()):
            file.write(f"{result.outcome}\t{result.seconds:.2f}\t{test}\t{result.reason}\n")
    well = expected.report(results, wanted, seconds)
    print(f"\nresults: {kept}\nlogs: {TARGET / NAME / 'logs'}")
    if not well:
        raise Failed("not all is as at the reference")
    print("conformance: ok")


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"{NAME}: {failure}")
