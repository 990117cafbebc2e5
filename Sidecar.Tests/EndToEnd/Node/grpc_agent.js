"use strict";

// An agent over a gRPC library that is not ours. Argument: the port, 0 for any; its messages it knows from protos.js. Prints its port when it listens.
const grpc = require("@grpc/grpc-js");
const protos = require("./protos.js");

const CROWD = 1000;
const held = [];
const sizes = new Map();

function handshake() {
  return {
    handshake: {
      protocol_version: 2,
      success: true,
      capabilities: {
        agent_id: "node",
        name: "Node agent",
        version: "1",
        supported_events: [1, 2, 5],
        features: { concurrent_requests: CROWD, cancellation: true, streaming_body: true },
        limits: { max_concurrency: CROWD, max_body_size: 64 * 1024 * 1024 },
      },
    },
  };
}

function onHeaders(stream, event) {
  const response = { correlation_id: event.metadata.correlation_id };
  const answer = () => stream.write({ response });
  if (event.uri.includes("attack")) {
    response.block = { status: 403, body: "node says no" };
  } else if (event.uri.includes("die")) {
    process.kill(process.pid, "SIGKILL");
    return;
  } else if (event.uri.includes("forget")) {
    console.log("forgotten;");
    return;
  } else if (event.uri.includes("refuse")) {
    stream.emit("error", { code: grpc.status.PERMISSION_DENIED, details: "not any more" });
    return;
  } else {
    const host = event.headers.find(header => header.name === "host");
    response.request_headers = [{ set: { name: "X-Seen", value: host?.value ?? "?" } }];
  }

  // A crowd is answered when all of it is there, so that all are under way at once; the last first.
  if (event.uri.includes("crowd") && held.push(answer) < CROWD) {
    return;
  }
  event.uri.includes("crowd") ? held.splice(0).reverse().forEach(one => one()) : answer();
}

function onBody(stream, event) {
  const id = event.correlation_id;
  const [bytes, pieces] = sizes.get(id) ?? [0, 0];
  sizes.set(id, [bytes + (event.data?.length ?? 0), pieces + 1]);
  const response = { correlation_id: id };
  if (event.is_last) {
    response.block = { status: 403, body: `${sizes.get(id)[0]} bytes in ${sizes.get(id)[1]} pieces` };
  } else {
    response.needs_more = true;
  }
  stream.write({ response });
}

function processStream(stream) {
  stream.on("data", event => {
    switch (event.message) {
      case "handshake": stream.write(handshake()); break;
      case "ping": stream.write({ pong: { sequence: event.ping.sequence } }); break;
      case "request_headers": onHeaders(stream, event.request_headers); break;
      case "request_body_chunk": onBody(stream, event.request_body_chunk); break;
      case "request_complete": stream.write({ response: { correlation_id: event.request_complete.correlation_id } }); break;
      case "cancel": console.log("cancelled, reason %d;", event.cancel.reason); break;
    }
  });
  stream.on("cancelled", () => console.log("the stream is over;"));
  stream.on("end", () => {
    console.log("the stream is over;");
    stream.end();
  });
}

const server = new grpc.Server();
server.addService(protos.zentinel.agent.v2.AgentServiceV2.service, { ProcessStream: processStream });
server.bindAsync(`127.0.0.1:${process.argv[2]}`, grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) {
    throw error;
  }
  console.log("listening on port %d;", port);
});
