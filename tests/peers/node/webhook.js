// A receiver of webhooks on node's own HTTP server: keeps what it takes, answers as it is told.
//
//   node webhook.js '{"port": 0, "folder": "…", "authorization": "…"}'
//
// FOLDER/received.ndjson  a line for each request that was taken, written before it is answered
// FOLDER/seen.ndjson      a line for each request that was read, whatever became of it
// FOLDER/plan.json        {"next": [ANSWER, …], "refuse": NUMBER}: how to answer the next requests;
//                         a request with that sample is refused with 422 as long as it stands there
// ANSWER                  {"status", "headers", "body", "wait_ms", "cut": "untaken" | "taken" | "half" | "garbage"}

const fs = require("fs");
const http = require("http");
const path = require("path");

const settings = JSON.parse(process.argv[2]);
const file = (name) => path.join(settings.folder, name);
let connections = 0;
let open = 0;

function plan(request) {
  let found = {};
  try {
    found = JSON.parse(fs.readFileSync(file("plan.json"), "utf8"));
  } catch (error) {
    return {};
  }
  const answer = (found.next || []).shift();
  if (answer) {
    fs.writeFileSync(file("plan.json"), JSON.stringify(found));
    return answer;
  }
  if (found.refuse !== undefined && request.lines.some((line) => line.seq <= found.refuse && found.refuse < line.seq + line.count)) {
    return { status: 422, body: "one of these samples will not do" };
  }
  return {};
}

function note(name, entry) {
  fs.appendFileSync(file(name), JSON.stringify(entry) + "\n");
}

function judge(request, response, socket) {
  const answer = plan(request);
  const status = answer.status || 204;
  const taken = status >= 200 && status < 300 && answer.cut !== "untaken";
  note("seen.ndjson", { ...request, lines: request.lines.map((line) => line.seq), status });
  if (taken) note("received.ndjson", request);
  const end = () => {
    open -= 1;
    if (answer.cut === "half") {
      socket.end("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf", () => socket.destroy());
    } else if (answer.cut === "garbage") {
      socket.end("no answer of HTTP\r\n\r\n");
    } else if (answer.cut) {
      socket.destroy();
    } else {
      response.writeHead(status, answer.headers || {});
      response.end(answer.body || "");
    }
  };
  setTimeout(end, answer.wait_ms || 0);
}

function serve(message, response) {
  const pieces = [];
  open += 1;
  const request = {
    connection: message.socket.number,
    open,
    method: message.method,
    url: message.url,
    headers: message.headers,
  };
  if (settings.authorization && message.headers.authorization !== settings.authorization) {
    open -= 1;
    message.resume();
    response.writeHead(401).end(`no entry with ${message.headers.authorization}`);
    return;
  }
  message.on("data", (piece) => pieces.push(piece));
  message.on("end", () => {
    const lines = Buffer.concat(pieces).toString().split("\n").filter((line) => line).map((line) => JSON.parse(line));
    judge({ ...request, lines }, response, message.socket);
  });
}

const server = http.createServer(serve);
server.on("connection", (socket) => {
  connections += 1;
  socket.number = connections;
});
server.listen(settings.port, "127.0.0.1", () => console.log(`listening on ${server.address().port}`));
