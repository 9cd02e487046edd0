"""The HTTPS front of the key server: connections, requests and answers, and no key of its own."""

import logging
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import Any, NamedTuple

from dkg.hospital.audit import Caller

_LONGEST_REQUEST = 1000
_logger = logging.getLogger(__name__)


class Answer(NamedTuple):
    """The status and the content of an answer, in one or two parts, and whether to ask again."""

    status: HTTPStatus
    content: bytes
    more: bytes | memoryview = b""
    ask_again: bool = False


class HttpsServer(ThreadingHTTPServer):
    """An HTTP server in which each connection shakes hands in its own thread.

    Parameters
    ----------
    address : tuple of str and int
        Where it listens.
    answer : callable
        Given the caller, the method, the path and the body of a request, returns the answer.
    context : ssl.SSLContext
        Settings of the connections.
    """

    request_queue_size = 64

    def __init__(
        self,
        address: tuple[str, int],
        answer: Callable[[Caller, str, str, bytes], Answer],
        context: SSLContext,
    ):
        self.answer = answer
        self._context = context
        super().__init__(address, _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands, and answer."""
        # In the listening thread a silent client would keep all others waiting.
        with self._context.wrap_socket(request, server_side=True) as secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log why a connection failed."""
        error = sys.exception()
        if isinstance(error, OSError):  # It was lost, or the other end has no certificate of ours.
            _logger.info("key-server: a connection from %s failed: %s", client_address[0], error)
        else:
            _logger.error("key-server: a request failed", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """Passes a request to the key server's own method, and writes what it returns."""

    server: HttpsServer

    def do_GET(self) -> None:
        self._reply(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _LONGEST_REQUEST:
            self.close_connection = True  # The modality never sends that, and gets no answer.
            return
        self._reply(self.rfile.read(int(length)))

    def _reply(self, body: bytes) -> None:
        caller = Caller.of(self.connection)
        answer = self.server.answer(caller, self.command, self.path, body)
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(answer.content) + len(answer.more)))
        self.send_header("Cache-Control", "no-store")
        if answer.ask_again:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(answer.content)
        self.wfile.write(answer.more)

    def log_message(self, format: str, *args: Any) -> None:
        # Paths and statuses only: what is sent never comes here.
        line = (format % args).encode("unicode_escape").decode()
        _logger.info("key-server: %s from %s", line, self.client_address[0])
