import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  QueryServer
} from "../../chunk-NTP3J676.js";
import "../../chunk-BD3RWV2C.js";
import "../../chunk-4J46FUJU.js";
import "../../chunk-4RNLI5IY.js";
import "../../chunk-WX4LE7JX.js";
import {
  DuckDbSink
} from "../../chunk-IZVTVM3I.js";
import "../../chunk-TKDQ5UWZ.js";
import "../../chunk-SKOW2O6Y.js";
import "../../chunk-Z3X3PFTP.js";
import "../../chunk-UIHXB3BA.js";
import "../../chunk-ZJBAB5BW.js";
import "../../chunk-Z5CZQKGQ.js";
import "../../chunk-C47FRX3B.js";
import "../../chunk-S7WSWR6X.js";
import "../../chunk-372E3WHQ.js";
import "../../chunk-CD75S7PK.js";
import "../../chunk-LDVDKCHS.js";
import "../../chunk-NNPZDQ3O.js";
import "../../chunk-LOGFUWOU.js";
import "../../chunk-DD43SIRQ.js";
import "../../chunk-6VYFZIUW.js";
import "../../chunk-MPPZZGPY.js";
import "../../chunk-MGXMPSQE.js";
import "../../chunk-QVZ4RX7Q.js";
import "../../chunk-BLAVQB6S.js";
import {
  RunningQueries
} from "../../chunk-EBS55YID.js";
import "../../chunk-XA52K7QX.js";
import "../../chunk-35ENZBND.js";
import "../../chunk-ZIERCETT.js";
import "../../chunk-CLQZY57A.js";
import "../../chunk-6JEHCNW6.js";
import "../../chunk-Y3JUF4HW.js";
import {
  asSluiceError
} from "../../chunk-YDIRAWJT.js";
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
