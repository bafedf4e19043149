/** What the page asks of its worker, and what it is told. */
import type { Delimiter } from '../../src/commands/message-splitter.js';
import type { Status } from '../../src/core/flow.js';

/** What the kernel made of the whole input. */
export interface Summary {
  readonly messages: number;
  readonly bytes: number;
  readonly rows: number;
  readonly rowsWithIssues: number;
  readonly counts: Readonly<Record<Status, number>>;
  /** Of the table, as far as a message alone gives them. */
  readonly columns: readonly string[];
  /** Of the spec: a set bit of `issues` means that the value of the column of its place could not be read. */
  readonly specColumns: readonly string[];
  /** How many rejected messages are kept to be shown: the first ones. */
  readonly rejectsKept: number;
  readonly milliseconds: number;
}

/** A row with the number of its message, from 0. */
export interface ShownRow {
  readonly message: number;
  readonly values: Readonly<Record<string, unknown>>;
}

/** A message that is no row. */
export interface ShownReject {
  /** Its number, from 0. */
  readonly message: number;
  readonly status: Status;
  /** The byte to blame; -1 if there is none. */
  readonly position: number;
  /** Of `missing_required`. */
  readonly column: string | undefined;
  /** Of the whole message. */
  readonly length: number;
  /** The bytes around the position, of which the first is the message's byte `start`. */
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** What the kernel alone took for messages that it had read before. */
export interface Speed {
  readonly bytes: number;
  readonly messages: number;
  readonly seconds: number;
  /** Of what was read again and again. */
  readonly roundBytes: number;
  /** How often the input is in it; less than 1 if only its beginning is. */
  readonly repeats: number;
}

export interface EngineCalls {
  setInput(bytes: Uint8Array): void;
  /** @returns what is wrong with the spec, or what it made of the input */
  read(spec: string, delimiter: Delimiter): { readonly specError: string } | Summary;
  rows(from: number, count: number): ShownRow[];
  rejects(from: number, count: number): ShownReject[];
  measure(): Speed;
  parquet(): Promise<Uint8Array>;
  /** A spec for the input, as `sluice spec --infer` makes it. */
  infer(delimiter: Delimiter): string;
}

export type EngineMethod = keyof EngineCalls;

export interface EngineCall {
  readonly id: number;
  readonly method: EngineMethod;
  readonly args: readonly unknown[];
}

export type EngineReply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: string };
