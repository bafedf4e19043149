import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  Kernel
} from "../chunk-JSKUAEG5.js";
import "../chunk-BNP7KJPG.js";
import "../chunk-V3EL5LOM.js";
import "../chunk-MYUHKRCP.js";
import "../chunk-TLNNE6W3.js";
import "../chunk-MDWEB32Y.js";
import "../chunk-WTTS74JV.js";
import "../chunk-BRZXHCDZ.js";
import "../chunk-KYH7TSYC.js";
import {
  ParseStats
} from "../chunk-VJZB6MOE.js";
import {
  Chunk,
  bit,
  setBit
} from "../chunk-TBKYUH34.js";
import "../chunk-TONEWEO2.js";
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
import "../chunk-CLQZY57A.js";
import "../chunk-A5KJPO3G.js";
import "../chunk-R6P75VNJ.js";
import "../chunk-CDQ2KRLW.js";
import {
  tableColumns
} from "../chunk-6JEHCNW6.js";
import "../chunk-KXDMV5BO.js";
import "../chunk-RGOYJG2Y.js";
import "../chunk-EPKFPIWO.js";
import "../chunk-JUVGXVR4.js";
import "../chunk-VQISXDOC.js";
import "../chunk-TH4FY7UR.js";
import "../chunk-XAGLG5OY.js";
import "../chunk-JJ6JF4DP.js";
import {
  SluiceError
} from "../chunk-YDIRAWJT.js";
import "../chunk-YJDLZ72D.js";

// src/commands/parse.ts
import { createReadStream } from "node:fs";
var DELIMITERS = { newline: 10, nul: 0 };
function addParseCommand(program, { environment, stdout }) {
  program.command("parse").description("read messages from files or stdin as the kernel does; prints a line of JSON for each").addHelpText(
    "after",
    variablesHelp(SECTIONS.schema, SECTIONS.worker.pick({ highValueThreshold: true }), SECTIONS.log)
  ).argument("[files...]", "files of messages; default: stdin").option("--delimiter <name>", `what ends a message: ${Object.keys(DELIMITERS).join(", ")}`, "newline").option("--spec <file>", "table spec; default: TABLE_SPEC, else the built-in orders spec").option("--threshold <amount>", "amounts above are of high value; default: HIGH_VALUE_THRESHOLD").option(
    "--stats",
    "instead of messages: how many of each status, GB/s of the kernel alone, share of rows on the fast path"
  ).action(async (files, { stats, ...texts }) => {
    const { delimiter, spec, threshold } = texts;
    if (!isDelimiter(delimiter)) {
      throw new SluiceError("SLUICE_CONFIG", `--delimiter must be newline or nul, not ${delimiter}`);
    }
    const { config } = environment({ TABLE_SPEC: spec, HIGH_VALUE_THRESHOLD: threshold });
    const { highValueThreshold } = config.worker;
    const write = (lines) => stdout.write(lines);
    const totals = stats ? new ParseStats() : void 0;
    const options = { spec: config.spec, highValueThreshold, delimiter, write, stats: totals };
    for (const input of files.length > 0 ? files.map(fileBytes) : [process.stdin]) await parse(input, options);
    if (totals !== void 0) await write(totals.text());
  });
}
function isDelimiter(text) {
  return text !== void 0 && Object.hasOwn(DELIMITERS, text);
}
async function* fileBytes(path) {
  try {
    yield* createReadStream(path, { highWaterMark: 1 << 20 });
  } catch (cause) {
    throw new SluiceError("SLUICE_CONFIG", `${path} cannot be read: ${cause.message}`, { cause });
  }
}
async function parse(input, options) {
  const reader2 = new MessageReader(options);
  const splitter = new Splitter(options.delimiter);
  for await (const bytes of input) {
    for (const message of splitter.push(bytes)) await reader2.take(message);
  }
  const rest = splitter.end();
  if (rest !== void 0) await reader2.take(rest);
  await reader2.flush();
}
var MAX_MESSAGE_BYTES = 128 << 20;
var TOO_LARGE = /* @__PURE__ */ Symbol("too large");
var Splitter = class {
  #delimiter;
  /** The begun message. */
  #pieces = [];
  #bytes = 0;
  constructor(delimiter) {
    this.#delimiter = delimiter;
  }
  *push(bytes) {
    let start = 0;
    for (; ; ) {
      const end = bytes.indexOf(DELIMITERS[this.#delimiter], start);
      this.#keep(bytes.subarray(start, end === -1 ? bytes.length : end));
      if (end === -1) return;
      const message = this.#take();
      if (!this.#isBlank(message)) yield message;
      start = end + 1;
    }
  }
  /** What comes after the last delimiter, if anything. */
  end() {
    const message = this.#take();
    return message !== TOO_LARGE && (message.length === 0 || this.#isBlank(message)) ? void 0 : message;
  }
  #keep(piece) {
    this.#bytes += piece.length;
    if (this.#bytes > MAX_MESSAGE_BYTES) this.#pieces = [];
    else this.#pieces.push(piece);
  }
  #take() {
    const [pieces, bytes] = [this.#pieces, this.#bytes];
    this.#pieces = [];
    this.#bytes = 0;
    if (bytes > MAX_MESSAGE_BYTES) return TOO_LARGE;
    return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
  }
  #isBlank(message) {
    return this.#delimiter === "newline" && message !== TOO_LARGE && message.every((byte) => BLANKS.has(byte));
  }
};
var BLANKS = new Set(Buffer.from(" 	\r"));
var MessageReader = class {
  #options;
  #kernel;
  #columns;
  #chunk = new Chunk();
  constructor(options) {
    this.#options = options;
    const { rowLimit, valueCapacity } = this.#chunk;
    this.#kernel = Kernel.create(options.spec, {
      highValueThreshold: options.highValueThreshold,
      lateAfterMs: 0,
      batchRows: rowLimit,
      batchBytes: valueCapacity
    });
    this.#columns = tableColumns(options.spec).map((column, index) => ({ column, index })).filter(({ column }) => !OF_KAFKA.has(column.name));
  }
  async take(message) {
    if (message === TOO_LARGE) {
      await this.flush();
      if (this.#options.stats !== void 0) this.#options.stats.addTooLarge();
      else await this.#options.write('{"status":"too_large"}\n');
    } else if (message.length > this.#chunk.valueCapacity) {
      await this.flush();
      const large = new Chunk(1, message.length);
      append(large, message);
      await this.#read(large);
    } else {
      if (!this.#chunk.hasRoomFor(1, message.length, 0)) await this.flush();
      append(this.#chunk, message);
    }
  }
  async flush() {
    if (this.#chunk.rows > 0) await this.#read(this.#chunk);
    this.#chunk.clear();
  }
  async #read(chunk) {
    const { stats } = this.#options;
    const start = performance.now();
    const output = this.#kernel.read(0, [chunk.handle()]);
    if (stats !== void 0) {
      stats.add(output, chunk.valueBytes, performance.now() - start);
      return;
    }
    const { recordBatches, rejects } = output;
    const rejected = new Map(rejects.map((reject) => [reject.row, reject]));
    const rows = recordBatches.flatMap((batch) => this.#rows(batch));
    let next = 0;
    const lines = Array.from({ length: chunk.rows }, (_, index) => {
      const reject = rejected.get(index);
      if (reject === void 0) return JSON.stringify({ status: "ok", row: rows[next++] });
      const { status, position, column } = reject;
      return JSON.stringify({ status, column, position: position === -1 ? void 0 : position });
    });
    await this.#options.write(`${lines.join("\n")}
`);
  }
  #rows(batch) {
    const cells = this.#columns.map(({ column, index }) => ({ name: column.name, at: reader(batch, index, column) }));
    return Array.from(
      { length: batch.numRows },
      (_, row) => Object.fromEntries(cells.map(({ name, at }) => [name, at(row)]))
    );
  }
};
var OF_KAFKA = /* @__PURE__ */ new Set(["is_late", "kafka_partition", "kafka_offset", "kafka_timestamp"]);
function append(chunk, message) {
  const { views, rows } = chunk;
  views.values.set(message, chunk.valueBytes);
  chunk.valueBytes += message.length;
  chunk.rows++;
  views.valueOffsets[chunk.rows] = chunk.valueBytes;
  setBit(views.valueValidity, rows, true);
}
function reader(batch, index, { type }) {
  const { values, valueOffsets, nullBitmap } = batch.data.children[index];
  const orNull = (read) => (row) => nullBitmap !== void 0 && nullBitmap.length > 0 && !bit(nullBitmap, row) ? null : read(row);
  switch (type) {
    case "utf8":
      return orNull((row) => Buffer.from(values.subarray(valueOffsets[row], valueOffsets[row + 1])).toString());
    case "bool":
      return orNull((row) => bit(values, row));
    case "decimal18_4": {
      const halves = new BigInt64Array(values.buffer, values.byteOffset, batch.numRows * 2);
      return orNull((row) => decimalText(halves[row * 2]));
    }
    case "timestamp_us_utc":
      return orNull((row) => timeText(values[row]));
    case "date32":
      return orNull((row) => new Date(values[row] * 864e5).toISOString().split("T")[0]);
    default:
      return orNull((row) => Number.isSafeInteger(Number(values[row])) ? Number(values[row]) : String(values[row]));
  }
}
function decimalText(scaled) {
  const digits = String(scaled < 0n ? -scaled : scaled).padStart(5, "0");
  return `${scaled < 0n ? "-" : ""}${digits.slice(0, -4)}.${digits.slice(-4)}`;
}
function timeText(microseconds) {
  const milliseconds = microseconds / 1000n - (microseconds % 1000n < 0n ? 1n : 0n);
  const rest = String(microseconds - milliseconds * 1000n).padStart(3, "0");
  return new Date(Number(milliseconds)).toISOString().replace("Z", `${rest}Z`);
}
export {
  addParseCommand,
  parse
};
//# sourceMappingURL=parse.js.map
