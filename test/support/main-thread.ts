/**
 * Set-up of tests that run in threads, as mutation testing has them: src/worker/worker.ts, whose parts tests use, must
 * not take their thread for one of its own.
 */
import { vi } from 'vitest';

vi.mock('node:worker_threads', async (original) => ({ ...(await original<object>()), isMainThread: true }));
