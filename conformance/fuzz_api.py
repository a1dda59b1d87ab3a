"""Sends what nobody would think of to a server of its own, by its own description.

The description must be valid OpenAPI, no answer may be a fault of the server or stand outside of the description, and
the run must have met more than refusals.
"""

import argparse
import json
import sys
import urllib.request

from processes import LOOPBACK, ROOT, Failed, Workplace, environment, free_port, nucleon, say

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# Of the operations so many succeed in a minute with much to spare; a run with fewer has met nothing but refusals.
REACHED = 100
# What all else needs is there from the beginning, in this order; {} stands for the network's identifier.
FURNITURE = {
    "networks": '{"network": {"name": "fuzz"}}',
    "subnets": '{"subnet": {"network_id": "{}", "ip_version": 4, "cidr": "192.0.2.0/24"}}',
    "ports": '{"port": {"network_id": "{}"}}',
    "routers": '{"router": {"name": "fuzz"}}',
    "security-groups": '{"security_group": {"name": "fuzz"}}',
    "address-scopes": '{"address_scope": {"name": "fuzz", "ip_version": 4}}',
    "subnetpools": '{"subnetpool": {"name": "fuzz", "prefixes": ["198.51.100.0/24"]}}',
    "qos/policies": '{"policy": {"name": "fuzz"}}',
}

CONFIGURATION = """
[DEFAULT]
state_path = {directory}
bind_host = {host}
bind_port = {port}
auth_strategy = noauth
api_preview = true
core_plugin = ml2
service_plugins = {plugins}
[ml2]
mechanism_drivers = openvswitch
type_drivers = flat,vlan,local
project_network_types = vlan
[ml2_type_vlan]
network_vlan_ranges = physnet1:1:4094
"""
PLUGINS = "segments"


def serve(place):
    """Starts the server; its address."""
    port = free_port()
    configuration = place.directory / "nucleon.conf"
    text = CONFIGURATION.format(directory=place.directory, host=LOOPBACK, port=port, plugins=PLUGINS)
    configuration.write_text(text, encoding="utf-8")
    program = nucleon()
    place.run("migration", [program, "db", "upgrade", "--config-file", configuration])
    place.start("server", [program, "server", "--config-file", configuration])
    url = f"http://{LOOPBACK}:{port}"
    place.wait_for_answer("server", url)
    return url


def described(place, programs, url):
    """The server's description of itself, held to be valid."""
    document = place.directory / "openapi.json"
    with urllib.request.urlopen(f"{url}/openapi.json", timeout=20) as answer:
        document.write_bytes(answer.read())
    place.run("openapi-spec-validator", [programs / "openapi-spec-validator", document])
    say("the description is valid OpenAPI")
    return json.loads(document.read_bytes())


def furnish(url):
    """Makes one of each of what all else needs; their identifiers by the kinds' names."""
    living = {}
    for path, body in FURNITURE.items():
        body = body.replace("{}", living.get("networks", ""))
        request = urllib.request.Request(f"{url}/v2.0/{path}", body.encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            (made,) = json.load(answer).values()
        living[path.rpartition("/")[2].replace("-", "_")] = made["id"]
    return living


def fuzz(place, programs, url, seconds, seed):
    """Whether schemathesis finds nothing, and how often each operation answered with which status."""
    answers = place.directory / "answers.json"
    command = [
        programs / "schemathesis",
        "run",
        f"{url}/openapi.json",
        "--checks",
        CHECKS,
        "--max-time",
        seconds,
        "--phases",
        "examples,coverage,fuzzing",
        "--seed",
        seed,
        "--continue-on-failure",
        "--warnings",
        "off",
        "--no-color",
    ]
    hooks = {
        "SCHEMATHESIS_HOOKS": str(ROOT / "conformance/fuzz_hooks.py"),
        "FUZZ_SEED": str(seed),
        "FUZZ_ANSWERS": str(answers),
        "FUZZ_LIVING": json.dumps(furnish(url)),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(place.directory / "hypothesis"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        place.run("schemathesis", command, hooks)
        return True, json.loads(answers.read_bytes())
    except Failed:
        print(place.log("schemathesis").read_text(encoding="utf-8"))
        return False, json.loads(answers.read_bytes())


def reached(document, answers):
    """Prints which operations never succeeded; how many did."""
    operations = [
        f"{method.upper()} {path}"
        for path, item in document["paths"].items()
        for method in item
        if method != "parameters"
    ]
    good = {name for name, statuses in answers.items() if any(status.startswith("2") for status in statuses)}
    total = sum(sum(statuses.values()) for statuses in answers.values())
    missed = sorted(set(operations) - good)
    say(f"{total} requests; {len(operations) - len(missed)} of {len(operations)} operations succeeded at least once")
    for name in missed:
        print(f"  never succeeded: {name} {answers.get(name, {})}")
    return len(operations) - len(missed)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1, help="a run with the same seed sends the same")
    options = parser.parse_args()
    say(f"{options.seconds} s, seed {options.seed}")
    programs = environment("fuzz")
    with Workplace("fuzz-api") as place:
        url = serve(place)
        document = described(place, programs, url)
        clean, answers = fuzz(place, programs, url, options.seconds, options.seed)
        if (succeeded := reached(document, answers)) < REACHED:
            raise Failed(f"the run met little but refusals: {succeeded} operations succeeded, {REACHED} must")
        if not clean:
            raise Failed(f"see above, and the logs in {place.kept_logs}")
    say("fuzz-api: ok")


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"fuzz-api: {failure}")
