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

# Of each kind the identifiers, and under what each lives; to begin with those that somebody made.
living = collections.defaultdict(dict)
for kind, one in json.loads(os.environ["FUZZ_LIVING"]).items():
    living[kind][one] = None
answers = collections.defaultdict(collections.Counter)

# Where a part of a path has another name than the objects.
OTHERWISE = {"dhcp_networks": "networks", "l3_routers": "routers"}


def kind_of(part):
    """The kind of object that a part of a path names."""
    name = part.replace("-", "_").removeprefix("alias_")
    return OTHERWISE.get(name, name)


def variables(path):
    """The variables of a path, each with the kind of object that it stands for."""
    parts = path.split("/")
    return [(part[1:-1], kind_of(before)) for before, part in zip(parts, parts[1:]) if part.startswith("{")]


def singular(kind):
    return kind[:-3] + "y" if kind.endswith("ies") else kind.removesuffix("s")


def pool(key):
    """The living objects that an attribute may refer to: `network_id`, `security_groups`, `floating_network_id`."""
    stem = singular(key.removesuffix("_ids").removesuffix("_id"))
    kinds = [kind for kind in living if living[kind] and stem.endswith(singular(kind))]
    return list(living[max(kinds, key=len)]) if kinds else None


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


def place(case):
    """Puts living objects into a path: the last one first, for it may live under another."""
    parent = None
    for name, kind in reversed(variables(case.path)):
        if parent is not None:
            case.path_parameters[name] = parent
        elif living[kind] and DICE.random() < LIVING:
            case.path_parameters[name], parent = DICE.choice(list(living[kind].items()))


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.path_parameters:
        place(case)
    if not isinstance(case.body, dict):
        return
    changes = case.method == "POST" or case.method == "PUT" and case.path.endswith("{id}")
    if changes and DICE.random() < LIKELY:
        case.body = thin(case.body, needed(case))
    case.body = refer(case.body)


@schemathesis.hook
def after_call(context, case, response):
    answers[f"{case.method} {case.path}"][response.status_code] += 1
    given = case.path_parameters or {}
    if case.method == "DELETE" and response.status_code == 204 and case.path.endswith("{id}"):
        living[variables(case.path)[-1][1]].pop(given.get("id"), None)
    if case.method in ("GET", "POST") and response.status_code in (200, 201) and not case.path.endswith("}"):
        remember(kind_of(case.path.rpartition("/")[2]), given.get("parent"), response.json())


def remember(kind, parent, shown):
    for objects in shown.values() if isinstance(shown, dict) else ():
        for one in objects if isinstance(objects, list) else [objects]:
            if isinstance(one, dict) and "id" in one:
                living[kind][one["id"]] = parent
    while len(living[kind]) > MOST:
        living[kind].pop(next(iter(living[kind])))


@atexit.register
def report():
    with open(os.environ["FUZZ_ANSWERS"], "w", encoding="utf-8") as file:
        json.dump(answers, file)
