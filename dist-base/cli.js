#!/usr/bin/env node
import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  installedAddon
} from "./chunk-BGJWJGZR.js";
import {
  Output,
  OutputClosed
} from "./chunk-T7IYCPPT.js";
import "./chunk-D6KRNQUS.js";
import {
  Command,
  CommanderError
} from "./chunk-KL3522I4.js";
import {
  namesHelp
} from "./chunk-QVWHMW6S.js";
import {
  SECTIONS,
  misspelledVariables,
  readConfig,
  readLogOptions
} from "./chunk-RSNPQ7RP.js";
import "./chunk-3KHFPC5P.js";
import "./chunk-XX2QXVV5.js";
import "./chunk-WLLQFX4B.js";
import "./chunk-JPEX5SPN.js";
import "./chunk-DGTVI5YT.js";
import "./chunk-6NKXPVZU.js";
import "./chunk-CLQZY57A.js";
import "./chunk-A5KJPO3G.js";
import "./chunk-CDQ2KRLW.js";
import "./chunk-6JEHCNW6.js";
import "./chunk-R6P75VNJ.js";
import {
  createLogger
} from "./chunk-KXDMV5BO.js";
import "./chunk-RGOYJG2Y.js";
import {
  PACKAGE_JSON
} from "./chunk-EPKFPIWO.js";
import {
  PROPERTIES_TEXT
} from "./chunk-TVFHEO26.js";
import "./chunk-NDIGE3PA.js";
import "./chunk-TH4FY7UR.js";
import "./chunk-XAGLG5OY.js";
import "./chunk-JJ6JF4DP.js";
import {
  SluiceError
} from "./chunk-OOJGYMCI.js";
import "./chunk-YJDLZ72D.js";

// src/cli.ts
import { readFileSync } from "node:fs";
var EXIT = { done: 0, failedCheck: 1, badConfiguration: 2, fatal: 3 };
var EXIT_HELP = `
Exit codes: 0 done, 1 a check failed, 2 bad configuration or arguments, 3 fatal at run time.`;
var stdout = new Output(process.stdout, "stdout");
var stderr = new Output(process.stderr, "stderr");
var failedCheck = false;
var STOP_SIGNALS = ["SIGTERM", "SIGINT"];
function stopSignal() {
  const controller = new AbortController();
  const stop = () => {
    for (const name of STOP_SIGNALS) process.off(name, stop);
    controller.abort();
  };
  for (const name of STOP_SIGNALS) process.on(name, stop);
  return controller.signal;
}
var context = {
  environment: (overrides = {}) => {
    const given = Object.entries(overrides).filter(([, value]) => value !== void 0);
    const config = readConfig({ ...process.env, ...Object.fromEntries(given) });
    const log = createLogger(config.log);
    for (const { variable, nearest } of misspelledVariables()) log.warn(`${variable} is not read: is it ${nearest}?`);
    return { config, log };
  },
  stopSignal,
  stdout,
  stderr,
  onFailure: () => {
    failedCheck = true;
  }
};
var COMMANDS = {
  run: async (sluice) => (await import("./commands/run.js")).addRunCommand(sluice, context),
  capture: async (sluice) => (await import("./commands/capture.js")).addCaptureCommand(sluice, context),
  demo: async (sluice) => (await import("./commands/demo.js")).addDemoCommand(sluice, context),
  parse: async (sluice) => (await import("./commands/parse.js")).addParseCommand(sluice, context),
  query: async (sluice) => (await import("./commands/query.js")).addQueryCommand(sluice, context),
  verify: async (sluice) => (await import("./commands/verify.js")).addVerifyCommand(sluice, context),
  recover: async (sluice) => (await import("./commands/recover.js")).addRecoverCommand(sluice, context),
  compact: async (sluice) => (await import("./commands/compact.js")).addCompactCommand(sluice, context)
};
var VERSION_FLAGS = ["-V", "--version"];
async function program(first) {
  const sluice = new Command("sluice").description("Change events from Kafka to Parquet and DuckDB, exactly once").option(VERSION_FLAGS.join(", "), "output the version number").on("option:version", () => {
    stdout.writeLater(`${versionText()}
`);
    throw new CommanderError(EXIT.done, "commander.version", "the version was asked for");
  }).addHelpText("after", `${namesHelp([...Object.values(SECTIONS), PROPERTIES_TEXT])}
${EXIT_HELP}`).configureOutput({
    writeOut: (text) => stdout.writeLater(text),
    writeErr: (text) => stderr.writeLater(text),
    // The error is thrown as well.
    outputError: () => {
    }
  }).exitOverride();
  for (const add of neededCommands(first)) await add(sluice);
  for (const command of sluice.commands) command.exitOverride();
  return sluice;
}
function neededCommands(first = "") {
  if (VERSION_FLAGS.includes(first)) return [];
  return Object.hasOwn(COMMANDS, first) ? [COMMANDS[first]] : Object.values(COMMANDS);
}
function versionText() {
  const { version } = JSON.parse(readFileSync(PACKAGE_JSON, "utf8"));
  const { reader = "none", librdkafka } = installedAddon();
  return `${version} (Kafka source: ${reader}, librdkafka ${librdkafka})`;
}
function report(error) {
  const { level, format } = readLogOptions();
  const code = error instanceof SluiceError ? error.code : void 0;
  const detailed = level === "debug" || level === "trace";
  if (format === "json") {
    createLogger({ level: "fatal", format }).fatal({ code, ...detailed && { error } }, error.message);
  } else {
    stderr.writeLater(`${code ?? "error"}: ${error.message}
`);
    if (detailed) stderr.writeLater(`${error.stack}
${error.cause ? `caused by: ${String(error.cause)}
` : ""}`);
  }
}
function exitCodeOf(thrown) {
  if (thrown instanceof OutputClosed) return EXIT.done;
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return EXIT.done;
  if (thrown instanceof CommanderError && thrown.code === "commander.help") return EXIT.badConfiguration;
  const error = thrown instanceof CommanderError ? argumentError(thrown) : asError(thrown);
  report(error);
  if (!(error instanceof SluiceError)) return EXIT.fatal;
  return error.code === "SLUICE_CONFIG" || error.code === "SLUICE_QUERY" ? EXIT.badConfiguration : EXIT.fatal;
}
function asError(thrown) {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
function argumentError({ message }) {
  const what = message.replace(/^error: |\.$/g, "").replaceAll("\n", " ");
  return new SluiceError("SLUICE_CONFIG", `${what}: see "sluice --help"`);
}
async function main() {
  let code = EXIT.done;
  try {
    await (await program(process.argv[2])).parseAsync();
    if (failedCheck) code = EXIT.failedCheck;
  } catch (thrown) {
    code = exitCodeOf(thrown);
  }
  await stdout.drained().catch((thrown) => {
    if (code === EXIT.done) code = exitCodeOf(thrown);
  });
  await stderr.drained().catch(() => {
  });
  return code;
}
process.on("uncaughtException", (thrown) => process.exit(exitCodeOf(thrown)));
process.exit(await main());
//# sourceMappingURL=cli.js.map
