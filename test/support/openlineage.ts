/** The schemas that OpenLineage publishes, and a server that takes its events. */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { onTestFinished } from 'vitest';

const SCHEMAS = fileURLToPath(new URL('../../fixtures/openlineage/', import.meta.url));

const FORMATS = {
  uri: (text: string) => URL.canParse(text) && !/\s/.test(text),
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/,
};

const ajv = new Ajv2020({ strict: false, formats: FORMATS, allErrors: true });
for (const name of readdirSync(SCHEMAS).filter((name) => name.endsWith('.json'))) {
  ajv.addSchema(JSON.parse(readFileSync(`${SCHEMAS}${name}`, 'utf8')) as object);
}

/** What an event has, as far as tests look at it. */
export interface SentEvent {
  readonly eventType: string;
  readonly schemaURL: string;
  readonly run: { readonly runId: string; readonly facets: SentFacets };
  readonly job: { readonly namespace: string; readonly name: string; readonly facets: SentFacets };
  readonly inputs: readonly SentDataset[];
  readonly outputs: readonly SentDataset[];
}

export interface SentDataset {
  readonly namespace: string;
  readonly name: string;
  readonly facets: SentFacets;
  readonly inputFacets?: SentFacets;
  readonly outputFacets?: SentFacets;
}

type SentFacets = Readonly<Record<string, { readonly _schemaURL: string } & Readonly<Record<string, unknown>>>>;

/** What is wrong with an event by the schemas that it names, its own and those of its facets. */
export function schemaProblems(event: SentEvent): string[] {
  const datasets = [...event.inputs, ...event.outputs];
  const all = [
    event.run.facets,
    event.job.facets,
    ...datasets.flatMap(({ facets, inputFacets = {}, outputFacets = {} }) => [facets, inputFacets, outputFacets]),
  ].flatMap((facets) => Object.entries(facets));
  return [
    ...problems(event.schemaURL, event, 'event'),
    ...all.flatMap(([key, facet]) => problems(facet._schemaURL, facet, key)),
  ];
}

function problems(schema: string, value: unknown, what: string): string[] {
  const validate = ajv.getSchema(schema);
  if (validate === undefined) return [`${what}: there is no schema ${schema}`];
  if (validate(value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${what}${instancePath} ${message}`);
}

/** Takes events, or answers what it is told to. */
export class LineageServer {
  readonly requests: { path: string; authorization: string | undefined; body: string }[] = [];
  /** The answer to each request. */
  status = 201;

  private constructor(readonly url: string) {}

  /** Call it within a test. */
  static async start(): Promise<LineageServer> {
    const http = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { url: path = '', headers } = request;
        server.requests.push({ path, authorization: headers.authorization, body: Buffer.concat(parts).toString() });
        response.writeHead(server.status).end();
      });
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void http.close());
    const server = new LineageServer(`http://127.0.0.1:${(http.address() as AddressInfo).port}`);
    return server;
  }

  get events(): SentEvent[] {
    return this.requests.map(({ body }) => JSON.parse(body) as SentEvent);
  }
}
