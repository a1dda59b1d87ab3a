"""Tours the API with the unmodified OpenStack client (tour.txt), on a server with Keystone and simulated agents."""

import argparse
import sys
from pathlib import Path

import cloud
from keystone import Keystone
from nucleon import Nucleon
from processes import ROOT, Failed, Workplace, environment, say

NAME = "tour"


class Sqlite:
    def __init__(self, place):
        self.place = place

    def database(self, name):
        return f"sqlite:///{self.place.directory}/{name}.db"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("list", nargs="?", help="other commands than tour.txt")
    options = parser.parse_args()
    programs = environment("client")
    commands = [Path(options.list).resolve()] if options.list else [ROOT / "conformance/tour.txt", "whole"]
    with Workplace(NAME) as place:
        keystone = Keystone(place)
        server = Nucleon(place, Sqlite(place), keystone)
        keystone.furnish(server.url)
        server.start()
        say(f"{server.name} answers at {server.url}")
        place.run(
            "client",
            [programs / "python", "-B", ROOT / "conformance/tour_client.py", *commands],
            {
                "OS_AUTH_URL": f"{keystone.url}/v3",
                "OS_USERNAME": "admin",
                "OS_PASSWORD": cloud.ADMIN_PASSWORD,
                "OS_PROJECT_NAME": "admin",
                "OS_USER_DOMAIN_ID": "default",
                "OS_PROJECT_DOMAIN_ID": "default",
                "OS_REGION_NAME": cloud.REGION,
                "OS_IDENTITY_API_VERSION": "3",
            },
        )
        print(place.tail("client", 1))
    print("tour: ok")


if __name__ == "__main__":
    try:
        main()
    except Failed as failure:
        sys.exit(f"{NAME}: {failure}")
