/** The table spec as people write it: read from JSON, checked, with the orders' one built in. */
import * as z from 'zod';
import { SluiceError } from '../core/errors.js';
import { MAPPED_OPERATIONS } from '../core/operations.js';
import { copiesSchema, copyProblems } from './copies.js';
import { expectationSchema } from './expectation-file.js';
import { expectationProblems } from './expectations.js';
import { pathSchema } from './field-path.js';
import { maskProblems, maskSchema } from './mask.js';
import { pathProblems } from './path-rules.js';
import { PRESETS } from './presets.js';
import { reservedBecause } from './reserved-names.js';
import {
  DEFAULT_DELETES,
  DEFAULT_UNIT,
  type Deletes,
  ENCODINGS,
  KINDS,
  type Kind,
  MAX_PRECISION,
  MAX_SCALE,
  ROLES,
  type Role,
  roleColumn,
  type TableSpec,
  TIME_UNITS,
} from './spec.js';

/** What editors check a spec against, where the package is installed. */
export const SCHEMA_FILE = 'node_modules/sluice-cdc/docs/table-spec.schema.json';

const identifier = z
  .string()
  .regex(/^[a-z_][a-z0-9_]{0,62}$/, 'must be a lower-case SQL identifier: letters, digits and _, at most 63');

const columnSchema = z.strictObject({
  name: identifier,
  path: pathSchema.optional(),
  paths: z.array(pathSchema).min(1).optional(),
  kind: z.enum(KINDS),
  required: z.boolean().default(false),
  role: z.enum(ROLES).optional(),
  raw: identifier.optional(),
  unit: z.enum(TIME_UNITS).optional(),
  encoding: z.enum(ENCODINGS).optional(),
  scale: z.int().min(0).max(MAX_SCALE).optional(),
  precision: z.int().min(1).max(MAX_PRECISION).optional(),
  operations: z.record(z.string(), z.enum(MAPPED_OPERATIONS)).optional(),
  comment: z.string().optional(),
  mask: maskSchema.optional(),
});

const deletesSchema = z.strictObject({
  operations: z.array(z.string()).optional(),
  flag: identifier.optional(),
  tombstone: z.union([z.boolean(), pathSchema]).default(false),
});

const specSchema = z.strictObject({
  /** For editors. */
  $schema: z.string().optional(),
  table: identifier,
  view: identifier,
  comment: z.string().optional(),
  columns: z.array(columnSchema).min(1).max(64, 'must have at most 64 columns'),
  embedded: z.array(pathSchema).default([]),
  ignore: z.array(pathSchema).default([]),
  deletes: deletesSchema.optional(),
  expectations: z.array(expectationSchema(identifier)).max(64, 'must be at most 64 expectations').default([]),
  masks: z.array(z.strictObject({ path: pathSchema, mask: maskSchema })).default([]),
  copies: copiesSchema,
});

type FileColumn = z.infer<typeof columnSchema>;

/** JSON Schema of a spec, for editors. What fields have to do with each other, only `parseSpec` checks. */
export function specJsonSchema(): object {
  return { title: 'Table spec of Sluice', ...z.toJSONSchema(specSchema, { io: 'input', reused: 'ref' }) };
}

/**
 * Reads a spec from JSON text.
 * @param origin what to call the text in an error: a file's path
 * @throws SluiceError SLUICE_CONFIG, naming the column and what is allowed
 */
export function parseSpec(text: string, origin: string): TableSpec {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new SluiceError('SLUICE_CONFIG', `table spec ${origin} is not JSON: ${(cause as Error).message}`, { cause });
  }
  const parsed = specSchema.safeParse(json);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.') || '(top level)'}: ${issue.message}`);
    throw new SluiceError('SLUICE_CONFIG', `table spec ${origin} is not valid:\n${lines.join('\n')}`);
  }
  const spec: TableSpec = {
    table: parsed.data.table,
    view: parsed.data.view,
    columns: parsed.data.columns.map((column) => ({
      name: column.name,
      paths: column.paths ?? [column.path ?? { of: 'value', names: [column.name] }],
      kind: column.kind,
      required: column.required,
      role: column.role,
      raw: column.raw,
      unit: column.unit === DEFAULT_UNIT ? undefined : column.unit,
      encoding: column.encoding,
      scale: column.scale ?? (column.encoding || column.kind === 'decimal' ? 0 : undefined),
      precision: column.precision,
      operations: column.operations,
      mask: column.mask,
    })),
    embedded: parsed.data.embedded,
    ignore: parsed.data.ignore,
    deletes: parsed.data.deletes && deletesOf(parsed.data.deletes, parsed.data.columns),
    expectations: parsed.data.expectations.map(({ comment: _, ...expectation }) => expectation),
    masks: parsed.data.masks,
    copies: parsed.data.copies,
  };
  const problems = [
    ...parsed.data.columns.flatMap(givenTwice),
    ...nameProblems(spec),
    ...parsed.data.columns.flatMap(kindProblems),
    ...pathProblems(spec),
    ...roleProblems(spec),
    ...deleteProblems(spec, parsed.data.deletes?.operations ?? []),
    ...expectationProblems(spec),
    ...maskProblems(spec),
    ...copyProblems(spec),
  ];
  if (problems.length > 0) {
    throw new SluiceError('SLUICE_CONFIG', `table spec ${origin} is not valid:\n  ${problems.join('\n  ')}`);
  }
  return spec;
}

/** The JSON of a preset, to be edited. @throws SluiceError SLUICE_CONFIG */
export function presetText(name: string): string {
  const preset = Object.hasOwn(PRESETS, name) ? PRESETS[name] : undefined;
  if (preset !== undefined) return JSON.stringify({ $schema: SCHEMA_FILE, ...preset }, null, 2);
  const known = Object.keys(PRESETS).join(', ');
  throw new SluiceError('SLUICE_CONFIG', `there is no preset ${name}: choose one of ${known}`);
}

function nameProblems(spec: TableSpec): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const column of spec.columns) {
    for (const name of column.raw === undefined ? [column.name] : [column.name, column.raw]) {
      if (seen.has(name)) problems.push(`column ${name}: the name is taken twice`);
      const reason = reservedBecause(name);
      if (reason !== undefined) problems.push(`column ${name}: the name is reserved, ${reason}: give it another name`);
      seen.add(name);
    }
  }
  if (spec.table === spec.view) problems.push(`table and view must have different names, both are ${spec.table}`);
  return problems;
}

function givenTwice({ name, path, paths }: FileColumn): string[] {
  return path === undefined || paths === undefined ? [] : [`column ${name}: has a path and paths: give one of them`];
}

function kindProblems({ name, kind, role, raw, unit, encoding, scale, precision, operations }: FileColumn): string[] {
  const problems: string[] = [];
  if (raw !== undefined && kind !== 'amount') problems.push(`column ${name}: raw is for kind amount only`);
  if (unit !== undefined && kind !== 'timestamp' && kind !== 'date') {
    problems.push(`column ${name}: unit is for the kinds timestamp and date only`);
  }
  if (encoding !== undefined && kind !== 'amount' && kind !== 'decimal') {
    problems.push(`column ${name}: encoding is for the kinds amount and decimal only`);
  }
  if (scale !== undefined && encoding === undefined && kind !== 'decimal') {
    problems.push(`column ${name}: scale is for kind decimal, and for an encoding, "encoding": "base64"`);
  }
  if (precision !== undefined && kind !== 'decimal')
    problems.push(`column ${name}: precision is for kind decimal only`);
  if (kind === 'decimal' && precision === undefined) {
    problems.push(
      `column ${name}: kind decimal needs a precision, of 1 to ${MAX_PRECISION} digits, and a scale if not 0`,
    );
  }
  if (kind === 'decimal' && (scale ?? 0) > (precision ?? MAX_PRECISION)) {
    problems.push(`column ${name}: scale ${scale} is more than all the ${precision} digits of its precision`);
  }
  if (operations !== undefined && role !== 'operation') {
    problems.push(`column ${name}: operations are for role operation only`);
  }
  if (operations !== undefined && Object.keys(operations).length === 0) {
    problems.push(`column ${name}: operations must have a word; leave them out to take all words as they are`);
  }
  return problems;
}

function deletesOf(given: z.infer<typeof deletesSchema>, columns: readonly FileColumn[]): Deletes {
  const { operations, flag, tombstone } = given;
  const hasOperations = columns.some(({ role }) => role === 'operation');
  const nullAt = typeof tombstone === 'boolean' ? undefined : tombstone;
  return {
    operations: operations ?? (hasOperations ? DEFAULT_DELETES.operations : []),
    flag,
    tombstone: tombstone !== false,
    ...(nullAt && { nullAt }),
  };
}

/** @param operations that the file names */
function deleteProblems(spec: TableSpec, operations: readonly string[]): string[] {
  const flag = spec.deletes?.flag;
  const problems: string[] = [];
  const column = roleColumn(spec, 'operation');
  if (operations.length > 0 && column === undefined) {
    problems.push('deletes: operations need a column with role operation');
  }
  // A word of the topic's may be in rows from before there was a map; by itself it is a mistake.
  for (const [word, becomes] of Object.entries(column?.operations ?? {})) {
    const isOurs = DEFAULT_DELETES.operations.includes(word);
    if (isOurs || !operations.includes(word) || operations.includes(becomes)) continue;
    problems.push(
      `deletes: ${JSON.stringify(word)} becomes ${JSON.stringify(becomes)} by the operations of column ` +
        `${column!.name}, and only what words become is in the rows: add it to the operations of deletes`,
    );
  }
  const flagged = spec.columns.find(({ name }) => name === flag);
  const telling = column ?? flagged;
  if (spec.deletes?.tombstone && telling === undefined) {
    problems.push('deletes: tombstone needs a column with role operation or a flag, which says so of its row');
  }
  if (spec.deletes?.tombstone && telling?.paths.some(({ of }) => of === 'key')) {
    problems.push(
      `deletes: column ${telling.name} says of a row that it was a tombstone: it cannot be read from the key`,
    );
  }
  if (spec.deletes?.tombstone && telling !== undefined) {
    const unfilled = spec.columns.find(
      (column) => column !== telling && column.required && !column.paths.some(({ of }) => of === 'key'),
    );
    if (unfilled !== undefined) {
      problems.push(
        `deletes: tombstone needs a path of the message key in column ${unfilled.name}, which is required: a ` +
          'tombstone has nothing else, and without it goes to the quarantine',
      );
    }
  }
  if (flag !== undefined && flagged?.kind !== 'bool') {
    problems.push(`deletes: flag must name a column of kind bool, and ${flag} is ${flagged?.kind ?? 'no column'}`);
  }
  return problems;
}

const ROLE_KINDS: Record<Role, Kind> = {
  change_id: 'text',
  key: 'text',
  key_type: 'text',
  operation: 'text',
  amount: 'amount',
  event_time: 'timestamp',
};

function roleProblems(spec: TableSpec): string[] {
  const problems: string[] = [];
  for (const role of ROLES) {
    const holders = spec.columns.filter((column) => column.role === role);
    if (holders.length > 1) problems.push(`role ${role}: is given to ${holders.map((c) => c.name).join(' and ')}`);
    for (const column of holders) {
      if (column.kind !== ROLE_KINDS[role]) {
        problems.push(`column ${column.name}: role ${role} needs kind ${ROLE_KINDS[role]}, not ${column.kind}`);
      }
    }
  }
  if (roleColumn(spec, 'key') === undefined) problems.push('role key: no column has it');
  for (const role of ['change_id', 'key'] as const) {
    const column = roleColumn(spec, role);
    if (column?.required === false) problems.push(`column ${column.name}: role ${role} needs "required": true`);
  }
  return problems;
}

/** The orders of the shop: the spec that is used when TABLE_SPEC names no file. */
export const ORDERS_SPEC: TableSpec = parseSpec(JSON.stringify(PRESETS.capture), 'orders (built in)');
