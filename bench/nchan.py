"""nginx with the nchan module, the usual answer in C: EventSource, one worker, everything in memory."""

import contextlib
import getpass
import shutil
import signal
import tempfile
from collections.abc import Iterator

from bench.stand import Server, running
from tests.processes import free_port

# Where Debian's libnginx-mod-nchan puts it.
MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so"
_CONFIG = """
load_module {module};
{user}
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/errors warn;
events {{ worker_connections 15000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location /publish {{
            nchan_publisher;
            nchan_channel_id all;
        }}
        location /view {{
            nchan_subscriber eventsource;
            nchan_channel_id all;
            # Without it the messages that are remembered come first.
            nchan_subscriber_first_message newest;
        }}
    }}
}}
"""


@contextlib.contextmanager
def nchan() -> Iterator[Server]:
    """Run it, publishing at `/publish` and viewed at `/view`, until the block ends."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        raise RuntimeError("nginx is missing: install it (Debian, Ubuntu: apt-get install nginx libnginx-mod-nchan)")
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        # Otherwise its worker is somebody who cannot get into the folder.
        user = "user root;" if getpass.getuser() == "root" else ""
        with open(f"{folder}/conf", "w", encoding="utf-8") as file:
            file.write(_CONFIG.format(module=MODULE, user=user, folder=folder, port=port))
        command = [program, "-p", folder, "-c", f"{folder}/conf", "-e", f"{folder}/errors"]
        # Asked, not killed: its worker would stay.
        with running(command, port, folder, {}, end=signal.SIGTERM) as server:
            yield server
