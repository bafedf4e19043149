/** An expectation as people write it; what its fields have to do with each other, expectations.ts checks. */
import * as z from 'zod';
import { ACTIONS } from '../core/flow.js';
import { WINDOWS } from './expectations.js';

const rate = z.strictObject({ max_share: z.number().min(0).max(1), per: z.enum(WINDOWS) });

/** @param identifier of names */
export function expectationSchema(identifier: z.ZodString) {
  return z.strictObject({
    name: identifier,
    action: z.enum(ACTIONS).default('warn'),
    column: identifier.optional(),
    not_null: z.literal(true).optional(),
    range: z.strictObject({ min: z.string().optional(), max: z.string().optional() }).optional(),
    values: z.array(z.string()).min(1).optional(),
    pattern: z.string().optional(),
    length: z.strictObject({ min: z.int().min(0).optional(), max: z.int().min(0).optional() }).optional(),
    nulls: rate.optional(),
    late: rate.optional(),
    unique: z.strictObject({ per: z.enum(WINDOWS) }).optional(),
    freshness: z.strictObject({ max_ms: z.int().min(1) }).optional(),
    comment: z.string().optional(),
  });
}
