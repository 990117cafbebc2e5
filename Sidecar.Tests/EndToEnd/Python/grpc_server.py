"""A gRPC server that is not ours: prints "ready" when it listens on the Unix socket that is its argument, and serves until it is killed."""

import sys
from concurrent import futures

import grpc
from google.protobuf.wrappers_pb2 import BytesValue

LARGE = 16 * 1024 * 1024


def chat(requests, context):
    for request in requests:
        if request.value == b"refuse":
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "nicht f\u00fcr dich: 100%")
        if request.value == b"hang":
            done = futures.Future()
            if not context.add_callback(lambda: done.set_result(None)):
                done.set_result(None)
            print("hanging", "with a deadline" if context.time_remaining() else "for ever", flush=True)
            done.result()
            print("hang ended", flush=True)
            return
        yield request


def ask(request, context):
    return next(chat(iter([request]), context))


def methods():
    wire = {"request_deserializer": BytesValue.FromString, "response_serializer": BytesValue.SerializeToString}
    return grpc.method_handlers_generic_handler("test.Service", {
        "Chat": grpc.stream_stream_rpc_method_handler(chat, **wire),
        "Ask": grpc.unary_unary_rpc_method_handler(ask, **wire),
    })


server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=[("grpc.max_receive_message_length", LARGE), ("grpc.max_send_message_length", LARGE)])
server.add_generic_rpc_handlers((methods(),))
server.add_insecure_port("unix:" + sys.argv[1])
server.start()
print("ready", flush=True)
server.wait_for_termination()
