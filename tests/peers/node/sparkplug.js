// A host application's view of Sparkplug B by the library of Eclipse Tahu: lines of JSON both ways.
//
//   {"topic": "spBv1.0/…", "payload": "base64"}  →  the payload as the library reads it
//   {"encode": {"timestamp": 1, "metrics": [{"name": "A", "type": "Int32", "value": 5}]}}
//                                               →  {"payload": "base64"}
//
// Data bears no datatypes: the host knows them from the births, by alias, and for members of
// templates from the definitions. They are put in before the library interprets the values.
"use strict";
const readline = require("readline");
const { decodePayload, encodePayload } = require("sparkplug-payload").get("spBv1.0");
const proto = require("sparkplug-payload/lib/sparkplugPayloadProto").org.eclipse.tahu.protobuf;

const TEMPLATE = 19;
const aliases = new Map();
const definitions = new Map();

const learn = (metric) => {
  if (metric.alias) aliases.set(String(metric.alias), metric);
  const template = metric.templateValue;
  if (template && template.isDefinition) definitions.set(metric.name, template.metrics);
};

const complete = (metric, known) => {
  if (known && !metric.datatype) metric.datatype = known.datatype;
  if (metric.datatype !== TEMPLATE) return;
  const members = definitions.get(metric.templateValue.templateRef) || [];
  for (const member of metric.templateValue.metrics) {
    complete(member, members.find((item) => item.name === member.name));
  }
};

const plain = (key, value) => {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  const isLong = value && typeof value === "object" && "low" in value && "high" in value;
  return isLong ? Number(value.toString ? value.toString() : value.low) : value;
};

const read = (topic, bytes) => {
  const payload = proto.Payload.decode(bytes);
  const kind = topic.split("/")[2];
  if (kind === "NBIRTH") { aliases.clear(); definitions.clear(); }
  for (const metric of payload.metrics) {
    if (kind.endsWith("BIRTH")) learn(metric);
    else complete(metric, metric.alias ? aliases.get(String(metric.alias)) : undefined);
  }
  const decoded = decodePayload(proto.Payload.encode(payload).finish());
  for (const metric of decoded.metrics || []) {
    if (metric.alias && !metric.name) metric.name = aliases.get(String(metric.alias)).name;
  }
  return decoded;
};

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const wanted = JSON.parse(line);
  const answer = wanted.encode
    ? { payload: Buffer.from(encodePayload(wanted.encode)).toString("base64") }
    : read(wanted.topic, Buffer.from(wanted.payload, "base64"));
  console.log(JSON.stringify(answer, plain));
});
