"""A gRPC client that is not ours, asking like Envoy: plays one scenario against a running daemon and prints what it saw, one line.
Arguments: where the daemon listens (a path or host:port), the scenario, the secret of a TCP listener.

Messages are written and read by field number: what is compared is the wire, not somebody's classes."""

import os
import queue
import sys

import grpc

PROCESS = "/envoy.service.ext_proc.v3.ExternalProcessor/Process"
CHECK = "/envoy.service.auth.v3.Authorization/Check"
HEALTH = "/grpc.health.v1.Health/Check"
LIMIT = 60
METADATA = [("x-sidecar-secret", sys.argv[3])] if len(sys.argv) > 3 else []


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def parse(data):
    """The fields of a message, by number; the last value of each."""
    fields, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        tag = number()
        if tag & 7 == 0:
            fields[tag >> 3] = number()
        else:
            length = number()
            fields[tag >> 3] = data[at:at + length]
            at += length
    return fields


def connect(place):
    address = "unix:" + place if place.startswith("/") else place
    return grpc.insecure_channel(address, options=[("grpc.default_authority", "sidecar"), ("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)])


def stream(channel):
    return channel.stream_stream(PROCESS, request_serializer=bytes, response_deserializer=parse)


def outbox(messages):
    while (message := messages.get(timeout=LIMIT)) is not None:
        yield message


def request(path="/hello", last=True, mode=None, extra=()):
    headers = b"".join(field(1, field(1, name) + field(3, value)) for name, value in
                       [(":method", "POST"), (":path", path), (":authority", "shop.example"), (":scheme", "https"), *extra])
    message = field(2, field(1, headers) + (field(3, 1) if last else b""))
    return message + (field(11, field(1, mode)) if mode is not None else b"")


def body(data, last=True):
    return field(4, field(1, data) + (field(2, 1) if last else b""))


def question(path, data=b""):
    http = field(2, "POST") + field(4, path) + field(5, "shop.example") + field(10, "HTTP/1.1") + (field(12, data) if data else b"")
    return field(1, field(4, field(2, http)))


def ask(channel, path, data=b"", timeout=LIMIT):
    answer = channel.unary_unary(CHECK, request_serializer=bytes, response_deserializer=parse)(question(path, data), timeout=timeout, metadata=METADATA)
    code = parse(answer.get(1, b"")).get(1, 0)
    denied = parse(answer[2]) if 2 in answer else {}
    return f"{code} {parse(denied.get(1, b'')).get(1, '-')}"


def authz(channel):
    return f"{ask(channel, '/hello')}, {ask(channel, '/teapot')}, {ask(channel, '/old-page')}, {ask(channel, '/members')}"


def authz_large(channel):
    return ask(channel, "/hello", bytes(4 * 1024 * 1024))


def authz_too_large(channel):
    return ask(channel, "/hello", bytes(6 * 1024 * 1024))


def health(channel):
    answer = channel.unary_unary(HEALTH, request_serializer=bytes, response_deserializer=parse)(b"", timeout=LIMIT, metadata=METADATA)
    return str(answer.get(1))


def other(channel):
    channel.unary_unary("/envoy.service.auth.v3.Authorization/Other", request_serializer=bytes, response_deserializer=parse)(b"", timeout=LIMIT)


def allow(channel):
    call = stream(channel)(iter([request()]), timeout=LIMIT, metadata=METADATA)
    answers = [sorted(answer)[0] for answer in call]
    return f"{answers} {call.code().name}"


def block(channel):
    messages = queue.Queue()
    messages.put(request("/teapot"))
    call = stream(channel)(outbox(messages), timeout=LIMIT)
    status = parse(parse(next(call)[7])[1])[1]
    rest = list(call)
    messages.put(None)
    return f"{status} {len(rest)} {call.code().name}"


def wrong_order(channel):
    messages = queue.Queue()
    messages.put(body(b"x"))
    call = stream(channel)(outbox(messages), timeout=LIMIT)
    status = parse(parse(next(call)[7])[1])[1]
    rest = list(call)
    messages.put(None)
    return f"{status} {len(rest)} {call.code().name}"


def large(channel):
    messages = queue.Queue()
    call = stream(channel)(outbox(messages), timeout=LIMIT)
    messages.put(request(last=False, mode=2))
    first = sorted(next(call))[0]
    messages.put(body(bytes(4 * 1024 * 1024)))
    second = sorted(next(call))[0]
    messages.put(None)
    return f"{first} {second} {len(list(call))} {call.code().name}"


def cancel(channel):
    messages = queue.Queue()
    messages.put(request())
    call = stream(channel)(outbox(messages), timeout=LIMIT)
    next(call)
    call.cancel()
    messages.put(None)
    return call.code().name


def deadline(channel):
    messages = queue.Queue()
    messages.put(request())
    call = stream(channel)(outbox(messages), timeout=5)
    next(call)
    try:
        next(call)
    finally:
        messages.put(None)


def many(channel):
    calls = []
    for i in range(1000):
        messages = queue.Queue()
        messages.put(request(f"/{i}"))
        calls.append((messages, stream(channel)(outbox(messages), timeout=LIMIT)))
    right = sum(sorted(next(call))[0] == 1 for _, call in calls)
    for messages, _ in calls:
        messages.put(None)
    return f"{right} right, {sum(call.code() == grpc.StatusCode.OK for _, call in calls)} OK"


def order(channel):
    """Names in no order of the alphabet, one of them twice."""
    names = ["zeta", "alpha", "x-twice", "mid", "x-twice", "beta"]
    call = stream(channel)(iter([request("/order", extra=[(name, str(i)) for i, name in enumerate(names)])]), timeout=LIMIT)
    list(call)
    return call.code().name


def die(channel):
    for i in range(20):
        messages = queue.Queue()
        messages.put(request(last=False, mode=1))
        next(stream(channel)(outbox(messages), timeout=LIMIT))
    print("result: dying", flush=True)
    os.abort()


def main():
    place, scenario = sys.argv[1:3]
    with connect(place) as channel:
        try:
            print("result:", globals()[scenario](channel), flush=True)
        except grpc.RpcError as e:
            print("result:", e.code().name, repr(e.details()), flush=True)


main()
