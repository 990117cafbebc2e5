"""Opens connections that say nothing and holds them until it is killed: flood.py unix:PATH|HOST:PORT COUNT."""

import errno
import resource
import signal
import socket
import sys
import time

# Seconds without a further connection after which it is content with what it has.
PATIENCE = 5


def connect(target):
    """A connection, or one on its way; None where the queue is full."""
    if target.startswith("unix:"):
        client, address = socket.socket(socket.AF_UNIX), target[5:]
    else:
        host, port = target.rsplit(":", 1)
        client, address = socket.socket(socket.AF_INET), (host, int(port))
    client.setblocking(False)
    if client.connect_ex(address) in (0, errno.EINPROGRESS):
        return client
    client.close()
    return None


def main():
    target, count = sys.argv[1], int(sys.argv[2])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, count + 100), max(hard, count + 100)))
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clients = []
    last = time.monotonic()
    while len(clients) < count and time.monotonic() - last < PATIENCE:
        client = connect(target)
        if client is None:
            time.sleep(0.001)
            continue
        clients.append(client)
        last = time.monotonic()
    print(f"open: {len(clients)}", flush=True)
    signal.pause()


main()
