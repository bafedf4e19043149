import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  openSql
} from "./chunk-HM3HJJNC.js";
import {
  shownRows
} from "./chunk-BD3RWV2C.js";
import {
  drawTable
} from "./chunk-53IJUODJ.js";
import {
  variablesHelp
} from "./chunk-QVWHMW6S.js";
import {
  SECTIONS
} from "./chunk-2MCCLBOB.js";
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";

// src/commands/query.ts
var QUERY_FORMATS = ["table", "csv", "json", "arrow"];
function addQueryCommand(program, { environment, stdout }) {
  const command = program.command("query").description("run a read-only query, through the running process if there is one").addHelpText("after", variablesHelp(SECTIONS.storage, SECTIONS.log)).argument("<sql>", "one statement that reads").option("--format <format>", `${QUERY_FORMATS.join(", ")}; default: table on a terminal, else csv`).option("--time-zone <zone>", "shows times with a zone in this one, such as America/New_York", "UTC").allowUnknownOption().allowExcessArguments().action(async (_, { format, timeZone }) => {
    const chosen = format ?? (stdout.isTerminal ? "table" : "csv");
    if (!isFormat(chosen)) {
      throw new SluiceError("SLUICE_CONFIG", `--format must be one of ${QUERY_FORMATS.join(", ")}, not ${chosen}`);
    }
    const sql = onlyStatement(command.args);
    const { dataDir } = environment().config;
    const { width } = stdout;
    await query({ dataDir, sql, format: chosen, timeZone, width, write: (piece) => stdout.write(piece) });
  });
}
function onlyStatement(args) {
  const option = args.find((arg) => /^-\S+$/.test(arg));
  if (option !== void 0) {
    throw new SluiceError("SLUICE_CONFIG", `unknown option ${option}: see "sluice query --help"`);
  }
  if (args.length > 1) {
    throw new SluiceError("SLUICE_CONFIG", `one statement is expected, not ${args.length} arguments: put it in quotes`);
  }
  return args[0];
}
function isFormat(text) {
  return QUERY_FORMATS.includes(text);
}
async function query({ dataDir, sql, format, timeZone, width, write }) {
  const client = await openSql(dataDir);
  try {
    for await (const piece of FORMATS[format](await client.query(sql, { timeZone }), width)) await write(piece);
  } finally {
    client.close();
  }
}
var FORMATS = {
  table: tableText,
  csv: csvText,
  json: jsonText,
  async *arrow(result) {
    const { arrowStream } = await import("./commands/arrow-rows.js");
    yield* arrowStream(result);
  }
};
async function* csvText(result) {
  yield `${result.columns.map(csvCell).join(",")}
`;
  for await (const rows of shownRows(result, { wideNumbers: false }))
    yield rows.map((row) => `${row.map(csvCell).join(",")}
`).join("");
}
async function* jsonText(result) {
  for await (const rows of shownRows(result, { wideNumbers: true }))
    yield rows.map((row) => `${JSON.stringify(asObject(result.columns, row))}
`).join("");
}
var TABLE_ROWS = 1e3;
async function* tableText(result, width) {
  const kept = [];
  let count = 0;
  for await (const rows of shownRows(result, { wideNumbers: false })) {
    count += rows.length;
    kept.push(...rows.slice(0, TABLE_ROWS - kept.length));
  }
  yield drawTable(result.columns, kept, count, width);
}
function asObject(columns, row) {
  return Object.fromEntries(columns.map((column, index) => [column, row[index]]));
}
function csvCell(value) {
  if (value === null || value === void 0) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export {
  QUERY_FORMATS,
  addQueryCommand,
  query
};
//# sourceMappingURL=chunk-CR66ULOL.js.map
