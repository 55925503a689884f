import { isProcessIdentity, type ProcessIdentity } from '../../runtime/process-identity.js';
import { field } from '../http/error-mapping.js';

/** A name of another object is made of it. */
const HOLDER = /^[0-9a-f]{16}$/;

/** What a run's marker says. */
export interface Marker {
  /** Undefined where the run died before it had written the line. */
  readonly process: ProcessIdentity | undefined;
  /** 16 hexadecimal digits that tell this process's claim from those of the run's other processes. */
  readonly holder: string | undefined;
  /** The run is over, and its own objects could not be removed. */
  readonly isEnded: boolean;
}

/** One line. Where a store can append, each further process of the run adds a line of its own. */
export function markerLine(options: {
  readonly process: ProcessIdentity;
  readonly holder: string;
  /** For people. */
  readonly directory: string;
  readonly ended?: true;
}): string {
  const { process, ...rest } = options;
  return `${JSON.stringify({ ...process, ...rest, createdAt: new Date().toISOString() })}\n`;
}

/** The latest process's line; others may be notes of a store, heartbeats, or cut short. */
export function parseMarker(content: Uint8Array): Marker {
  const lines = linesOf(content).filter((line) => processOf(line) !== undefined);
  const line = lines.at(-1);
  const holder = field(line, 'holder');
  return {
    process: processOf(line),
    holder: typeof holder === 'string' && HOLDER.test(holder) ? holder : undefined,
    isEnded: field(line, 'ended') === true,
  };
}

/** The lines of a marker that are JSON. */
export function linesOf(content: Uint8Array): unknown[] {
  return Buffer.from(content)
    .toString()
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as unknown];
      } catch {
        return [];
      }
    });
}

/** The S3 store of version 0.1 has it as a field. */
function processOf(line: unknown): ProcessIdentity | undefined {
  const process = field(line, 'process') ?? line;
  return isProcessIdentity(process) ? process : undefined;
}
