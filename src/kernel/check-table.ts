/** The expectations that rows pass or fail by themselves, as the records that the kernel holds rows against. */
import type { Automaton } from '../schema/automaton.js';
import { automatonOfTest, numberRange, type RowCheck, rowChecks } from '../schema/expectations.js';
import type { ColumnType, TableSpec } from '../schema/spec.js';
import { AUTOMATON, CHECK, HEADER, TEST } from './abi.js';
import { COLUMN_LAYOUTS } from './column-layout.js';

/** After the last transition: they are read by 16 bits. */
const ALIGNMENT = 8;
/** No text is longer. */
const NO_LENGTH = 2n ** 62n;

const automata = new WeakMap<RowCheck['expectation'], Automaton>();

/** That of an expectation, which is made once: a kernel makes instances again and again. */
function automatonOf({ expectation }: RowCheck): Automaton | undefined {
  if (expectation.values === undefined && expectation.pattern === undefined) return undefined;
  const automaton = automata.get(expectation) ?? automatonOfTest(expectation);
  automata.set(expectation, automaton);
  return automaton;
}

function automatonBytes({ next }: Automaton): number {
  return Math.ceil((AUTOMATON.size + next.byteLength) / ALIGNMENT) * ALIGNMENT;
}

/** What the records of all checks and their automata take. */
export function checkTableBytes(spec: TableSpec): number {
  return rowChecks(spec).reduce((sum, check) => {
    const automaton = automatonOf(check);
    return sum + CHECK.size + (automaton === undefined ? 0 : automatonBytes(automaton));
  }, 0);
}

/** A column of the output: its name, its type, and where its record is. */
interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly record: number;
}

/** Writes the records, and what the header says of them. */
export function writeChecks(view: DataView, spec: TableSpec, at: number, columns: readonly Column[]): void {
  const checks = rowChecks(spec);
  let end = at + checks.length * CHECK.size;
  for (const [index, check] of checks.entries()) {
    const record = at + index * CHECK.size;
    const { record: column, type } = columns.find(({ name }) => name === check.column.name)!;
    const { test, low, high } = testOf(check);
    const word = (field: number, value: number) => view.setUint32(record + field, value, true);
    word(CHECK.test, test);
    word(CHECK.column, column);
    word(CHECK.width, COLUMN_LAYOUTS[type].rowBytes);
    view.setBigInt64(record + CHECK.low, low, true);
    view.setBigInt64(record + CHECK.high, high, true);
    const automaton = automatonOf(check);
    if (automaton === undefined) continue;
    word(CHECK.automaton, end);
    writeAutomaton(view, automaton, end);
    end += automatonBytes(automaton);
  }
  view.setUint32(HEADER.checks, at, true);
  view.setUint32(HEADER.checkCount, checks.length, true);
  const quarantine = checks.filter(({ expectation }) => expectation.action === 'quarantine').length;
  view.setUint32(HEADER.quarantineChecks, quarantine, true);
}

function testOf({ expectation, column }: RowCheck): { test: number; low: bigint; high: bigint } {
  const { not_null, range, length } = expectation;
  if (not_null !== undefined) return { test: TEST.not_null, low: 0n, high: 0n };
  if (range !== undefined) {
    const { min, max } = numberRange(column.kind, range)!;
    return { test: TEST.range, low: min, high: max };
  }
  if (length === undefined) return { test: TEST.automaton, low: 0n, high: 0n };
  const high = length.max === undefined ? NO_LENGTH : BigInt(length.max);
  return { test: TEST.length, low: BigInt(length.min ?? 0), high };
}

function writeAutomaton(view: DataView, { classOf, next, start, accepting }: Automaton, at: number): void {
  new Uint8Array(view.buffer, at, classOf.length).set(classOf);
  view.setUint32(at + AUTOMATON.start, start, true);
  view.setUint32(at + AUTOMATON.accepting, accepting, true);
  for (const [index, state] of next.entries()) view.setUint16(at + AUTOMATON.size + index * 2, state, true);
}
