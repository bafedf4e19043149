import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  QueryServer
} from "../../chunk-UGEQL673.js";
import "../../chunk-DWRPAFQN.js";
import "../../chunk-OE7B3VBQ.js";
import "../../chunk-DGXFOAQC.js";
import "../../chunk-GJN24UZD.js";
import {
  DuckDbSink
} from "../../chunk-VBRIGL4D.js";
import "../../chunk-UOR5Z4RO.js";
import "../../chunk-Z3X3PFTP.js";
import "../../chunk-4MCGYZ4L.js";
import "../../chunk-6Q775EKL.js";
import "../../chunk-KADXQZG4.js";
import "../../chunk-AWYU4VQC.js";
import "../../chunk-6FB4SQ4F.js";
import "../../chunk-RDMFBE6V.js";
import "../../chunk-372E3WHQ.js";
import "../../chunk-CD75S7PK.js";
import "../../chunk-Q7EU2OTC.js";
import "../../chunk-UJUMVWN2.js";
import "../../chunk-4RXNSG7Q.js";
import "../../chunk-UFHYT4J4.js";
import "../../chunk-ZXIYXBTA.js";
import "../../chunk-3CYC53KP.js";
import "../../chunk-MGXMPSQE.js";
import "../../chunk-QVZ4RX7Q.js";
import "../../chunk-BLAVQB6S.js";
import {
  RunningQueries
} from "../../chunk-RXQEFNT4.js";
import "../../chunk-XA52K7QX.js";
import "../../chunk-35ENZBND.js";
import "../../chunk-ZIERCETT.js";
import "../../chunk-CLQZY57A.js";
import "../../chunk-6JEHCNW6.js";
import "../../chunk-Y3JUF4HW.js";
import {
  asSluiceError
} from "../../chunk-OOJGYMCI.js";
import "../../chunk-YJDLZ72D.js";

// src/sinks/duckdb/sink-thread.ts
import { parentPort, workerData } from "node:worker_threads";
var options = workerData;
var queries = new RunningQueries();
var sink = new DuckDbSink(options, queries);
var server;
async function call({ method, args }) {
  const operation = sink[method];
  if (method === "close") await server?.close();
  const value = await operation.apply(sink, [...args]);
  if (method === "open") server = await QueryServer.start(sink.instance, options.dataDir, queries);
  return value;
}
parentPort?.on("message", (request) => {
  call(request).then(
    (value) => reply({ id: request.id, ok: true, value }),
    (thrown) => reply({ id: request.id, ok: false, error: asSluiceError(thrown, "SLUICE_SINK", "the sink").toMessage() })
  );
});
function reply(message) {
  parentPort?.postMessage(message);
}
//# sourceMappingURL=sink-thread.js.map
