import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  SluiceError
} from "./chunk-OOJGYMCI.js";

// src/query/effects.ts
var READING_FAMILIES = /^(duckdb|pragma|parquet|read)_/;
var READING = /* @__PURE__ */ new Set([
  ...["range", "generate_series", "repeat", "repeat_row", "unnest", "query_table", "summary"],
  ...["histogram", "histogram_values", "json_each", "json_tree", "glob", "sniff_csv", "which_secret"],
  ...["icu_calendar_names", "pg_timezone_names", "sql_auto_complete", "test_all_types", "test_vector_types"]
]);
var ACTING = /* @__PURE__ */ new Set(["write_log", "nextval"]);
var EXPLAIN = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*explain\b\s*(?:analyze\b|\([^)]*\))?/i;
async function refuseEffects(connection, sql) {
  let body = sql;
  while (EXPLAIN.test(body)) body = body.replace(EXPLAIN, "");
  const serialized = await connection.runAndReadAll("SELECT json_serialize_sql($body::VARCHAR)", { body });
  const tree = JSON.parse(String(serialized.getRows()[0][0]));
  const count = tree.error ? (await connection.extractStatements(body)).count : tree.statements.length;
  if (count === 0) throw new SluiceError("SLUICE_QUERY", EMPTY);
  if (count > 1) throw new SluiceError("SLUICE_QUERY", `one statement is allowed, not ${count}`);
  if (tree.error) throw new SluiceError("SLUICE_QUERY", NOT_READING);
  for (const { name, isTable } of calledFunctions(tree)) {
    if (isTable ? READING_FAMILIES.test(name) || READING.has(name) : !ACTING.has(name)) continue;
    throw new SluiceError("SLUICE_QUERY", `the function ${name} is not allowed: a query must only read`);
  }
}
var EMPTY = 'the query is empty: give one statement, such as "FROM orders LIMIT 10"';
var NOT_READING = "only statements that read are allowed: SELECT, FROM, DESCRIBE, EXPLAIN, \u2026; for a PRAGMA there is a function, as in: FROM pragma_table_info('orders')";
function* calledFunctions(node, isTable = false) {
  if (typeof node !== "object" || node === null) return;
  if ("function_name" in node && typeof node.function_name === "string") {
    yield { name: node.function_name.toLowerCase(), isTable };
  }
  const isTableFunction = "type" in node && node.type === "TABLE_FUNCTION";
  for (const [key, child] of Object.entries(node)) yield* calledFunctions(child, isTableFunction && key === "function");
}

export {
  refuseEffects
};
//# sourceMappingURL=chunk-OE7B3VBQ.js.map
