"use strict";

// A gRPC client that is not ours, asking like Envoy: plays one scenario against a running daemon and prints what it saw, one line.
// Arguments: where the daemon listens (a path or host:port), the scenario, the secret of a TCP listener.
const http2 = require("node:http2");
const net = require("node:net");
const { inspect } = require("node:util");
const grpc = require("@grpc/grpc-js");
const protos = require("./protos.js");

const LIMIT = 60_000;
const MIB = 1024 * 1024;
const [, , place, scenario, secret] = process.argv;
const address = place.startsWith("/") ? "unix:" + place : place;
const options = {
  "grpc.max_send_message_length": -1,
  "grpc.max_receive_message_length": -1,
  "grpc.default_authority": "sidecar",
};
const clients = [];
const client = Service => {
  const made = new Service(address, grpc.credentials.createInsecure(), options);
  clients.push(made);
  return made;
};
const within = (limit = LIMIT) => ({ deadline: Date.now() + limit });

function metadata() {
  const told = new grpc.Metadata();
  if (secret) {
    told.set("x-sidecar-secret", secret);
  }
  return told;
}

const authorization = client(protos.envoy.service.auth.v3.Authorization);
const processor = client(protos.envoy.service.ext_proc.v3.ExternalProcessor);
const healthService = client(protos.grpc.health.v1.Health);

// A stream whose answers are awaited one by one; null is its end.
class Stream {
  constructor(limit) {
    this.call = processor.Process(metadata(), within(limit));
    this.answers = [];
    this.waiting = [];
    this.status = new Promise(resolve => this.call.on("status", resolve));
    this.call.on("data", answer => this.give(answer));
    this.call.on("error", error => this.give(error));
    this.call.on("end", () => this.give(null));
  }

  give(answer) {
    const next = this.waiting.shift();
    next ? next(answer) : this.answers.push(answer);
  }

  async next() {
    const answer = this.answers.length > 0 ? this.answers.shift() : await new Promise(resolve => this.waiting.push(resolve));
    if (answer instanceof Error) {
      throw answer;
    }
    return answer;
  }

  async ask(message) {
    this.call.write(message);
    return this.next();
  }

  // Ends our side and returns the status, expecting no further answer.
  async close() {
    this.call.end();
    const extra = await this.next();
    return extra ? `an answer too many: ${inspect(extra)}` : grpc.status[(await this.status).code];
  }
}

const header = (key, value) => ({ key, raw_value: Buffer.from(value) });

const request = (path = "/hello", last = true, mode = undefined, headers = []) => ({
  request_headers: {
    headers: {
      headers: [header(":method", "POST"), header(":path", path), header(":authority", "shop.example"), header(":scheme", "https"), ...headers],
    },
    end_of_stream: last,
  },
  ...(mode === undefined ? {} : { protocol_config: { request_body_mode: mode } }),
});

const body = (data, last = true) => ({ request_body: { body: data, end_of_stream: last } });

function check(path, data = undefined) {
  const http = { method: "POST", path, host: "shop.example", protocol: "HTTP/1.1", raw_body: data };
  return new Promise((resolve, reject) =>
    authorization.Check({ attributes: { request: { http } } }, metadata(), within(), (error, answer) => (error ? reject(error) : resolve(answer))));
}

async function ask(path, data) {
  const answer = await check(path, data);
  return `${answer.status?.code ?? 0} ${answer.denied_response?.status?.code ?? "-"}`;
}

const scenarios = {
  authz: async () => (await Promise.all(["/hello", "/teapot", "/old-page", "/members"].map(path => ask(path)))).join(", "),

  authz_large: () => ask("/hello", Buffer.alloc(4 * MIB)),

  authz_too_large: () => ask("/hello", Buffer.alloc(6 * MIB)),

  health: () => new Promise((resolve, reject) =>
    healthService.Check({}, metadata(), within(), (error, answer) => (error ? reject(error) : resolve(answer.status === "SERVING" ? 1 : answer.status)))),

  other: () => new Promise((resolve, reject) =>
    authorization.makeUnaryRequest("/envoy.service.auth.v3.Authorization/Other", x => x, x => x, Buffer.alloc(0), metadata(), within(), (error, answer) => (error ? reject(error) : resolve(answer)))),

  async allow() {
    const stream = new Stream();
    const answer = await stream.ask(request());
    return `[${answer.response === "request_headers" ? 1 : answer.response}] ${await stream.close()}`;
  },

  async block() {
    const stream = new Stream();
    const answer = await stream.ask(request("/teapot"));
    const after = await stream.next();
    return `${answer.immediate_response.status.code} ${after === null ? 0 : 1} ${grpc.status[(await stream.status).code]}`;
  },

  async wrong_order() {
    const stream = new Stream();
    const answer = await stream.ask(body(Buffer.from("x")));
    const after = await stream.next();
    return `${answer.immediate_response.status.code} ${after === null ? 0 : 1} ${grpc.status[(await stream.status).code]}`;
  },

  async large() {
    const stream = new Stream();
    const first = await stream.ask(request("/hello", false, 2));
    const second = await stream.ask(body(Buffer.alloc(4 * MIB)));
    const kinds = [first, second].map(answer => ({ request_headers: 1, request_body: 3 })[answer.response] ?? answer.response);
    return `${kinds.join(" ")} 0 ${await stream.close()}`;
  },

  async cancel() {
    const stream = new Stream();
    await stream.ask(request());
    stream.call.cancel();
    return grpc.status[(await stream.status).code];
  },

  async deadline() {
    const stream = new Stream(5000);
    await stream.ask(request());
    await stream.next();
  },

  // All streams are open before any is closed.
  async many(count = 1000) {
    const streams = Array.from({ length: count }, () => new Stream());
    const answers = await Promise.all(streams.map((stream, i) => stream.ask(request(`/${i}`))));
    const right = answers.filter(answer => answer.response === "request_headers").length;
    const ends = await Promise.all(streams.map(stream => stream.close()));
    return `${right} right, ${ends.filter(end => end === "OK").length} OK`;
  },

  // Names in no order of the alphabet, one of them twice.
  async order() {
    const stream = new Stream();
    const names = ["zeta", "alpha", "x-twice", "mid", "x-twice", "beta"];
    await stream.ask(request("/order", true, undefined, names.map((name, i) => header(name, `${i}`))));
    return stream.close();
  },

  // The frames themselves: an error that comes before any message is one block of headers that ends the stream.
  trailers_only: () => frames("/envoy.service.auth.v3.Authorization/Other"),

  headers_and_trailers: () => frames("/grpc.health.v1.Health/Check"),

  async die() {
    await Promise.all(Array.from({ length: 20 }, () => new Stream().ask(request("/hello", false, 1))));
    process.stdout.write("result: dying\n", () => process.kill(process.pid, "SIGKILL"));
    return new Promise(() => {});
  },
};

function frames(path) {
  return new Promise((resolve, reject) => {
    const session = http2.connect("http://sidecar", { createConnection: () => net.connect(place) });
    const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" });
    const seen = [];
    stream.on("response", (headers, flags) => {
      const isEnd = (flags & http2.constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      seen.push(`headers ${headers[":status"]} ${headers["content-type"]} status ${headers["grpc-status"] ?? "none"}${isEnd ? " end" : ""}`);
    });
    stream.once("data", () => seen.push("data"));
    stream.on("trailers", trailers => seen.push(`trailers status ${trailers["grpc-status"]}`));
    stream.on("error", reject);
    stream.on("close", () => {
      session.close();
      resolve(seen.join(", "));
    });
    stream.end(Buffer.alloc(5));
  });
}

async function main() {
  const overdue = setTimeout(() => {
    console.log("result: nothing within a minute");
    process.exit(1);
  }, LIMIT);
  try {
    console.log("result:", await scenarios[scenario]());
  } catch (error) {
    console.log("result:", grpc.status[error.code] ?? inspect(error), inspect(error.details));
  }
  clearTimeout(overdue);
  clients.forEach(one => one.close());
}

main();
