import { isProcessIdentity, type ProcessIdentity } from '../../runtime/process-identity.js';

/** A name of another object is made of it. */
const HOLDER = /^[0-9a-f]{16}$/;

/** What a run's marker says. */
export interface MarkerContent {
  readonly process: ProcessIdentity;
  /** 16 hexadecimal digits that tell this process's claim from those of the run's other processes. */
  readonly holder: string | undefined;
}

export function markerContent(options: MarkerContent & { /** For people. */ readonly directory: string }): Uint8Array {
  const { process, holder, directory } = options;
  const content = { ...process, holder, directory, createdAt: new Date().toISOString() };
  return Buffer.from(`${JSON.stringify(content)}\n`);
}

/** Undefined for what is none, or was cut short. */
export function parseMarker(content: Uint8Array): MarkerContent | undefined {
  try {
    const process: unknown = JSON.parse(Buffer.from(content).toString());
    if (!isProcessIdentity(process)) return undefined;
    const holder = 'holder' in process ? process.holder : undefined;
    return { process, holder: typeof holder === 'string' && HOLDER.test(holder) ? holder : undefined };
  } catch {
    return undefined;
  }
}
