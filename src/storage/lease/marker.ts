import { isProcessIdentity, type ProcessIdentity } from '../../runtime/process-identity.js';
import { field } from '../http/error-mapping.js';

/** It becomes part of another object's name. */
const HOLDER = /^[0-9a-f]{16}$/;

/** Content of a run's marker. */
export interface Marker {
  /** Undefined if the run died before it wrote the line. */
  readonly process: ProcessIdentity | undefined;
  /** 16 hexadecimal digits that distinguish this process's claim from those of the run's other processes. */
  readonly holder: string | undefined;
  /** The run is over, but its own objects could not be removed. */
  readonly isEnded: boolean;
}

/** One line. If the store can append, each further process of the run adds its own line. */
export function markerLine(options: {
  readonly process: ProcessIdentity;
  readonly holder: string;
  /** For messages. */
  readonly directory: string;
  readonly ended?: true;
}): string {
  const { process, ...rest } = options;
  return `${JSON.stringify({ ...process, ...rest, createdAt: new Date().toISOString() })}\n`;
}

/** The last process's line; other lines may be a store's notes, heartbeats, or truncated. */
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

/** The lines of a marker that are valid JSON. */
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

/** The S3 store of version 0.1 has it in a field. */
function processOf(line: unknown): ProcessIdentity | undefined {
  const process = field(line, 'process') ?? line;
  return isProcessIdentity(process) ? process : undefined;
}
