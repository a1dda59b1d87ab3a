"""Neutron itself, unmodified, as its operators run it: two API processes, RabbitMQ, RPC and periodic workers."""

import shutil
import socket

import cloud
from processes import LOOPBACK, ROOT, Failed, environment, free_port

API_PROCESSES = 2
PASSWORD = "conformance"

UWSGI = {
    "master": "true",
    "lazy-apps": "true",
    "processes": str(API_PROCESSES),
    "threads": "1",
    "enable-threads": "true",
    "thunder-lock": "true",
    "add-header": "Connection: close",
    "buffer-size": "65535",
    "http-socket-timeout": "600",
    "socket-timeout": "600",
    "listen": "1024",
    "start-time": "%t",
    "die-on-term": "true",
    "exit-on-reload": "false",
    "disable-logging": "true",
    "need-app": "true",
}


class RabbitMq:
    """A private broker, with an Erlang name service of its own."""

    PROGRAMS = "/usr/lib/rabbitmq/bin"

    def __init__(self, place):
        if not shutil.which("rabbitmq-server", path=self.PROGRAMS):
            raise Failed("rabbitmq-server is not installed; `scripts/install-deps neutron` installs it")
        directory = place.directory / "rabbit"
        directory.mkdir()
        self.port, names = free_port(), free_port()
        (directory / "rabbitmq.conf").write_text(
            f"listeners.tcp.default = {LOOPBACK}:{self.port}\n"
            f"default_user = neutron\ndefault_pass = {PASSWORD}\nloopback_users = none\n"
            "vm_memory_high_watermark.relative = 0.2\n",
            encoding="utf-8",
        )
        (directory / "enabled_plugins").write_text("[].\n", encoding="utf-8")
        self.variables = {
            "HOME": str(directory),
            "RABBITMQ_NODENAME": "conformance@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(directory / "mnesia"),
            "RABBITMQ_LOG_BASE": str(place.logs),
            "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(directory / "none"),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_PORT": str(names),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        place.start("epmd", ["epmd", "-address", LOOPBACK, "-port", str(names)], self.variables)
        place.start("rabbitmq", [f"{self.PROGRAMS}/rabbitmq-server"], self.variables)
        place.wait_until("rabbitmq", lambda: listens(self.port))
        place.run("rabbitmqctl", [f"{self.PROGRAMS}/rabbitmqctl", "await_startup", "--timeout", "60"], self.variables)

    def url(self):
        return f"rabbit://neutron:{PASSWORD}@{LOOPBACK}:{self.port}/"


def listens(port):
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
        return True
    except OSError:
        return False


class Neutron:
    name = "Neutron"

    def __init__(self, place, database, keystone=None, more=None):
        """Without Keystone everybody may do everything. `more` are options beside the cloud's."""
        self.place = place
        self.programs = environment("neutron")
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        rabbit = RabbitMq(place)
        self.directory = place.directory / "neutron"
        (self.directory / "tmp").mkdir(parents=True)
        paste = self.programs.parent / "etc/neutron/api-paste.ini"
        own = {
            "DEFAULT": {
                "auth_strategy": "keystone" if keystone else "noauth",
                "transport_url": rabbit.url(),
                "api_paste_config": str(paste),
                "state_path": str(self.directory),
                "bind_host": LOOPBACK,
                "rpc_workers": "1",
                "rpc_state_report_workers": "1",
            },
            "database": {
                # Its tables are made for three bytes a character.
                "connection": database.database("neutron", "utf8mb3") + "?charset=utf8",
                "max_pool_size": "10",
                "max_overflow": "50",
            },
            "oslo_concurrency": {"lock_path": str(self.directory / "tmp")},
            "oslo_messaging_notifications": {"driver": "noop"},
            "oslo_messaging_rabbit": {"heartbeat_in_pthread": "False"},
        }
        if keystone:
            own["keystone_authtoken"] = cloud.identity(keystone.url)
        self.configuration = cloud.write(self.directory / "neutron.conf", cloud.OPTIONS, own, more or {})
        self.with_agents = keystone is not None

    def start(self):
        files = ["--config-file", self.configuration]
        self.place.run("migration", [self.programs / "neutron-db-manage", *files, "upgrade", "heads"])
        server = cloud.write(
            self.directory / "uwsgi.ini",
            {
                "uwsgi": {
                    **UWSGI,
                    "http-socket": f"{LOOPBACK}:{self.port}",
                    "module": "neutron.wsgi.api:application",
                }
            },
        )
        self.place.start(
            "server",
            [self.programs / "uwsgi", "--ini", server],
            {
                "OS_NEUTRON_CONFIG_DIR": str(self.directory),
                "OS_NEUTRON_CONFIG_FILES": "neutron.conf",
            },
        )
        self.place.wait_for_answer("server", f"{self.url}/v2.0/networks", 180)
        # The processes that come up last rewrite the allocations of segments: until then creates may be refused.
        self.place.wait_until("server", lambda: self.ready_processes() >= API_PROCESSES, 120)
        self.place.start("rpc", [self.programs / "neutron-rpc-server", *files])
        self.place.start("periodic", [self.programs / "neutron-periodic-workers", *files])
        if self.with_agents:
            agents = ROOT / "conformance/reference_agents.py"
            self.place.start("agents", [self.programs / "python", "-B", agents, *files])
            self.place.wait_until("agents", lambda: "agents reported" in self.place.tail("agents"))

    def ready_processes(self):
        return self.place.log("server").read_text(encoding="utf-8", errors="replace").count("WSGI app 0")
