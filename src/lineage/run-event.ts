/** Events of a run, each a complete snapshot of its window. https://openlineage.io/docs/spec/run-cycle */
import { randomBytes } from 'node:crypto';
import type { TableColumn, TableSpec } from '../schema/spec.js';
import { assertionsOf } from './assertions.js';
import { columnLineage, type DatasetId, type OutputPlace, tableSchema, topicSchema } from './datasets.js';
import { EVENT_SCHEMA, type FacetContent, type Facets, facets } from './facets.js';
import type { LineageWindow } from './window.js';

export type EventType = 'START' | 'RUNNING' | 'COMPLETE' | 'ABORT' | 'FAIL';

/** What stays the same in all events of a run. */
export interface RunDescription {
  /** A URI: the program and its version. */
  readonly producer: string;
  readonly version: string;
  readonly runId: string;
  readonly job: DatasetId;
  readonly intervalMs: number;
  readonly topic: DatasetId;
  readonly outputs: readonly OutputPlace[];
  readonly spec: TableSpec;
  /** What the sink calls the type of a column. */
  readonly typeName: (column: TableColumn) => string;
}

/** As its JSON. */
export interface RunEvent {
  readonly eventType: EventType;
  readonly eventTime: string;
  readonly [field: string]: unknown;
}

/** UUIDv7, as OpenLineage recommends for runs: they sort by their start. https://www.rfc-editor.org/rfc/rfc9562 */
export function newRunId(nowMs: number): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(nowMs, 0, 6);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Makes the events of one run. */
export class RunEvents {
  readonly #run: RunDescription;
  readonly #jobFacets: Facets;
  readonly #topicFacets: Facets;
  readonly #outputFacets: readonly Facets[];

  constructor(run: RunDescription) {
    this.#run = run;
    const { spec, topic, outputs, intervalMs } = run;
    this.#jobFacets = this.#facets({
      jobType: {
        ...{ processingType: 'STREAMING', integration: 'SLUICE', jobType: 'CDC' },
        emissionPattern: {
          ...{ eventTrigger: 'PERIODIC', eventContentMode: 'COMPLETE_SNAPSHOT', windowDuration: intervalMs / 1000 },
        },
      },
    });
    this.#topicFacets = this.#facets({ datasetType: { datasetType: 'TOPIC' }, schema: topicSchema(spec) });
    const shared = { schema: tableSchema(spec, run.typeName), columnLineage: columnLineage(spec, topic) };
    this.#outputFacets = outputs.map(({ datasetType, catalog, symlink }) =>
      this.#facets({
        ...{ datasetType: { datasetType }, ...shared },
        ...(catalog && { catalog }),
        ...(symlink && { symlinks: { identifiers: [{ ...symlink, type: datasetType }] } }),
      }),
    );
  }

  /** @param failure of FAIL: why the run ended */
  event(eventType: EventType, window: LineageWindow, now: Date, failure?: Error): RunEvent {
    const { producer, version, runId, job } = this.#run;
    const engine = { version, name: 'Sluice', openlineageAdapterVersion: version };
    const error = failure && { errorMessage: { message: textOf(failure), programmingLanguage: 'TypeScript' } };
    return {
      ...{ eventType, eventTime: now.toISOString(), producer, schemaURL: EVENT_SCHEMA },
      run: { runId, facets: this.#facets({ processing_engine: engine, ...error }) },
      job: { ...job, facets: this.#jobFacets },
      inputs: [this.#input(window, now)],
      outputs: this.#run.outputs.map((output, index) => this.#output(output, this.#outputFacets[index], window)),
    };
  }

  #input({ stats, failed, ranges, startedAt }: LineageWindow, now: Date): object {
    const offsets = { windowStart: startedAt.toISOString(), windowEnd: now.toISOString(), ranges };
    return {
      ...this.#run.topic,
      facets: this.#topicFacets,
      inputFacets: this.#facets({
        inputStatistics: { rowCount: stats.messages },
        dataQualityAssertions: { assertions: assertionsOf(this.#run.spec, stats, failed) },
        sluice_offsets: offsets,
      }),
    };
  }

  #output({ namespace, name, hasBytes }: OutputPlace, ofPlace: Facets, { stats }: LineageWindow): object {
    const outputStatistics = { rowCount: stats.merged, ...(hasBytes && { size: stats.fileBytes }) };
    return { namespace, name, facets: ofPlace, outputFacets: this.#facets({ outputStatistics }) };
  }

  #facets(contents: Parameters<typeof facets>[1]): Record<string, FacetContent> {
    return facets(this.#run.producer, contents);
  }
}

/** With the code of an operational failure. */
function textOf(failure: Error & { readonly code?: unknown }): string {
  return typeof failure.code === 'string' ? `${failure.code}: ${failure.message}` : failure.message;
}
