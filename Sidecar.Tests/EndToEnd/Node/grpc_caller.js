"use strict";

// A gRPC client that is not ours calls /test.Service/Method, which echoes, and prints how that ended, one line.
// Arguments: host:port; how: unary, stream (ten messages, then their echoes) or turns (each of ten messages after the echo of the one before); what a
// message says, or how many bytes of it (a number); the header x-act.
const grpc = require("@grpc/grpc-js");
const { inspect } = require("node:util");

const LIMIT = 60_000;
const COUNT = 10;
const [, , address, pattern, word, act] = process.argv;
const content = /^\d+$/.test(word) ? Buffer.alloc(Number(word), "m") : Buffer.from(word);
const client = new grpc.Client(address, grpc.credentials.createInsecure(), { "grpc.max_receive_message_length": -1 });
const metadata = new grpc.Metadata();
if (act) {
  metadata.set("x-act", act);
}

// The bytes as they are: what arrives is what was sent, or it is not.
const same = bytes => bytes;
const frame = Buffer.concat([Buffer.from([0x0a]), varint(content.length), content]);
const within = { deadline: Date.now() + LIMIT };

function varint(value) {
  const bytes = [];
  for (; value > 127; value >>>= 7) {
    bytes.push((value & 127) | 128);
  }
  return Buffer.from([...bytes, value]);
}

function unary() {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest("/test.Service/Method", same, same, frame, metadata, within, (error, answer) => (error ? reject(error) : resolve([answer])));
  });
}

function stream(takesTurns) {
  return new Promise((resolve, reject) => {
    const call = client.makeBidiStreamRequest("/test.Service/Method", same, same, metadata, within);
    const echoes = [];
    call.on("error", reject);
    call.on("end", () => resolve(echoes));
    call.on("data", echo => {
      echoes.push(echo);
      if (takesTurns) {
        echoes.length < COUNT ? call.write(frame) : call.end();
      }
    });
    for (let i = 0; i < (takesTurns ? 1 : COUNT); i++) {
      call.write(frame);
    }
    takesTurns || call.end();
  });
}

async function main() {
  try {
    const echoes = await (pattern === "unary" ? unary() : stream(pattern === "turns"));
    console.log("result: OK %d", echoes.filter(echo => echo.equals(frame)).length);
  } catch (error) {
    console.log("result:", grpc.status[error.code] ?? inspect(error), inspect(error.details));
  }
  client.close();
}

main();
