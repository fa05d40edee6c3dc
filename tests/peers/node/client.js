// A node-opcua client that does what its argument says (JSON) and prints what came of it (JSON).
//
//   {"endpoint": "opc.tcp://…", "folder": "certificates", "policy": "None", "mode": "None",
//    "user": "…", "password": "…" or "userCertificate": "….der", "userKey": "….pem", "steps": [{"read": ["ns=2;s=A"]}, …]}
//
// Steps: read [node], write [{node, type, value}], browse node, call [object, method, text…],
// history {node, start, end}, monitor {nodes, sampling, publishing, seconds, deadband, queue}.
"use strict";
const fs = require("fs");
const {
  AttributeIds, BrowseDirection, ClientMonitoredItemGroup, DataChangeFilter, DataChangeTrigger,
  DataType, DeadbandType, MessageSecurityMode, OPCUACertificateManager, OPCUAClient,
  ReadRawModifiedDetails, SecurityPolicy, TimestampsToReturn, UserTokenType, Variant, VariantArrayType,
} = require("node-opcua");

const plain = (value) => {
  if (typeof value === "bigint") return Number(value);
  if (value instanceof Date) return value.toISOString();
  if (ArrayBuffer.isView(value)) return Array.from(value, plain);
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === "object" && value.text !== undefined) return value.text;
  return value === undefined ? null : value;
};

const row = (data) => ({
  type: data.value ? DataType[data.value.dataType] : null,
  value: data.value ? plain(data.value.value) : null,
  status: data.statusCode.name,
  source: data.sourceTimestamp ? data.sourceTimestamp.toISOString() : null,
});

const steps = {
  async read(session, nodes) {
    const wanted = nodes.map((nodeId) => ({ nodeId, attributeId: AttributeIds.Value }));
    return (await session.read(wanted)).map(row);
  },

  async write(session, values) {
    const wanted = values.map(({ node, type, value }) => ({
      nodeId: node,
      attributeId: AttributeIds.Value,
      value: {
        value: new Variant({
          dataType: DataType[type], arrayType: VariantArrayType.Scalar, value,
        }),
      },
    }));
    return (await session.write(wanted)).map((status) => status.name);
  },

  async browse(session, nodeId) {
    let result = await session.browse({
      nodeId, browseDirection: BrowseDirection.Forward, referenceTypeId: "HierarchicalReferences",
      includeSubtypes: true, nodeClassMask: 0, resultMask: 63,
    });
    const found = result.references || [];
    while (result.continuationPoint && result.continuationPoint.length) {
      result = await session.browseNext(result.continuationPoint, false);
      found.push(...(result.references || []));
    }
    return found.map((item) => ({
      node: item.nodeId.toString(), name: item.browseName.name,
      type: item.typeDefinition.toString(), reference: item.referenceTypeId.toString(),
    }));
  },

  async call(session, [objectId, methodId, ...given]) {
    const inputArguments = given.map((value) => ({ dataType: DataType.String, value }));
    const result = await session.call({ objectId, methodId, inputArguments });
    return result.statusCode.name;
  },

  async history(session, { node, start, end }) {
    const result = await session.readHistoryValue(node, new Date(start), new Date(end));
    const data = result.historyData ? result.historyData.dataValues : [];
    return { status: result.statusCode.name, values: (data || []).map(row) };
  },

  async monitor(session, { nodes, sampling, publishing, seconds, deadband, queue }) {
    const subscription = await session.createSubscription2({
      requestedPublishingInterval: publishing, requestedLifetimeCount: 1000,
      requestedMaxKeepAliveCount: 10, maxNotificationsPerPublish: 0, publishingEnabled: true,
    });
    const filter = deadband
      ? new DataChangeFilter({
        trigger: DataChangeTrigger.StatusValue, deadbandType: DeadbandType.Absolute,
        deadbandValue: deadband,
      })
      : undefined;
    const group = ClientMonitoredItemGroup.create(
      subscription,
      nodes.map((nodeId) => ({ nodeId, attributeId: AttributeIds.Value })),
      { samplingInterval: sampling, queueSize: queue || 1, discardOldest: true, filter },
      TimestampsToReturn.Both,
    );
    const changes = {};
    group.on("changed", (item, data, index) => {
      (changes[nodes[index]] = changes[nodes[index]] || []).push(row(data));
    });
    await new Promise((done) => setTimeout(done, seconds * 1000));
    await subscription.terminate();
    return changes;
  },
};

async function main() {
  const wanted = JSON.parse(process.argv[2]);
  const certificates = new OPCUACertificateManager({
    rootFolder: wanted.folder, automaticallyAcceptUnknownCertificate: true,
  });
  await certificates.initialize();
  const client = OPCUAClient.create({
    applicationName: "takt-test", clientCertificateManager: certificates,
    applicationUri: wanted.uri, certificateFile: `${wanted.folder}/own.pem`,
    privateKeyFile: `${wanted.folder}/own/private/private_key.pem`,
    endpointMustExist: false, connectionStrategy: { maxRetry: 0, initialDelay: 50 },
    securityMode: MessageSecurityMode[wanted.mode || "None"],
    securityPolicy: SecurityPolicy[wanted.policy || "None"],
  });
  const results = [];
  try {
    await client.connect(wanted.endpoint);
    const identity = wanted.userCertificate
      ? {
        type: UserTokenType.Certificate,
        certificateData: fs.readFileSync(wanted.userCertificate),
        privateKey: fs.readFileSync(wanted.userKey, "ascii"),
      }
      : wanted.user
      ? { type: UserTokenType.UserName, userName: wanted.user, password: wanted.password }
      : { type: UserTokenType.Anonymous };
    const session = await client.createSession(identity);
    for (const step of wanted.steps) {
      const [name] = Object.keys(step);
      results.push(await steps[name](session, step[name]));
    }
    await session.close();
    console.log(JSON.stringify({ results }));
  } catch (error) {
    console.log(JSON.stringify({ results, error: error.message }));
  } finally {
    await client.disconnect();
    await certificates.dispose();
  }
}

main().then(() => process.exit(0));
