import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  allRows
} from "./chunk-HM3HJJNC.js";
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";

// src/verify/check.ts
var MAX_PROBLEMS = 10;
async function problemsOf(check) {
  try {
    return (await check()).slice(0, MAX_PROBLEMS);
  } catch (thrown) {
    if (thrown instanceof SluiceError && thrown.code === "SLUICE_QUERY") return [unreadable(thrown.message)];
    throw thrown;
  }
}
function unreadable(message) {
  const [, kind, name] = /^Catalog Error: (Table|View) with name (\S+) does not exist/.exec(message) ?? [];
  if (kind !== void 0) return `the ${kind.toLowerCase()} ${name} is missing in analytics.db: put the database back`;
  const [, column] = /^Binder Error: (?:Referenced column|Column with name) "?([^"\s]+)"? /.exec(message) ?? [];
  if (column !== void 0) return `the column ${column} is missing in analytics.db or in a file`;
  return message.split("\n")[0];
}
async function lines(client, sql) {
  return (await allRows(client, sql)).map((row) => String(Object.values(row)[0]));
}
function counted(count, noun) {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}

export {
  MAX_PROBLEMS,
  problemsOf,
  lines,
  counted
};
//# sourceMappingURL=chunk-UFKKNCBU.js.map
