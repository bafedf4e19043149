/**
 * The second server for the tests of `capture` that take the replica set of TEST_MONGODB_URI: `npm run
 * test:integrations` runs them with it, unless another one is given.
 */
import { whyNoPython } from '../python.js';
import { startSecantus } from './secantus.js';

/** Vitest calls it once before the run; the function it returns, once after. */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.TEST_MONGODB_URI !== undefined || whyNoPython() !== undefined) return undefined;
  const server = await startSecantus();
  process.env.TEST_MONGODB_URI = server.uri;
  process.env.TEST_MONGODB_KIND = 'secantus';
  process.env.TEST_MONGODB_WRITES = '4000';
  return () => server.kill();
}
