"""A real nginx for tests: as docs/deploy.md configures it, or knowing nothing of what is behind it."""

import contextlib
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.processes import free_port
from tests.waiting import PATIENCE

GUIDE = Path(__file__).parents[1] / "docs" / "deploy.md"


@contextlib.contextmanager
def plain_nginx(upstream: str, folder: Path) -> Iterator[str]:
    """Run an nginx that knows nothing of streams in front of a hub; yield its URL."""
    port = free_port()
    with _running(folder, port, f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass {upstream}; }} }}"):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def guides_nginx(ports: Sequence[int], folder: Path) -> Iterator[str]:
    """Run an nginx as the guide configures it in front of hubs on some ports, but without TLS; yield its URL."""
    port = free_port()
    with _running(folder, port, guides_configuration(port, ports)):
        yield f"http://127.0.0.1:{port}"


def guides_configuration(port: int, hubs: Sequence[int]) -> str:
    """Return what the guide says, for these hubs and this port of its own."""
    written = GUIDE.read_text("utf-8").partition("```nginx\n")[2].partition("```")[0]
    server = re.compile(r"^ +server 127\.0\.0\.1:8080(.*?;).*$", re.MULTILINE)
    servers = "\n".join(rf"    server 127.0.0.1:{hub}\g<1>" for hub in hubs)
    replaced, count = server.subn(servers, written)
    replaced, more = re.subn(r"listen 443 .*;.*", f"listen 127.0.0.1:{port};", replaced)
    assert (count, more) == (1, 1)
    return re.sub(r"^ +ssl_certificate.*$", "", replaced, flags=re.MULTILINE)


@contextlib.contextmanager
def _running(folder: Path, port: int, servers: str) -> Iterator[None]:
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    assert program, "this test needs nginx: apt-get install nginx-light"
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{ worker_connections 4096; }}\n"
        f"http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n"
        f"fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
        f"{servers}\n}}\n"
    )
    process = subprocess.Popen([program, "-p", str(folder), "-c", str(config), "-e", f"{folder}/error.log"])
    try:
        _wait_for(port)
        yield
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, "nginx did not start"
            time.sleep(0.02)
        else:
            return
