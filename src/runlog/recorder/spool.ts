import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { makeDirectory } from '../../runtime/make-directory.js';
import type { LogBatch } from '../model/row-types.js';

/** Grows with every change of the rows: files of another version are left alone. */
const FORMAT = 1;

interface UnloggedFile {
  readonly format: number;
  /** Address of the log that the run belongs into. */
  readonly log: string;
  readonly batch: LogBatch;
}

/** Runs that ended while their log did not answer: one file each, until a later run finds the log in order. */
export class RunSpool {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @returns the file. Throws where it can't be written either. */
  keep(batch: LogBatch, log: string): string {
    makeDirectory(this.#directory, { mode: 0o700 });
    const file = path.join(this.#directory, `${batch.run.run_id}.json`);
    const content: UnloggedFile = { format: FORMAT, log, batch };
    writeFileSync(`${file}.part`, JSON.stringify(content), { mode: 0o600 });
    renameSync(`${file}.part`, file);
    return file;
  }

  /** Those of one log. Never throws: what can't be read is left alone. */
  of(log: string): { readonly file: string; readonly batch: LogBatch }[] {
    return this.#files().flatMap((file) => {
      const content = readUnlogged(file);
      return content?.format === FORMAT && content.log === log ? [{ file, batch: content.batch }] : [];
    });
  }

  /** The log has it now. */
  forget(file: string): void {
    rmSync(file, { force: true });
  }

  #files(): string[] {
    try {
      const names = readdirSync(this.#directory).filter((name) => name.endsWith('.json'));
      return names.map((name) => path.join(this.#directory, name));
    } catch {
      return [];
    }
  }
}

function readUnlogged(file: string): UnloggedFile | undefined {
  try {
    // Written by `keep`, by nobody else; where it is not, its format does not fit.
    return JSON.parse(readFileSync(file, 'utf8'), reviveTimes) as UnloggedFile;
  } catch {
    return undefined;
  }
}

/** Times became texts; the names of their fields tell them apart. */
function reviveTimes(name: string, value: unknown): unknown {
  return name.endsWith('_at') && typeof value === 'string' ? new Date(value) : value;
}
