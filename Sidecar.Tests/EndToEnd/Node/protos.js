"use strict";

// Our .proto files, read by a parser that is not ours; they lie beside the tests.
const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const folder = path.join(__dirname, "..", "Protos");

module.exports = grpc.loadPackageDefinition(loader.loadSync(fs.readdirSync(folder), {
  includeDirs: [folder],
  keepCase: true,
  longs: Number,
  enums: String,
  defaults: false,
  oneofs: true,
}));
