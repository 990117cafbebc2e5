"""An agent over a gRPC library that is not ours. Arguments: the file descriptor of the protocol's .proto, serialised. Prints its port when it listens."""

import os
import sys
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

with open(sys.argv[1], "rb") as file:
    described = descriptor_pb2.FileDescriptorProto.FromString(file.read())
pool = descriptor_pool.DescriptorPool()
pool.Add(described)
factory = message_factory.MessageFactory(pool)


def message(name):
    return factory.GetPrototype(pool.FindMessageTypeByName("zentinel.agent.v2." + name))


ProxyToAgent, AgentToProxy = message("ProxyToAgent"), message("AgentToProxy")


def answer(event):
    kind = event.WhichOneof("message")
    out = AgentToProxy()
    if kind == "handshake":
        out.handshake.protocol_version = 2
        out.handshake.success = True
        capabilities = out.handshake.capabilities
        capabilities.agent_id, capabilities.name, capabilities.version = "python", "Python agent", "1"
        capabilities.supported_events.extend([1, 2, 5])
        capabilities.features.concurrent_requests = 16
        capabilities.limits.max_concurrency = 16
        return out
    if kind == "ping":
        out.pong.sequence = event.ping.sequence
        return out
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
            os._exit(1)
        else:
            operation = response.request_headers.add()
            operation.set.name, operation.set.value = "X-Seen", names.get("host", "?")
    else:
        response.correlation_id = body.correlation_id
    return out


def process(requests, context):
    for event in requests:
        out = answer(event)
        if out is not None:
            yield out


server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("zentinel.agent.v2.AgentServiceV2", {
    "ProcessStream": grpc.stream_stream_rpc_method_handler(
        process, request_deserializer=ProxyToAgent.FromString, response_serializer=AgentToProxy.SerializeToString),
}),))
port = server.add_insecure_port("127.0.0.1:" + (sys.argv[2] if len(sys.argv) > 2 else "0"))
server.start()
print("listening on port %d;" % port, flush=True)
server.wait_for_termination()
