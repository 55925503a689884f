import { execFile, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { saySkipped } from '../skipped.js';

const python = process.env['LAKEPORT_TEST_PYTHON'];
const SCRIPT = fileURLToPath(new URL('read.py', import.meta.url));

/** A folder as Microsoft's object model sees it. */
export interface ReadFolder {
  /** By name. */
  readonly entities: Readonly<
    Record<
      string,
      {
        /** Absolute paths. */
        readonly files: readonly string[];
        readonly traits: readonly (readonly string[])[];
        readonly arguments: readonly Readonly<Record<string, readonly string[]>>[];
        readonly description: string | null;
        readonly attributes: readonly ReadAttribute[];
      }
    >
  >;
  readonly relationships: readonly (readonly [from: string, attribute: string, to: string, attribute: string])[];
  /** Names, the topmost first. */
  readonly manifests: readonly string[];
  /** Warnings and errors. */
  readonly logged: readonly string[];
}

type ReadAttribute = readonly [
  name: string,
  dataFormat: string,
  isPrimaryKey: boolean,
  isNullable: boolean,
  maximumLength: number | null,
  description: string | null,
  precisionAndScale: readonly [string, string] | null,
];

/** Why the object model can't be asked here; undefined where it can. Printed. */
export function whyNoObjectModel(): string | undefined {
  const reason =
    python === undefined
      ? 'LAKEPORT_TEST_PYTHON is not set'
      : spawnSync(python, ['-c', 'import cdm']).status === 0
        ? undefined
        : 'commondatamodel-objectmodel is not installed';
  if (reason !== undefined) saySkipped("Microsoft's object model of the Common Data Model", reason);
  return reason;
}

/** Reads folders by their manifests. @param paths absolute, of files named `….manifest.cdm.json` */
export async function readFolders(paths: readonly string[]): Promise<ReadFolder[]> {
  if (python === undefined) throw new Error('LAKEPORT_TEST_PYTHON is not set');
  const running = promisify(execFile)(python, ['-W', 'ignore', SCRIPT], { maxBuffer: 64 << 20 });
  running.child.stdin?.end(JSON.stringify(paths));
  const { stdout } = await running;
  // As the script prints it.
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as ReadFolder[];
}
