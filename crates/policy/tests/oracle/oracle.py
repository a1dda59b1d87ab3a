"""Answers policy questions with oslo.policy, and with the two checks that Neutron adds to it.

Reads one job from standard input and writes one answer to standard output, both JSON:

    {"rules": [{"name", "check", "scopes", "former": {"name", "check"} | null}],
     "callers": [{...oslo.context's policy values...}],
     "targets": [{"values": {...}, "parents": {"network": {...}, ...}}],
     "worlds": [{"new_defaults": bool, "file": text | null, "ask": [rule names]}],
     "texts": [rule texts]}

    {"worlds": [{"error": text} | {"callers": [[is_admin, ...]], "verdicts": ["01x?...", ...]}],
     "texts": ["01x?..." | null, ...]}

A string of verdicts has a sign for each caller and target, callers first: 0, 1, or where a check cannot be made, so that
the request would fail, ? if the rule would hold whatever came of such checks, and x if not. A text that oslo.policy, or a check, does not take gives null.
"""

import json
import logging
import re
import sys
import tempfile
import warnings

from oslo_config import cfg
from oslo_policy import _parser
from oslo_policy import policy

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

BOOLEAN_FIELDS = {"shared", "router:external", "belongs_to_default_sg"}
FOREIGN_KEYS = {"network": "network_id", "security_group": "security_group_id"}
ABOUT_CALLERS = ["context_is_admin", "context_with_global_access", "context_can_set_project_id"]

malformed = []


class Refused(Exception):
    """A check that cannot be made: the request fails."""


class Target(dict):
    """A target's values, with what it belongs to at hand."""

    def __init__(self, values, parents):
        super().__init__(values)
        self.parents = parents

    def parent(self, kind):
        if kind != "ext_parent" and FOREIGN_KEYS[kind] not in self:
            raise Refused(kind)
        return self.parents[kind]


@policy.register("project_id")
class Owner(policy.Check):
    """Whether the caller's project owns the target, or what it belongs to."""

    # What a check is to say that cannot be made, instead of failing.
    otherwise = None

    def __init__(self, kind, match):
        found = re.fullmatch(r"%\((.*)\)s", match)
        if not found:
            malformed.append(match)
        self.field = found and found[1]
        super().__init__(kind, match)

    def __call__(self, target, creds, enforcer):
        values = dict(target)
        if self.field not in values:
            kind, separator, field = self.field.partition(":")
            if not separator or not isinstance(target, Target) or kind not in target.parents:
                if Owner.otherwise is None:
                    raise Refused(self.field)
                return Owner.otherwise
            values[self.field] = target.parent(kind)[field]
        return self.match % values == str(creds.get(self.kind))


@policy.register("field")
class Field(policy.Check):
    """Whether an attribute of the target has a value."""

    def __init__(self, kind, match):
        resource, separator, rest = match.partition(":")
        self.name, equals, value = rest.partition("=")
        if not (separator and equals):
            malformed.append(match)
        self.resource = resource
        self.pattern = None
        if value.startswith("~"):
            try:
                self.pattern = re.compile(value[1:])
            except re.error:
                malformed.append(match)
        self.value = value
        if self.name in BOOLEAN_FIELDS:
            self.value = {"true": True, "1": True, "false": False, "0": False}.get(value.lower())
        super().__init__(kind, match)

    def __call__(self, target, creds, enforcer):
        if self.name in target:
            value = target[self.name]
        elif (self.resource, self.name) == ("networks", "shared") and "network_id" in target:
            value = target.parent("network").get("shared")
        else:
            value = None
        if value is None:
            return False
        if self.pattern:
            return bool(self.pattern.match(value))
        return value == self.value


def make_enforcer(job, world, directory):
    conf = cfg.ConfigOpts()
    conf([], project="nobody", default_config_files=[], default_config_dirs=[])
    path = directory + "/policy.yaml"
    enforcer = policy.Enforcer(conf, policy_file=path)
    conf.set_override("enforce_new_defaults", world["new_defaults"], group="oslo_policy")
    conf.set_override("policy_dirs", [], group="oslo_policy")
    with open(path, "w") as file:
        file.write(world.get("file") or "{}")
    for rule in job["rules"]:
        former = rule["former"] and policy.DeprecatedRule(
            rule["former"]["name"], rule["former"]["check"],
            deprecated_reason="it changed", deprecated_since="once")
        enforcer.register_default(policy.RuleDefault(
            rule["name"], rule["check"], scope_types=rule["scopes"] or None, deprecated_rule=former))
    enforcer.load_rules(True)
    # What is on disk does not change any more, and looking is slow.
    enforcer.load_rules = lambda force_reload=False: None
    return enforcer


def verdict(enforcer, check, target, creds):
    try:
        return "01"[bool(enforcer.enforce(check, target, dict(creds)))]
    except Refused:
        pass
    try:
        for Owner.otherwise in (True, False):
            if not enforcer.enforce(check, target, dict(creds)):
                return "x"
        return "?"
    finally:
        Owner.otherwise = None


def allows(enforcer, check, target, creds):
    return verdict(enforcer, check, target, creds) == "1"


def identify(enforcer, creds):
    """What Neutron finds out about a caller before anything else."""
    told = [allows(enforcer, rule, creds, creds) for rule in ABOUT_CALLERS]
    service = any(allows(enforcer, rule, creds, creds) for rule in ["service_api", "context_is_advsvc"])
    is_admin = told[0]
    return {**creds, "is_admin": is_admin, "has_global_access": is_admin or told[1],
            "can_set_project_id": is_admin or service or told[2]}


def answer(job, world, directory):
    malformed.clear()
    try:
        enforcer = make_enforcer(job, world, directory)
    except Exception as error:  # noqa: BLE001  What it is depends on what is wrong.
        return {"error": str(error)}
    if malformed:
        return {"error": f"malformed: {malformed}"}
    callers = [identify(enforcer, creds) for creds in job["callers"]]
    verdicts = []
    for name in world["ask"]:
        check = policy.RuleCheck("rule", name)
        registered = enforcer.registered_rules.get(name)
        check.scope_types = registered and registered.scope_types
        signs = ""
        for creds in callers:
            passes = not world["new_defaults"] and creds["is_admin"]
            for target in job["targets"]:
                target = Target(target["values"], target["parents"])
                signs += "1" if passes else verdict(enforcer, check, target, creds)
        verdicts.append(signs)
    keys = ["is_admin", "has_global_access", "can_set_project_id"]
    return {"callers": [[creds[key] for key in keys] for creds in callers], "verdicts": verdicts}


def parse(text):
    """As oslo.policy parses, but without making a check that fails of what it does not take."""
    if not isinstance(text, str) or not text:
        return _parser.parse_rule(text)
    state = _parser.ParseState()
    for token in _parser._parse_tokenize(text):
        state.shift(token)
    return state.result


def answer_text(job, enforcer, text):
    malformed.clear()
    try:
        check = parse(text)
    except ValueError:
        return None
    if malformed:
        return None
    signs = ""
    for creds in job["callers"]:
        for target in job["targets"]:
            signs += verdict(enforcer, check, Target(target["values"], target["parents"]), creds)
    return signs


def main():
    job = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as directory:
        worlds = [answer(job, world, directory) for world in job["worlds"]]
        enforcer = make_enforcer(job, {"new_defaults": True}, directory)
    texts = [answer_text(job, enforcer, text) for text in job["texts"]]
    json.dump({"worlds": worlds, "texts": texts}, sys.stdout)


main()
