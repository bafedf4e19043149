import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  DuckDbSink
} from "../chunk-VBRIGL4D.js";
import "../chunk-UOR5Z4RO.js";
import "../chunk-Z3X3PFTP.js";
import "../chunk-4MCGYZ4L.js";
import "../chunk-6Q775EKL.js";
import "../chunk-KADXQZG4.js";
import "../chunk-AWYU4VQC.js";
import "../chunk-6FB4SQ4F.js";
import "../chunk-RDMFBE6V.js";
import "../chunk-372E3WHQ.js";
import "../chunk-CD75S7PK.js";
import "../chunk-Q7EU2OTC.js";
import "../chunk-UJUMVWN2.js";
import "../chunk-4RXNSG7Q.js";
import "../chunk-UFHYT4J4.js";
import "../chunk-ZXIYXBTA.js";
import "../chunk-3CYC53KP.js";
import "../chunk-MGXMPSQE.js";
import "../chunk-QVZ4RX7Q.js";
import "../chunk-BLAVQB6S.js";
import "../chunk-RXQEFNT4.js";
import "../chunk-XA52K7QX.js";
import "../chunk-35ENZBND.js";
import "../chunk-ZIERCETT.js";
import {
  variablesHelp
} from "../chunk-QVWHMW6S.js";
import {
  SECTIONS
} from "../chunk-RSNPQ7RP.js";
import "../chunk-3KHFPC5P.js";
import "../chunk-XX2QXVV5.js";
import "../chunk-WLLQFX4B.js";
import "../chunk-JPEX5SPN.js";
import "../chunk-DGTVI5YT.js";
import "../chunk-6NKXPVZU.js";
import {
  databasePath
} from "../chunk-CLQZY57A.js";
import "../chunk-A5KJPO3G.js";
import "../chunk-CDQ2KRLW.js";
import "../chunk-6JEHCNW6.js";
import "../chunk-R6P75VNJ.js";
import {
  logRemoved
} from "../chunk-KXDMV5BO.js";
import "../chunk-RGOYJG2Y.js";
import "../chunk-Y3JUF4HW.js";
import "../chunk-TVFHEO26.js";
import "../chunk-NDIGE3PA.js";
import "../chunk-TH4FY7UR.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import {
  SluiceError
} from "../chunk-OOJGYMCI.js";
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
