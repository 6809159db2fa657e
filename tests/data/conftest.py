"""An HTTP server on the loopback address that can misbehave, and no folder from outside."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from toy_sets import Mirror

from tinyvae.data.published import DATA_DIR_VARIABLE


@pytest.fixture
def mirrors(monkeypatch):
    """Three mirrors on one server, empty at first."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    sites = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            _, site, name = self.path.split("/")
            sites[site].requests.append(name)
            status, body, promised = sites[site].pages.get(name, (404, b"not here", None))
            self.send_response(status)
            length = len(body) if promised is None else promised
            self.send_header("Content-Length", str(length))
            self.end_headers()
            if callable(body):
                with contextlib.suppress(OSError):  # whoever asked has gone
                    body(self.wfile)
            else:
                self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    for site in "abc":
        sites[site] = Mirror(f"{address}/{site}/", [])
    yield tuple(sites.values())
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(autouse=True)
def no_folder_from_outside(monkeypatch):
    monkeypatch.delenv(DATA_DIR_VARIABLE, raising=False)
