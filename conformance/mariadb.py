"""A private MariaDB, as durable as in production."""

import getpass
import shutil
import subprocess

from processes import LOOPBACK, Failed, free_port

PASSWORD = "conformance"


class MariaDb:
    def __init__(self, place, buffer_pool="1G"):
        for program in ("mariadb-install-db", "mariadbd", "mariadb"):
            if not shutil.which(program, path="/usr/bin:/usr/sbin:/usr/local/bin:/usr/local/sbin"):
                raise Failed(f"{program} is not installed; scripts/install-deps installs it")
        self.socket = place.directory / "mariadb.sock"
        self.port = free_port()
        data, user = place.directory / "mariadb", getpass.getuser()
        place.run(
            "mariadb-install",
            [
                "mariadb-install-db",
                "--no-defaults",
                f"--datadir={data}",
                f"--user={user}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
        )
        place.start(
            "mariadb",
            [
                "/usr/sbin/mariadbd",
                "--no-defaults",
                f"--user={user}",
                f"--datadir={data}",
                f"--socket={self.socket}",
                f"--pid-file={place.directory}/mariadb.pid",
                f"--port={self.port}",
                f"--bind-address={LOOPBACK}",
                "--skip-name-resolve",
                "--skip-log-bin",
                "--max-connections=1000",
                f"--innodb-buffer-pool-size={buffer_pool}",
                "--innodb-flush-log-at-trx-commit=1",
                "--character-set-server=utf8mb4",
            ],
        )
        place.wait_until("mariadb", lambda: self.execute("SELECT 1"))

    def execute(self, sql):
        """Whether the administrator may run these statements."""
        client = ["mariadb", "--no-defaults", f"--socket={self.socket}", "--user=root", f"--execute={sql}"]
        return subprocess.run(client, capture_output=True, check=False).returncode == 0

    def database(self, name, character_set="utf8mb4"):
        """Makes a database; its address in SQLAlchemy's form."""
        made = self.execute(
            f"CREATE DATABASE {name} CHARACTER SET {character_set};"
            f"GRANT ALL ON {name}.* TO '{name}'@'{LOOPBACK}' IDENTIFIED BY '{PASSWORD}'"
        )
        if not made:
            raise Failed(f"the database {name} cannot be made")
        return f"mysql+pymysql://{name}:{PASSWORD}@{LOOPBACK}:{self.port}/{name}"
