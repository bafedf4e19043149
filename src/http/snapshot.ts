/** What the server tells the page, without a library of either. */

/** A run at one moment. Counters count since its start. */
export interface Snapshot {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** Why it does not work, in a sentence; null if it does. */
  readonly problem: string | null;
  /** What it waits for; null for nothing. */
  readonly waitingFor: string | null;
  readonly ready: boolean;
  readonly events: number;
  readonly bytes: number;
  readonly merged: number;
  readonly duplicate: number;
  readonly quarantined: number;
  readonly commits: number;
  /** Messages in the log after what was committed. */
  readonly lag: number;
  /** How long ago brokers said so; null if they have not yet. */
  readonly lagAgeSeconds: number | null;
  readonly inFlightBatches: number;
  readonly partitions: readonly PartitionSnapshot[];
  /** There can be more than are listed. */
  readonly partitionCount: number;
  /** Time by stage, over all threads. */
  readonly stageSeconds: Readonly<Record<string, number>>;
  readonly backpressureSeconds: number;
  readonly latency: LatencyCounts;
}

/** Messages by the time from Kafka to their commit. */
export interface LatencyCounts {
  /** Seconds, ascending. */
  readonly bounds: readonly number[];
  /** Messages of at most each bound; then all, which is one count more. */
  readonly counts: readonly number[];
}

export interface PartitionSnapshot {
  readonly partition: number;
  readonly position: number;
  readonly lag: number;
  /** Highest committed event time less the allowed lateness, seconds since the epoch; null if there is none. */
  readonly watermarkSeconds: number | null;
}

/** What does not change while the server lives. */
export interface About {
  /** Whether there are snapshots: a directory at rest has none. */
  readonly live: boolean;
  readonly version: string;
  readonly topic: string;
  readonly dataDir: string;
  /** Why messages cannot be tried; null if they can. */
  readonly noTrying: string | null;
  readonly spec: SpecAbout;
}

export interface SpecAbout {
  readonly table: string;
  readonly view: string;
  readonly columns: readonly {
    readonly name: string;
    /** Fields of the message, the first that is there. */
    readonly paths: readonly string[];
    readonly kind: string;
    readonly role: string | null;
    readonly required: boolean;
  }[];
}

/** The first rows of a result. */
export interface ResultTable {
  readonly columns: readonly string[];
  /** By column: DuckDB's names of them. */
  readonly types: readonly string[];
  /** As JSON can say them; wide numbers are text if a double is not the same. */
  readonly rows: readonly (readonly unknown[])[];
  /** Whether there are more. */
  readonly isCut: boolean;
}

/** A message to try, in base64; null: it has none. */
export interface TriedMessage {
  readonly value: string | null;
  readonly key: string | null;
}

/** What became of it. */
export interface Outcome {
  readonly status: string;
  readonly row?: Readonly<Record<string, unknown>>;
  /** Of `missing_required`. */
  readonly column?: string;
  /** The byte of the value where it stops being acceptable. */
  readonly position?: number;
}
