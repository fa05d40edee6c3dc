// A node-opcua server with the variables of its argument (JSON); obeys lines of JSON on stdin.
//
//   {"folder": "certificates", "port": 0, "policies": ["None"], "users": {"name": "password"},
//    "limits": {"maxNodesPerRead": 50},
//    "variables": [{"id": "A", "type": "Double", "value": 1.5}, …]}
//
// Prints {"endpoint": "opc.tcp://…"} when it listens and {"written": "A", "value": 2} on writes.
// Lines: {"set": {"A": 2.5}}, {"status": {"A": "BadSensorFailure"}}, {"count": ["A"], "period": 10}.
"use strict";
const readline = require("readline");
const {
  DataType, MessageSecurityMode, OPCUACertificateManager, OPCUAServer, SecurityPolicy,
  StatusCodes, Variant, VariantArrayType,
} = require("node-opcua");

const say = (message) => console.log(JSON.stringify(message));
const wide = (type, value) => {
  if (type !== "Int64" && type !== "UInt64") return value;
  const big = BigInt(value) & 0xffffffffffffffffn;
  return [Number(big >> 32n), Number(big & 0xffffffffn)];
};

async function main() {
  const wanted = JSON.parse(process.argv[2]);
  const certificates = new OPCUACertificateManager({
    rootFolder: wanted.folder, automaticallyAcceptUnknownCertificate: true,
  });
  await certificates.initialize();
  const policies = wanted.policies || ["None"];
  const users = wanted.users || {};
  const server = new OPCUAServer({
    port: wanted.port || 0, hostname: "127.0.0.1", resourcePath: "/peer",
    certificateFile: `${wanted.folder}/own.pem`,
    privateKeyFile: `${wanted.folder}/own/private/private_key.pem`,
    serverInfo: { applicationUri: wanted.uri },
    serverCertificateManager: certificates, userCertificateManager: certificates,
    securityPolicies: policies.map((name) => SecurityPolicy[name]),
    securityModes: policies.map((name) =>
      (name === "None" ? MessageSecurityMode.None : MessageSecurityMode.SignAndEncrypt)),
    allowAnonymous: Object.keys(users).length === 0,
    userManager: { isValidUser: (name, password) => users[name] === password },
    capabilities: { maxSessions: 100 },
    serverCapabilities: { operationLimits: wanted.limits || {} },
    skipOwnNamespace: false,
  });
  await server.initialize();
  const space = server.engine.addressSpace;
  const own = space.getOwnNamespace();
  const variables = new Map();
  const put = (item, value, status) => {
    item.value = value;
    item.node.setValueFromSource(
      new Variant({
        dataType: DataType[item.type], arrayType: VariantArrayType.Scalar,
        value: wide(item.type, value),
      }),
      status || StatusCodes.Good,
    );
  };
  for (const { id, type, value } of wanted.variables) {
    const node = own.addVariable({
      organizedBy: space.rootFolder.objects, browseName: id, nodeId: `s=${id}`, dataType: type,
      minimumSamplingInterval: 10, accessLevel: "CurrentRead | CurrentWrite",
      userAccessLevel: "CurrentRead | CurrentWrite",
    });
    const item = { node, type, value };
    variables.set(id, item);
    put(item, value);
    node.on("value_changed", (data) => {
      const found = data.value.value;
      const same = JSON.stringify(found) === JSON.stringify(wide(type, item.value));
      if (!same) {
        item.value = found;
        say({ written: id, value: found });
      }
    });
  }
  await server.start();
  say({ endpoint: server.getEndpointUrl(), namespace: own.index });
  readline.createInterface({ input: process.stdin }).on("line", (line) => {
    const order = JSON.parse(line);
    for (const [id, value] of Object.entries(order.set || {})) put(variables.get(id), value);
    for (const [id, status] of Object.entries(order.status || {})) {
      put(variables.get(id), variables.get(id).value, StatusCodes[status]);
    }
    if (order.count) {
      setInterval(() => {
        for (const id of order.count) put(variables.get(id), variables.get(id).value + 1);
      }, order.period);
    }
  }).on("close", () => process.exit(0));
}

main();
