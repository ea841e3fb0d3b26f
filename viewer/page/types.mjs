// Makes src/api.ts from the JSON Schema of the documents that the server sends (on standard input).
import { readFileSync, writeFileSync } from "node:fs";
import { compile } from "json-schema-to-typescript";

const schema = JSON.parse(readFileSync(0, "utf8"));
const text = await compile(schema, "Documents", {
  additionalProperties: false,
  bannerComment: "// Made by `make page` from viewer/documents.py; do not edit.",
  unreachableDefinitions: false,
  ignoreMinAndMaxItems: true,
});
writeFileSync(process.argv[2] ?? "src/api.ts", text);
