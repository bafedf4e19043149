/** Debian's Prometheus for tests: its checks, and a server that scrapes and alerts. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { folderOf, onFreePort, ServerProcess } from './server-process.js';

const PROGRAMS = ['prometheus', 'promtool'];

/** Why there is no Prometheus here, undefined if there is. With CI=true set-up provides it: else it is an error. */
export function whyNoPrometheus(): string | undefined {
  const missing = PROGRAMS.filter((program) => folderOf(program) === undefined);
  if (missing.length === 0) return undefined;
  const obstacle = `${missing.join(' and ')} not found; on Debian, as root: apt-get install -y prometheus`;
  if (process.env.CI === 'true') throw new Error(`tests with Prometheus cannot run: ${obstacle}`);
  return obstacle;
}

/** Runs promtool. @returns its exit code, and all that it prints */
export function promtool(args: readonly string[], input = ''): { readonly code: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return { code: status, text: `${stdout}${stderr}` };
}

/** A point in time of a series. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Alert {
  readonly name: string;
  readonly state: 'pending' | 'firing';
  readonly labels: Readonly<Record<string, string>>;
}

export interface PrometheusOptions {
  /** For its files. */
  readonly folder: string;
  /** What it reads, in YAML or JSON: prometheus.yml. */
  readonly config: object;
}

export class Prometheus {
  readonly url: string;
  readonly #process: ServerProcess;

  private constructor(port: number, { folder }: PrometheusOptions, config: string) {
    this.url = `http://127.0.0.1:${port}`;
    const data = path.join(folder, 'prometheus');
    this.#process = new ServerProcess({
      name: `Prometheus at ${this.url}`,
      program: 'prometheus',
      args: [
        ...[`--config.file=${config}`, `--storage.tsdb.path=${data}`, `--web.listen-address=127.0.0.1:${port}`],
        '--storage.tsdb.no-lockfile',
      ],
      output: path.join(folder, 'prometheus.log'),
      ready: 'Server is ready to receive web requests',
    });
  }

  /** On a free port of the loopback. The caller stops it. */
  static async start(options: PrometheusOptions): Promise<Prometheus> {
    mkdirSync(options.folder, { recursive: true });
    const config = path.join(options.folder, 'prometheus.json');
    writeFileSync(config, JSON.stringify(options.config));
    return await onFreePort(async (port) => {
      const prometheus = new Prometheus(port, options, config);
      await prometheus.#process.start();
      return prometheus;
    });
  }

  async stop(): Promise<void> {
    await this.#process.end('SIGTERM');
  }

  /** Alerts that are pending or firing. */
  async alerts(): Promise<Alert[]> {
    const { alerts } = await this.#get<{ alerts: { state: Alert['state']; labels: Alert['labels'] }[] }>('alerts');
    return alerts.map(({ state, labels }) => ({ name: labels.alertname, state, labels }));
  }

  /** Evaluates an expression now; its result must be a vector. */
  async query(expression: string): Promise<Sample[]> {
    const { result } = await this.#get<{ result: { metric: Sample['metric']; value: [number, string] }[] }>(
      `query?query=${encodeURIComponent(expression)}`,
    );
    return result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
  }

  async #get<T>(what: string): Promise<T> {
    const response = await fetch(`${this.url}/api/v1/${what}`);
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== 'success') throw new Error(`Prometheus: ${answer.error}`);
    return answer.data;
  }
}
