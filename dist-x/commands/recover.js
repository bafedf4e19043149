import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  rebuild
} from "../chunk-GWX254SV.js";
import "../chunk-UK3OWATL.js";
import "../chunk-HKUVROYJ.js";
import "../chunk-XNFJFQDM.js";
import {
  hasTables,
  readScope
} from "../chunk-LS4AT5JP.js";
import {
  readLedger
} from "../chunk-ZV4RSKXB.js";
import {
  counted
} from "../chunk-UFKKNCBU.js";
import {
  openSql
} from "../chunk-HM3HJJNC.js";
import "../chunk-KJC4RAC6.js";
import "../chunk-NTP3J676.js";
import "../chunk-BD3RWV2C.js";
import "../chunk-4J46FUJU.js";
import "../chunk-4RNLI5IY.js";
import "../chunk-WX4LE7JX.js";
import {
  hasOldNames,
  upgradeFolders
} from "../chunk-LDVDKCHS.js";
import {
  refuseDamage,
  removeUncounted
} from "../chunk-NNPZDQ3O.js";
import {
  readLedgerState
} from "../chunk-LOGFUWOU.js";
import {
  openDatabase
} from "../chunk-DD43SIRQ.js";
import "../chunk-6VYFZIUW.js";
import {
  openFormat
} from "../chunk-MPPZZGPY.js";
import "../chunk-MGXMPSQE.js";
import {
  compareFiles
} from "../chunk-QVZ4RX7Q.js";
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
import {
  ORDERS_SPEC
} from "../chunk-KBMPOV5R.js";
import "../chunk-6NKXPVZU.js";
import {
  databasePath,
  listFiles,
  topicFolder
} from "../chunk-CLQZY57A.js";
import "../chunk-A5KJPO3G.js";
import "../chunk-R6P75VNJ.js";
import "../chunk-CDQ2KRLW.js";
import "../chunk-6JEHCNW6.js";
import "../chunk-KXDMV5BO.js";
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

// src/commands/recover.ts
import { existsSync } from "node:fs";
import { relative } from "node:path";
var MAX_NAMES = 10;
var CHOICES = `What can be done:
  put the newer analytics.db back, with its analytics.db.wal: nothing is lost
  sluice recover --from-parquet: makes the database from all Parquet files; positions are where they end. Quarantined
    messages that only the lost database had stay lost, and it says which
  sluice recover --remove-uncounted: removes the files that the database does not name; their messages are read again,
    if Kafka still has them
`;
function addRecoverCommand(program, { environment, stdout, onFailure }) {
  program.command("recover").description("explain how the database and the Parquet files differ; an option repairs it").addHelpText(
    "after",
    variablesHelp(
      SECTIONS.storage,
      SECTIONS.kafka.pick({ topic: true }),
      SECTIONS.schema,
      SECTIONS.duckdb.omit({ mergeFrom: true }),
      SECTIONS.log
    )
  ).option("--from-parquet", "make the database from the Parquet files; the old one is kept", false).option("--remove-uncounted", "remove the Parquet files that the database does not name", false).action(async (options) => {
    let text = "";
    try {
      const ok = await recover(environment().config, options, (more) => {
        text += more;
      });
      if (!ok) onFailure();
    } finally {
      await stdout.write(text);
    }
  });
}
async function recover(config, options, write) {
  if (options.fromParquet && options.removeUncounted) {
    throw new SluiceError("SLUICE_CONFIG", "recover takes --from-parquet or --remove-uncounted, not both");
  }
  if (options.fromParquet) {
    await refuseLive(config.dataDir);
    describeRebuild(await rebuildFrom(config), config, write);
    return true;
  }
  if (options.removeUncounted) {
    await removeFiles(config, write);
    return true;
  }
  return await explain(config, write);
}
async function refuseLive(dataDir) {
  try {
    const client = await openSql(dataDir);
    const { live } = client;
    client.close();
    if (!live) return;
  } catch (thrown) {
    if (thrown instanceof SluiceError && thrown.code === "SLUICE_LOCKED") throw thrown;
    return;
  }
  throw new SluiceError("SLUICE_LOCKED", `DATA_DIR=${dataDir} has a process that runs on it: stop it first`);
}
function rebuildFrom({ dataDir, kafka, spec, tableSpec, duckdb }) {
  return rebuild({
    dataDir,
    topic: kafka.topic,
    spec: tableSpec === void 0 ? void 0 : spec,
    fallbackSpec: ORDERS_SPEC,
    memoryLimit: duckdb.memoryLimit
  });
}
function describeRebuild(made, { dataDir, tableSpec }, write) {
  const specs = {
    given: `${tableSpec} (TABLE_SPEC)`,
    "old database": "of the old database",
    fallback: "built in, orders"
  };
  write(`table spec: ${specs[made.specFrom]}
`);
  write(`${counted(made.files, "file")}: ${counted(made.rowsMerged, "row")} merged, `);
  write(`${counted(made.rowsDuplicate, "duplicate")}
`);
  for (const partition of made.partitions) write(describePartition(partition));
  for (const name of made.uncertain) {
    write(`${name} does not say how many messages of its offsets were quarantined or tombstones
`);
  }
  for (const name of made.uncounted) write(`the next start removes ${name}: it is not needed
`);
  if (made.keptAs !== void 0) write(`the old database is kept as ${relative(dataDir, made.keptAs)}
`);
  write('analytics.db is made anew; "sluice verify" proves it, "sluice run" continues\n');
}
function describePartition({ partition, start, next, holes, quarantined, quarantineKept }) {
  const lost = Math.max(0, quarantined - quarantineKept);
  const quarantine = lost === 0 ? "" : `; ${counted(lost, "quarantined message")} lost with the database`;
  const missing = holes.map((hole) => `${hole.start} to ${hole.next}`).join(", ");
  const none = holes.length === 0 ? "" : `; no file has offsets ${missing}: messages without rows, or a file that is gone`;
  return `partition ${partition}: offsets ${start} to ${next}${quarantine}${none}
`;
}
async function removeFiles({ dataDir, kafka, duckdb }, write) {
  const database = databasePath(dataDir);
  if (!existsSync(database)) {
    throw new SluiceError(
      "SLUICE_CONFIG",
      `DATA_DIR=${dataDir} has no analytics.db: no file is counted; put it back, or use --from-parquet`
    );
  }
  const instance = await openDatabase(database, { dataDir, ...duckdb });
  const connection = await instance.connect();
  try {
    const found = await readLedgerState(connection);
    if (!hasOldNames(found)) refuseDamage(dataDir, compareFiles(dataDir, kafka.topic, found).damaged);
    await openFormat(connection, kafka.topic);
    await upgradeFolders(connection, dataDir, kafka.topic);
    const removed = removeUncounted(dataDir, kafka.topic, await readLedgerState(connection));
    for (const { file, why } of removed) write(`removed ${file}: ${why}
`);
    write(`${counted(removed.length, "file")} removed; "sluice run" continues from the positions of the database
`);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
async function explain({ dataDir, kafka }, write) {
  if (!existsSync(databasePath(dataDir))) return explainOrphans("missing", dataDir, kafka.topic, write);
  let client;
  try {
    client = await openSql(dataDir);
  } catch (thrown) {
    if (!(thrown instanceof SluiceError) || thrown.code !== "SLUICE_SINK") throw thrown;
    write(`${thrown.message}

${CHOICES}`);
    return false;
  }
  try {
    if (client.live)
      throw new SluiceError("SLUICE_LOCKED", `a process runs on DATA_DIR=${dataDir}: nothing to recover`);
    if (!await hasTables(client)) return explainOrphans("empty", dataDir, kafka.topic, write);
    const { topic } = await readScope(client, dataDir);
    const { leftovers, unexplained, damaged } = compareFiles(dataDir, topic, await readLedger(client));
    for (const { file, why } of leftovers) write(`the next start removes ${file}: ${why}
`);
    list(`${counted(unexplained.length, "Parquet file")} that the database does not explain`, unexplained, write);
    list(`${counted(damaged.length, "file")} of the ledger not whole: put them back`, damaged, write);
    if (unexplained.length > 0) write(`
${CHOICES}`);
    if (unexplained.length + damaged.length > 0) return false;
    write("nothing to recover\n");
    return true;
  } finally {
    client.close();
  }
}
function explainOrphans(what, dataDir, topic, write) {
  const orphans = listFiles(topicFolder(dataDir, topic)).filter((path) => path.endsWith(".parquet"));
  if (orphans.length === 0) {
    throw new SluiceError("SLUICE_CONFIG", `DATA_DIR=${dataDir} has no data of ${topic} yet: "sluice run" makes it`);
  }
  write(`analytics.db is ${what}, there are ${counted(orphans.length, "Parquet file")}

${CHOICES}`);
  return false;
}
function list(title, names, write) {
  if (names.length === 0) return;
  write(`${title}:
`);
  for (const name of names.slice(0, MAX_NAMES)) write(`  ${name}
`);
  if (names.length > MAX_NAMES) write(`  \u2026 and ${names.length - MAX_NAMES} more
`);
}
export {
  addRecoverCommand,
  recover
};
//# sourceMappingURL=recover.js.map
