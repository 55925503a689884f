import { z } from 'zod';

import { type ProcessIdentity, stateOf } from '../../runtime/process-identity.js';
import { SILENCE_MS } from '../lease/lease-times.js';

/** What a run's marker says. */
export interface MarkerContent {
  readonly process: ProcessIdentity;
  /** 16 hexadecimal digits that tell this process's claim from those of the run's other processes. */
  readonly holder?: string | undefined;
  /** The run is over, and its notes could not be removed. */
  readonly ended?: boolean | undefined;
}

const schema = z.object({
  process: z.object({
    pid: z.number(),
    started: z.string().optional(),
    host: z.string(),
    bootId: z.string().optional(),
    pidNamespace: z.string().optional(),
  }),
  holder: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
  ended: z.boolean().optional(),
});

export function markerContent(content: MarkerContent): Uint8Array {
  return Buffer.from(JSON.stringify(content));
}

/** Undefined for what is none: somebody else's object, or one cut short. */
export function parseMarker(content: Uint8Array | undefined): MarkerContent | undefined {
  if (content === undefined) return undefined;
  try {
    const { process, ...rest } = schema.parse(JSON.parse(Buffer.from(content).toString('utf8')));
    const { started, bootId, pidNamespace } = process;
    return { process: { ...process, started, bootId, pidNamespace }, ...rest };
  } catch {
    return undefined;
  }
}

/**
 * Whether a run is over, by its marker.
 * @param marker undefined where there is none
 * @param silentMs how long ago the run wrote anything at all, by the store's clock
 */
export async function isRunDead(marker: MarkerContent | undefined, silentMs: number): Promise<boolean> {
  if (marker?.ended === true) return true;
  const state = marker === undefined ? 'unknown' : await stateOf(marker.process);
  return state === 'unknown' ? silentMs > SILENCE_MS : state === 'dead';
}
