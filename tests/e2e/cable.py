"""The network between a browser and a hub: it can be cut, with or without a word, and mended."""

import contextlib
import socket
import threading

from tests.processes import free_port

_CHUNK_BYTES = 65_536


class Cable:
    """Hands bytes on, both ways, for as long as it is whole."""

    def __init__(self, target: int) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._target = target
        # What is sent over a silent cable goes nowhere, and nobody is told.
        self._is_silent = False
        self._is_cut = False
        self._ends: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", self.port))

    def __enter__(self) -> "Cable":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def cut(self) -> None:
        """End all connections, and every new one."""
        self._is_cut = True
        self._end_all()

    def silence(self) -> None:
        """Let nothing through any more, like a network that is suddenly away."""
        self._is_silent = True

    def mend(self) -> None:
        """Carry new connections again; what was sent meanwhile is lost, with the connections it was sent on."""
        self._is_cut = self._is_silent = False
        self._end_all()

    def _end_all(self) -> None:
        for end in list(self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        with near:
            if self._is_cut:
                return
            with socket.create_connection(("127.0.0.1", self._target)) as far:
                self._ends |= {near, far}
                answering = threading.Thread(target=self._carry, args=(far, near), daemon=True)
                answering.start()
                self._carry(near, far)
                answering.join()
                self._ends -= {near, far}

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while chunk := one.recv(_CHUNK_BYTES):
                if not self._is_silent:
                    other.sendall(chunk)
        with contextlib.suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)
