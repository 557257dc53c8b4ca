"""Serves ministack on a free loopback port, until standard input ends.

usage: serve.py
The first line of standard output is the address, for instance http://127.0.0.1:43211. Standard input is held open by
whoever started this: when that process is gone, however it went, so is the server.
"""

import asyncio
import os
import socket
import sys
import threading


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


PORT = free_port()
os.environ.update(GATEWAY_PORT=str(PORT), LOG_LEVEL="ERROR", PERSIST_STATE="0")

import ministack.app
from hypercorn.asyncio import serve
from hypercorn.config import Config

import accounts
import guards
import images
import resources
import stacks
import zones


def until_input_ends():
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)  # no thread is worth waiting for


async def main():
    config = Config()
    config.bind = [f"127.0.0.1:{PORT}"]
    config.loglevel = "ERROR"
    running = asyncio.ensure_future(serve(ministack.app.app, config))
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", PORT), 1).close()
            break
        except OSError:
            await asyncio.sleep(0.1)
    print(f"http://127.0.0.1:{PORT}", flush=True)
    await running


if __name__ == "__main__":
    for plugin in (accounts, guards, images, resources, stacks, zones):
        plugin.install()
    threading.Thread(target=until_input_ends, daemon=True).start()
    asyncio.run(main())
