"""What schemathesis does not know: which objects there are.

Random identifiers and references meet nothing but 404, and of twenty random attributes one is always wrong. These
hooks put living objects in their place and leave some attributes out, most of the time, and count what was answered,
so that a run that reached nothing does not pass for a good one.
"""

import atexit
import collections
import json
import os
import random

import schemathesis

DICE = random.Random(int(os.environ["FUZZ_SEED"]))
# How often a living object is meant.
LIVING = 0.8
# How often a create or update is made likely to succeed, and how much of what it could do without it then keeps.
LIKELY = 0.5
KEPT = 0.2
# As many are remembered of each kind; older ones make room.
MOST = 50

living = collections.defaultdict(dict)
answers = collections.defaultdict(collections.Counter)


def collection(path):
    """The kind of object that a path of the API is about."""
    return path.removeprefix("/v2.0/").split("/")[0]


def pool(key):
    """The living objects that an attribute may refer to: `network_id`, `security_groups`, `qos_policy_id`."""
    stem = key.removesuffix("_ids").removesuffix("_id")
    for kind in (key, stem + "s", stem.removesuffix("y") + "ies", stem.removeprefix("qos_").removesuffix("y") + "ies"):
        if living.get(kind):
            return list(living[kind])
    return None


def refer(value):
    """A body whose references lead somewhere."""
    if isinstance(value, list):
        return [refer(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: refer_from(key, item) for key, item in value.items()}


def refer_from(key, item):
    """The value of an attribute, which may refer to something."""
    known = pool(key) if DICE.random() < LIVING else None
    if known and isinstance(item, str):
        return DICE.choice(known)
    if known and isinstance(item, list) and item and all(isinstance(one, str) for one in item):
        return DICE.sample(known, min(len(item), len(known)))
    return refer(item)


def thin(envelope, needed):
    """A request with little more than what it must have, and a prefix that is one."""
    return {name: thin_object(item, needed) for name, item in envelope.items()}


def thin_object(item, needed):
    if isinstance(item, list):
        return [thin_object(one, needed) for one in item]
    if not isinstance(item, dict):
        return item
    kept = {key: value for key, value in item.items() if key in needed or DICE.random() < KEPT}
    if "ip_version" in kept:
        number = DICE.randrange(65536)
        four = f"10.{number >> 8}.{number & 255}.0/24"
        kept["cidr"] = four if kept["ip_version"] == 4 else f"fd00:{number:x}::/64"
    return kept


def needed(case):
    """What some create cannot do without."""
    schemas = case.operation.schema.raw_schema["components"]["schemas"]
    return {name for schema in schemas.values() for name in schema.get("required", [])}


@schemathesis.hook
def before_call(context, case, kwargs):
    known = list(living[collection(case.path)])
    if case.path_parameters and "id" in case.path_parameters and known and DICE.random() < LIVING:
        case.path_parameters["id"] = DICE.choice(known)
    if not isinstance(case.body, dict):
        return
    changes = case.method == "POST" and "{" not in case.path or case.method == "PUT" and case.path.endswith("{id}")
    if changes and DICE.random() < LIKELY:
        case.body = thin(case.body, needed(case))
    case.body = refer(case.body)


@schemathesis.hook
def after_call(context, case, response):
    answers[f"{case.method} {case.path}"][response.status_code] += 1
    kind = collection(case.path)
    if case.method == "DELETE" and response.status_code == 204 and case.path.endswith("}"):
        living[kind].pop((case.path_parameters or {}).get("id"), None)
    if case.method == "OPTIONS" or response.status_code not in (200, 201):
        return
    if "{" in case.path or case.path.count("/") != 2:
        return
    for shown in response.json().values():
        for one in shown if isinstance(shown, list) else [shown]:
            if "id" in one:
                living[kind][one["id"]] = None
    while len(living[kind]) > MOST:
        living[kind].pop(next(iter(living[kind])))


@atexit.register
def report():
    with open(os.environ["FUZZ_ANSWERS"], "w", encoding="utf-8") as file:
        json.dump(answers, file)
