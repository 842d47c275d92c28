"""Real Redis servers for tests: on a free port in a folder of their own, stopped, killed, paused and started again."""

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import redis

from tests.processes import free_port
from tests.waiting import PATIENCE


class RedisServer:
    """A Redis server that keeps nothing on the disk; with `tls` one that speaks nothing else."""

    def __init__(self, folder: Path, *, password: str = "", tls: bool = False, settings: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.port = free_port()
        self.password = password
        self.certificate = folder / "certificate.pem"
        self._tls = tls
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What a client connects to, with the password, and the certificate where there is one."""
        login = self._login
        if self._tls:
            return f"rediss://{login}localhost:{self.port}/0?ssl_ca_certs={self.certificate}"
        return f"redis://{login}127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and return when it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._tls and not self.certificate.exists():
            make_certificate(self.certificate, self.folder / "key.pem")
        self._process = _started(self.folder, *self._arguments())
        deadline = time.monotonic() + PATIENCE
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"Redis did not start:\n{(self.folder / 'redis.log').read_text()}")
            time.sleep(0.01)

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    @contextmanager
    def client(self) -> Iterator["redis.Redis"]:
        """Yield a plain client, to look at what is in it."""
        with redis.Redis.from_url(self.url, socket_timeout=PATIENCE) as client:
            yield client

    def wipe(self) -> None:
        """Let it forget everything."""
        with self.client() as client:
            client.flushall()

    def stop(self) -> None:
        """Ask it to stop, which it does at once: it has nothing to save."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, paused or not."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Let it be there without doing anything, as behind a network that lost it."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    @property
    def _login(self) -> str:
        return f":{quote(self.password, safe='')}@" if self.password else ""

    def _arguments(self) -> list[str]:
        arguments = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", *self._settings]
        if self.password:
            arguments += ["--requirepass", self.password]
        if not self._tls:
            return [*arguments, "--port", str(self.port)]
        files = ["--tls-cert-file", str(self.certificate), "--tls-key-file", str(self.folder / "key.pem")]
        return [*arguments, "--port", "0", "--tls-port", str(self.port), *files, "--tls-auth-clients", "no"]

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _end(self, number: int) -> None:
        self._signal(number)
        if self._process is not None:
            self._process.wait(timeout=PATIENCE)


class RedisSentinel(RedisServer):
    """A Sentinel that watches over one server, and alone decides which one is the master."""

    def __init__(self, folder: Path, master: RedisServer, service: str) -> None:
        super().__init__(folder)
        self.service = service
        self._master = master

    @property
    def bus_url(self) -> str:
        """What a bus connects to, to find the master through it."""
        return f"redis+sentinel://{self._master._login}127.0.0.1:{self.port}/{self.service}/0"

    def _arguments(self) -> list[str]:
        lines = [
            f"sentinel monitor {self.service} 127.0.0.1 {self._master.port} 1",
            f"sentinel down-after-milliseconds {self.service} 500",
            f"sentinel failover-timeout {self.service} 2000",
        ]
        if self._master.password:
            lines.append(f"sentinel auth-pass {self.service} {self._master.password}")
        # It writes into the file what it finds out.
        file = self.folder / "sentinel.conf"
        file.write_text("\n".join(lines) + "\n")
        return [str(file), "--sentinel", "--bind", "127.0.0.1", "--port", str(self.port)]


def make_certificate(certificate: Path, key: Path) -> None:
    """Make a certificate for this machine, signed by itself."""
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    what = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", names]
    command = ["openssl", "req", "-x509", *what, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)


def _started(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    program = shutil.which("redis-server")
    if program is None:
        raise AssertionError("redis-server is missing: install Redis 6.2 or newer (Debian: apt-get install redis)")
    with (folder / "redis.log").open("ab") as log:
        return subprocess.Popen([program, *arguments], cwd=folder, stdout=log, stderr=log)
