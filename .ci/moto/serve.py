"""Serves moto on a free loopback port, until standard input ends.

usage: serve.py
The first line of standard output is the address, for instance http://127.0.0.1:43211. Standard input is held open by
whoever started this: when that process is gone, however it went, so is the server.
"""

import os
import sys
import threading

# Moto reads this when it is imported. It then knows no more types of instances than AWS has.
os.environ["MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION"] = "true"

from werkzeug.serving import make_server

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)

import accounts
import buckets
import resources
import stacks


class QuietHandler(MotoRequestHandler):
    """Logs no requests: what a test asked is the test's to say."""

    def log_request(self, *_):
        pass


class OneAtATime:
    """Serves one request at a time, because moto's backends are no more than lucky when threads share them."""

    def __init__(self, app):
        self.app = app
        self.lock = threading.Lock()

    def __call__(self, environ, start_response):
        with self.lock:
            return self.app(environ, start_response)


def main():
    for plugin in (accounts, buckets, stacks, resources):
        plugin.install()
    app = OneAtATime(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)  # no thread is worth waiting for


if __name__ == "__main__":
    main()
