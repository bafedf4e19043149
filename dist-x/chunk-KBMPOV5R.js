import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  reservedBecause
} from "./chunk-6NKXPVZU.js";
import {
  KINDS,
  ROLES,
  TIME_UNITS,
  roleColumn
} from "./chunk-6JEHCNW6.js";
import {
  NEVER,
  _enum,
  array,
  boolean,
  strictObject,
  string,
  unknown
} from "./chunk-JJ6JF4DP.js";
import {
  SluiceError
} from "./chunk-YDIRAWJT.js";

// src/schema/spec-file.ts
import { readFileSync } from "node:fs";
var identifier = string().regex(/^[a-z_][a-z0-9_]{0,62}$/, "must be a lower-case SQL identifier: letters, digits and _, at most 63");
function textPathProblem(path) {
  const keys = path.split(".");
  if (path === "") return "must not be empty: leave it out if the field has the name of the column";
  if (keys[0] === "$") return `must begin with the name of a field, without "$": ${JSON.stringify(path.slice(2))}`;
  if (keys.includes("")) return `${JSON.stringify(path)} has no name before, between or after its dots`;
  const element = keys.findIndex((key) => /[[\]]/.test(key));
  if (element === -1) return void 0;
  const array2 = [...keys.slice(0, element), keys[element].replace(/\[.*$/, "")].join(".");
  return `${JSON.stringify(path)} cannot name an element of an array: take all of ${JSON.stringify(array2)} in a column of kind json, or, if a field has this name, write the path as a list: ${JSON.stringify(keys)}`;
}
var pathSchema = unknown().transform((path, context) => {
  const isText = typeof path === "string";
  const keys = isText ? path.split(".") : array(string()).min(1).safeParse(path).data;
  const problem = isText ? textPathProblem(path) : void 0;
  if (keys !== void 0 && problem === void 0) return keys;
  context.addIssue(problem ?? 'must be a text such as "customer.id", or a list of names such as ["customer", "id"]');
  return NEVER;
});
var columnSchema = strictObject({
  name: identifier,
  path: pathSchema.optional(),
  kind: _enum(KINDS),
  required: boolean().default(false),
  role: _enum(ROLES).optional(),
  raw: identifier.optional(),
  unit: _enum(TIME_UNITS).optional()
});
var specSchema = strictObject({
  /** For editors. */
  $schema: string().optional(),
  table: identifier,
  view: identifier,
  columns: array(columnSchema).min(1).max(64, "must have at most 64 columns")
});
var MAX_PATH_DEPTH = 8;
function parseSpec(text, origin) {
  let json;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new SluiceError("SLUICE_CONFIG", `table spec ${origin} is not JSON: ${cause.message}`, { cause });
  }
  const parsed = specSchema.safeParse(json);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `  ${issue.path.join(".") || "(top level)"}: ${issue.message}`);
    throw new SluiceError("SLUICE_CONFIG", `table spec ${origin} is not valid:
${lines.join("\n")}`);
  }
  const spec = {
    table: parsed.data.table,
    view: parsed.data.view,
    columns: parsed.data.columns.map((column) => ({
      name: column.name,
      path: column.path ?? [column.name],
      kind: column.kind,
      required: column.required,
      role: column.role,
      raw: column.raw,
      unit: column.unit
    }))
  };
  const problems = [
    ...nameProblems(spec),
    ...spec.columns.flatMap(kindProblems),
    ...pathProblems(spec),
    ...roleProblems(spec)
  ];
  if (problems.length > 0) {
    throw new SluiceError("SLUICE_CONFIG", `table spec ${origin} is not valid:
  ${problems.join("\n  ")}`);
  }
  return spec;
}
function loadSpec(path) {
  let text;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new SluiceError("SLUICE_CONFIG", `table spec ${path} cannot be read: ${cause.message}`, { cause });
  }
  return parseSpec(text, path);
}
function nameProblems(spec) {
  const problems = [];
  const seen = /* @__PURE__ */ new Set();
  for (const column of spec.columns) {
    for (const name of column.raw === void 0 ? [column.name] : [column.name, column.raw]) {
      if (seen.has(name)) problems.push(`column ${name}: the name is taken twice`);
      const reason = reservedBecause(name);
      if (reason !== void 0) problems.push(`column ${name}: the name is reserved, ${reason}: give it another name`);
      seen.add(name);
    }
  }
  if (spec.table === spec.view) problems.push(`table and view must have different names, both are ${spec.table}`);
  return problems;
}
function kindProblems({ name, kind, raw, unit }) {
  const problems = [];
  if (raw !== void 0 && kind !== "amount") problems.push(`column ${name}: raw is for kind amount only`);
  if (unit !== void 0 && kind !== "timestamp" && kind !== "date") {
    problems.push(`column ${name}: unit is for the kinds timestamp and date only`);
  }
  return problems;
}
function pathProblems(spec) {
  const problems = [];
  for (const [index, column] of spec.columns.entries()) {
    const { path } = column;
    if (path.length > MAX_PATH_DEPTH) {
      problems.push(`column ${column.name}: a path has at most ${MAX_PATH_DEPTH} keys`);
    }
    for (const other of spec.columns.slice(0, index)) {
      const shared = Math.min(path.length, other.path.length);
      const overlaps = path.slice(0, shared).every((key, depth) => key === other.path[depth]);
      if (overlaps) {
        problems.push(
          `columns ${other.name} and ${column.name}: one path must not be, or lie inside, the other (${JSON.stringify(other.path)}, ${JSON.stringify(path)})`
        );
      }
    }
  }
  return problems;
}
var ROLE_KINDS = {
  change_id: "text",
  key: "text",
  key_type: "text",
  operation: "text",
  amount: "amount",
  event_time: "timestamp"
};
function roleProblems(spec) {
  const problems = [];
  for (const role of ROLES) {
    const holders = spec.columns.filter((column) => column.role === role);
    if (holders.length > 1) problems.push(`role ${role}: is given to ${holders.map((c) => c.name).join(" and ")}`);
    for (const column of holders) {
      if (column.kind !== ROLE_KINDS[role]) {
        problems.push(`column ${column.name}: role ${role} needs kind ${ROLE_KINDS[role]}, not ${column.kind}`);
      }
    }
  }
  for (const role of ["change_id", "key"]) {
    const column = roleColumn(spec, role);
    if (column === void 0) problems.push(`role ${role}: no column has it`);
    else if (!column.required) problems.push(`column ${column.name}: role ${role} needs "required": true`);
  }
  return problems;
}
var ORDERS_SPEC = parseSpec(
  JSON.stringify({
    table: "cdc_orders",
    view: "orders",
    columns: [
      { name: "change_id", kind: "text", required: true, role: "change_id" },
      { name: "operation", kind: "text", role: "operation" },
      { name: "order_id", kind: "text", required: true, role: "key" },
      { name: "customer_id", path: "customer.id", kind: "text" },
      { name: "customer_email", path: "customer.email", kind: "text" },
      { name: "customer_name", path: "customer.name", kind: "text" },
      { name: "amount", kind: "amount", role: "amount", raw: "amount_raw" },
      { name: "currency", kind: "text" },
      { name: "status", kind: "text" },
      { name: "items", kind: "json" },
      { name: "event_time", kind: "timestamp", role: "event_time" },
      { name: "order_id_type", kind: "text", role: "key_type" }
    ]
  }),
  "orders (built in)"
);

export {
  parseSpec,
  loadSpec,
  ORDERS_SPEC
};
//# sourceMappingURL=chunk-KBMPOV5R.js.map
