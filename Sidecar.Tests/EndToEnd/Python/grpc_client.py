"""A gRPC client that is not ours: plays one scenario against the test service and prints what it saw, one line."""

import queue
import sys

import grpc
from google.protobuf.wrappers_pb2 import BytesValue

METHOD = "/test.Service/Method"
LIMIT = 60
LARGE = 5 * 1024 * 1024


def connect(path):
    sizes = [("grpc.max_receive_message_length", 4 * LARGE), ("grpc.max_send_message_length", 4 * LARGE)]
    return grpc.insecure_channel("unix:" + path, options=sizes)


# BytesValue has the same bytes on the wire as the messages of the test service: field 1, bytes.
def unary(channel, method=METHOD):
    return channel.unary_unary(method, request_serializer=BytesValue.SerializeToString, response_deserializer=BytesValue.FromString)


def stream(channel):
    return channel.stream_stream(METHOD, request_serializer=BytesValue.SerializeToString, response_deserializer=BytesValue.FromString)


def message(text):
    return BytesValue(value=text.encode())


def outbox(messages):
    """What is put into the queue, until None ends our side."""
    while (text := messages.get(timeout=LIMIT)) is not None:
        yield message(text)


def echo(channel):
    return unary(channel)(message("hello"), timeout=LIMIT).value.decode()


def large(channel):
    sent = bytes(range(256)) * (LARGE // 256)
    return "same" if unary(channel)(BytesValue(value=sent), timeout=LIMIT).value == sent else "different"


def too_large(channel):
    return unary(channel)(BytesValue(value=bytes(2 * LARGE)), timeout=LIMIT)


def unknown_method(channel):
    return unary(channel, "/test.Service/Other")(message("x"), timeout=LIMIT)


def refuse(channel):
    return unary(channel)(message("refuse"), timeout=LIMIT)


def compressed(channel):
    return unary(channel)(message("x" * 1000), timeout=LIMIT, compression=grpc.Compression.Gzip)


def deadline(channel):
    return unary(channel)(message("hang"), timeout=5)


def headers_first(channel):
    messages = queue.Queue()
    call = stream(channel)(outbox(messages), timeout=LIMIT, metadata=[("x-start", "yes")])
    names = [name for name, _ in call.initial_metadata()]
    messages.put("now")
    answer = next(call).value.decode()
    messages.put(None)
    return f"{'x-started' in names} {answer} {call.code().name}"


def interleave(channel):
    messages = queue.Queue()
    call = stream(channel)(outbox(messages), timeout=LIMIT)
    for i in range(50):
        messages.put(str(i))
        if next(call).value.decode() != str(i):
            return f"message {i} is wrong"
    messages.put(None)
    return f"{len(list(call))} left, {call.code().name}"


def fail_late(channel):
    call = stream(channel)(iter([message("fail late")]), timeout=LIMIT)
    return f"{next(call).value.decode()}, then {next(call)}"


def cancel(channel):
    messages = queue.Queue()
    messages.put("hang")
    call = stream(channel)(outbox(messages), timeout=LIMIT)
    call.initial_metadata()
    call.cancel()
    messages.put(None)
    return call.code().name


def many(channel):
    calls = []
    for i in range(100):
        messages = queue.Queue()
        messages.put(f"stream {i}")
        calls.append((i, messages, stream(channel)(outbox(messages), timeout=LIMIT)))
    right = sum(next(call).value.decode() == f"stream {i}" for i, _, call in calls)
    for _, messages, _ in calls:
        messages.put(None)
    return f"{right} right, {sum(call.code() == grpc.StatusCode.OK for _, _, call in calls)} OK"


def main():
    path, scenario = sys.argv[1:]
    with connect(path) as channel:
        try:
            print("result:", globals()[scenario](channel), flush=True)
        except grpc.RpcError as e:
            print("result:", e.code().name, repr(e.details()), flush=True)


main()
