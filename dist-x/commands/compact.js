import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  DuckDbSink
} from "../chunk-IZVTVM3I.js";
import "../chunk-TKDQ5UWZ.js";
import "../chunk-SKOW2O6Y.js";
import "../chunk-Z3X3PFTP.js";
import "../chunk-UIHXB3BA.js";
import "../chunk-ZJBAB5BW.js";
import "../chunk-Z5CZQKGQ.js";
import "../chunk-C47FRX3B.js";
import "../chunk-S7WSWR6X.js";
import "../chunk-372E3WHQ.js";
import "../chunk-CD75S7PK.js";
import "../chunk-LDVDKCHS.js";
import "../chunk-NNPZDQ3O.js";
import "../chunk-LOGFUWOU.js";
import "../chunk-DD43SIRQ.js";
import "../chunk-6VYFZIUW.js";
import "../chunk-MPPZZGPY.js";
import "../chunk-MGXMPSQE.js";
import "../chunk-QVZ4RX7Q.js";
import "../chunk-BLAVQB6S.js";
import "../chunk-EBS55YID.js";
import "../chunk-XA52K7QX.js";
import "../chunk-35ENZBND.js";
import "../chunk-ZIERCETT.js";
import {
  variablesHelp
} from "../chunk-QVWHMW6S.js";
import {
  SECTIONS
} from "../chunk-2MCCLBOB.js";
import "../chunk-3KHFPC5P.js";
import "../chunk-XX2QXVV5.js";
import "../chunk-WLLQFX4B.js";
import "../chunk-NR534RHR.js";
import "../chunk-KBMPOV5R.js";
import "../chunk-6NKXPVZU.js";
import {
  databasePath
} from "../chunk-CLQZY57A.js";
import "../chunk-A5KJPO3G.js";
import "../chunk-R6P75VNJ.js";
import "../chunk-CDQ2KRLW.js";
import "../chunk-6JEHCNW6.js";
import {
  logRemoved
} from "../chunk-KXDMV5BO.js";
import "../chunk-RGOYJG2Y.js";
import "../chunk-Y3JUF4HW.js";
import "../chunk-JUVGXVR4.js";
import "../chunk-VQISXDOC.js";
import "../chunk-TH4FY7UR.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import {
  SluiceError
} from "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";

// src/commands/compact.ts
import { existsSync } from "node:fs";
function addCompactCommand(program, { environment, stdout }) {
  program.command("compact").description('join neighbouring small Parquet files; "run" does so by itself, see COMPACT_AFTER_FILES').addHelpText(
    "after",
    variablesHelp(
      SECTIONS.storage,
      SECTIONS.kafka.pick({ topic: true }),
      SECTIONS.compaction.pick({ targetBytes: true }),
      SECTIONS.parquet.pick({ compression: true }),
      SECTIONS.duckdb.omit({ mergeFrom: true }),
      SECTIONS.schema,
      SECTIONS.log
    )
  ).action(async () => {
    const { filesBefore, filesAfter, bytesBefore, bytesAfter } = await compact(environment());
    const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
    await stdout.write(
      filesBefore === 0 ? "nothing to join\n" : `${filesBefore} files (${megabytes(bytesBefore)}) joined into ${filesAfter} (${megabytes(bytesAfter)})
`
    );
  });
}
async function compact({ config, log }) {
  const { dataDir, spec, compaction, duckdb } = config;
  const { compression } = config.parquet;
  if (!existsSync(databasePath(dataDir))) {
    throw new SluiceError("SLUICE_CONFIG", `DATA_DIR=${dataDir} has no analytics.db: nothing was consumed into it yet`);
  }
  const { topic } = config.kafka;
  const sink = new DuckDbSink({
    ...{ dataDir, topic, spec, ...duckdb },
    compaction: { ...compaction, compression }
  });
  const { removed } = await sink.open();
  logRemoved(log, removed);
  try {
    return await sink.compact(true);
  } finally {
    await sink.close();
  }
}
export {
  addCompactCommand,
  compact
};
//# sourceMappingURL=compact.js.map
