// The receiver of `uplink.py`: takes every batch on node's own HTTP server and counts it; GET tells.

const http = require("http");

const counted = { requests: 0, samples: 0, bytes: 0 };

const server = http.createServer((request, response) => {
  request.on("data", (piece) => (counted.bytes += piece.length));
  request.on("end", () => {
    if (request.method === "GET") {
      response.end(JSON.stringify(counted));
      return;
    }
    counted.requests += 1;
    counted.samples += Number(request.headers["takt-next"]) - Number(request.headers["takt-seq"]);
    response.writeHead(204).end();
  });
});
server.listen(Number(process.argv[2]), "127.0.0.1", () => console.log("listening"));
