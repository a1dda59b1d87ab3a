"""A private Keystone, with what a cloud with nothing but networking has in it."""

import shutil

from cloud import ADMIN_PASSWORD, REGION, SERVICE_PASSWORD
from processes import LOOPBACK, TARGET, environment, free_port
from rest import Rest

CONFIGURATION = """
[DEFAULT]
public_endpoint = {url}
[database]
connection = sqlite:///{directory}/keystone.db
[token]
provider = fernet
expiration = 86400
[fernet_tokens]
key_repository = {directory}/fernet-keys
[fernet_receipts]
key_repository = {directory}/fernet-keys
[cache]
enabled = true
backend = dogpile.cache.memory
[identity]
# The suites make hundreds of users.
password_hash_rounds = 4
[oslo_policy]
enforce_scope = true
enforce_new_defaults = true
"""

# Keystone takes the command line for its own. One thread: SQLite does not let two write at once.
SERVER = """
import sys
del sys.argv[1:]
wsgi_app = "keystone.wsgi.api:application"
bind = "{host}:{port}"
worker_class = "gthread"
workers = 1
threads = 1
keepalive = 30
worker_tmp_dir = "{directory}"
control_socket_disable = True
"""


class Keystone:
    """Its address, and an administrator's token."""

    def __init__(self, place):
        programs = environment("keystone")
        directory = place.directory / "keystone"
        # Database and keys of a new cloud, made with the environment.
        seed = TARGET / "venv-keystone/seed"
        shutil.copytree(seed, directory)
        port = free_port()
        self.url = f"http://{LOOPBACK}:{port}"
        (directory / "keystone.conf").write_text(
            CONFIGURATION.format(url=self.url, directory=directory), encoding="utf-8"
        )
        server = directory / "gunicorn.conf.py"
        server.write_text(SERVER.format(host=LOOPBACK, port=port, directory=directory), encoding="utf-8")
        place.start(
            "keystone",
            [programs / "gunicorn", f"--config={server}"],
            {
                "OS_KEYSTONE_CONFIG_FILES": str(directory / "keystone.conf"),
                "PYTHONWARNINGS": "ignore",
            },
        )
        place.wait_for_answer("keystone", f"{self.url}/v3")
        self.token = self.log_in()

    def log_in(self):
        user = {"name": "admin", "domain": {"id": "default"}, "password": ADMIN_PASSWORD}
        scope = {"project": {"name": "admin", "domain": {"id": "default"}}}
        identity = {"methods": ["password"], "password": {"user": user}}
        _, headers = Rest(self.url).ask("POST", "/v3/auth/tokens", {"auth": {"identity": identity, "scope": scope}})
        return headers["X-Subject-Token"]

    def furnish(self, network_url):
        """Makes the services' project and users, and names the network service in the catalogue."""
        rest = Rest(f"{self.url}/v3", self.token)
        project = rest.post("/projects", {"project": {"name": "service", "domain_id": "default"}})["project"]["id"]
        roles = {role["name"]: role["id"] for role in rest.get("/roles")["roles"]}
        for name in ("neutron", "nova", "placement"):
            user = {"name": name, "password": SERVICE_PASSWORD, "domain_id": "default"}
            user_id = rest.post("/users", {"user": user})["user"]["id"]
            for role in ("admin", "service"):
                rest.put(f"/projects/{project}/users/{user_id}/roles/{roles[role]}")
        service = rest.post("/services", {"service": {"name": "neutron", "type": "network"}})["service"]["id"]
        for interface in ("public", "internal", "admin"):
            endpoint = {"service_id": service, "interface": interface, "url": network_url, "region_id": REGION}
            rest.post("/endpoints", {"endpoint": endpoint})
