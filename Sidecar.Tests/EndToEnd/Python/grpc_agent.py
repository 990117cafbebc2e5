"""An agent over a gRPC library that is not ours. Arguments: the port, 0 for any; the file descriptor of the protocol's .proto, serialised.
Prints its port when it listens."""

import os
import sys
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

with open(sys.argv[2], "rb") as file:
    described = descriptor_pb2.FileDescriptorProto.FromString(file.read())
pool = descriptor_pool.DescriptorPool()
pool.Add(described)
factory = message_factory.MessageFactory(pool)


def message(name):
    return factory.GetPrototype(pool.FindMessageTypeByName("zentinel.agent.v2." + name))


ProxyToAgent, AgentToProxy = message("ProxyToAgent"), message("AgentToProxy")
CROWD = 1000
held, sizes = [], {}


def answers(event, context):
    """What is answered to an event, in this order; often one message, sometimes none."""
    out = answer(event, context)
    if out is None or event.WhichOneof("message") != "request_headers" or "crowd" not in event.request_headers.uri:
        return [] if out is None else [out]

    # A crowd is answered when all of it is there, so that all are under way at once; the last first.
    held.append(out)
    return [held.pop() for _ in range(CROWD)] if len(held) == CROWD else []


def answer(event, context):
    kind = event.WhichOneof("message")
    out = AgentToProxy()
    if kind == "handshake":
        out.handshake.protocol_version = 2
        out.handshake.success = True
        capabilities = out.handshake.capabilities
        capabilities.agent_id, capabilities.name, capabilities.version = "python", "Python agent", "1"
        capabilities.supported_events.extend([1, 2, 5])
        capabilities.features.concurrent_requests = CROWD
        capabilities.features.cancellation = True
        capabilities.features.streaming_body = True
        capabilities.limits.max_concurrency = CROWD
        capabilities.limits.max_body_size = 64 * 1024 * 1024
        return out
    if kind == "ping":
        out.pong.sequence = event.ping.sequence
        return out
    if kind == "cancel":
        print("cancelled, reason %d;" % event.cancel.reason, flush=True)
    if kind in ("cancel", "configure"):
        return None
    body = getattr(event, kind)
    response = out.response
    if kind == "request_headers":
        response.correlation_id = body.metadata.correlation_id
        names = {header.name: header.value for header in body.headers}
        if "attack" in body.uri:
            response.block.status = 403
            response.block.body = "python says no"
        elif "die" in body.uri:
            os.abort()
        elif "forget" in body.uri:
            print("forgotten;", flush=True)
            return None
        elif "refuse" in body.uri:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "not any more")
        else:
            operation = response.request_headers.add()
            operation.set.name, operation.set.value = "X-Seen", names.get("host", "?")
    else:
        response.correlation_id = body.correlation_id
    if kind == "request_body_chunk":
        size, pieces = sizes.get(body.correlation_id, (0, 0))
        sizes[body.correlation_id] = (size + len(body.data), pieces + 1)
        if body.is_last:
            response.block.status = 403
            response.block.body = "%d bytes in %d pieces" % sizes[body.correlation_id]
        else:
            response.needs_more = True
    return out


def process(requests, context):
    try:
        for event in requests:
            yield from answers(event, context)
    except grpc.RpcError:
        pass
    print("the stream is over;", flush=True)


server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("zentinel.agent.v2.AgentServiceV2", {
    "ProcessStream": grpc.stream_stream_rpc_method_handler(
        process, request_deserializer=ProxyToAgent.FromString, response_serializer=AgentToProxy.SerializeToString),
}),))
port = server.add_insecure_port("127.0.0.1:" + sys.argv[1])
server.start()
print("listening on port %d;" % port, flush=True)
server.wait_for_termination()
