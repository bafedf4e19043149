/** A schema registry that speaks as much of Confluent's REST API as is asked of one, in memory. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Version {
  readonly id: number;
  readonly version: number;
  readonly subject: string;
  readonly schema: string;
  readonly schemaType: string;
  readonly references: readonly SchemaReference[];
  readonly guid: string | undefined;
}

export interface SchemaReference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

interface RegisterOptions {
  readonly type?: string;
  readonly references?: SchemaReference[];
  readonly id?: number;
  readonly guid?: string;
}

export class FakeRegistry {
  readonly #versions: Version[] = [];
  readonly #server: Server;
  #port = 0;
  /** Paths of the requests so far. */
  readonly requests: string[] = [];
  /** `user:password` that it wants. */
  auth: string | undefined;
  /** Answers every request with this status. */
  broken: number | undefined;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.requests.push(request.url!);
      const wanted = this.auth && `Basic ${Buffer.from(this.auth).toString('base64')}`;
      if (request.headers.authorization !== wanted) answer(response, 401, { message: 'Unauthorized' });
      else if (this.broken !== undefined) answer(response, this.broken, { message: 'broken' });
      else this.#answer(request.url!, response);
    });
  }

  /** Closed at the end of the test. */
  static async start(): Promise<FakeRegistry> {
    const { onTestFinished } = await import('vitest');
    const registry = await FakeRegistry.serve();
    onTestFinished(() => registry.down());
    return registry;
  }

  /** Lives as long as the process. */
  static async serve(): Promise<FakeRegistry> {
    const registry = new FakeRegistry();
    await registry.up();
    registry.#server.unref();
    return registry;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Forgets all schemas, as one that is set up anew. */
  clear(): void {
    this.#versions.length = 0;
  }

  /** Listens, where it did before. */
  async up(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async down(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  /** @returns its id; `wanted` instead of the next one */
  register(
    subject: string,
    schema: unknown,
    { type = 'AVRO', references = [], id, guid }: RegisterOptions = {},
  ): number {
    const version = this.#versions.filter((other) => other.subject === subject).length + 1;
    const made = { id: id ?? this.#versions.length + 1, version, subject, schemaType: type, references, guid };
    this.#versions.push({ ...made, schema: typeof schema === 'string' ? schema : JSON.stringify(schema) });
    return made.id;
  }

  #answer(url: string, response: ServerResponse): void {
    const [path] = url.split('?');
    const [, first, second, third, fourth] = path.split('/').map(decodeURIComponent);
    const ofId = this.#versions.filter(({ id }) => first === 'schemas' && second === 'ids' && String(id) === third);
    const ofSubject = this.#versions.filter(({ subject }) => first === 'subjects' && subject === second);
    const found = fourth === 'latest' ? ofSubject.at(-1) : ofSubject.find(({ version }) => String(version) === fourth);
    if (second === 'guids') {
      // The registry says that there are none by an empty list.
      const ids = this.#versions.filter(({ guid }) => guid === third).map(({ id }) => ({ context: '.', id }));
      answer(response, 200, ids);
    } else if (ofId.length > 0 && fourth === 'versions') answer(response, 200, ofId);
    else if (ofId.length > 0) answer(response, 200, withoutDefaults({ ...ofId[0], id: undefined, version: undefined }));
    else if (found !== undefined) answer(response, 200, withoutDefaults(found));
    else answer(response, 404, { error_code: 40403, message: 'not found' });
  }
}

/** As Confluent's leaves out what is the default. */
function withoutDefaults(version: Partial<Version>): object {
  const { schemaType, references, ...rest } = version;
  return { ...rest, ...(schemaType !== 'AVRO' && { schemaType }), ...(references?.length && { references }) };
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' }).end(JSON.stringify(body));
}
