import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { makeDirectory } from '../../runtime/make-directory.js';
import { FILES, JOBS, PARTITIONS, RUNS, WATERMARKS } from '../model/columns.js';
import type { LogBatch, RowChanges } from '../model/rows.js';

/** Files of another format are left alone. A new column needs no new one: rows without it get its initial value. */
const FORMAT = 1;

interface UnloggedFile {
  readonly format: number;
  /** Address of the log that the run belongs to. */
  readonly log: string;
  readonly batch: LogBatch;
}

/** Runs that ended while their log was unavailable: one file each, until a later run can write them to the log. */
export class RunSpool {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @returns the file's path. Throws if it cannot be written. */
  keep(batch: LogBatch, log: string): string {
    makeDirectory(this.#directory, { mode: 0o700 });
    const file = path.join(this.#directory, `${batch.run.run_id}.json`);
    const content: UnloggedFile = { format: FORMAT, log, batch };
    writeFileSync(`${file}.part`, JSON.stringify(content), { mode: 0o600 });
    renameSync(`${file}.part`, file);
    return file;
  }

  /** The runs of one log. Never throws: unreadable files are skipped. */
  of(log: string): { readonly file: string; readonly batch: LogBatch }[] {
    return this.#files().flatMap((file) => {
      const content = readUnlogged(file);
      return content?.format === FORMAT && content.log === log ? [{ file, batch: restored(content.batch) }] : [];
    });
  }

  /** The log has the run now. */
  remove(file: string): void {
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
    // Only `keep` writes such files; any other file has another `format`.
    return JSON.parse(readFileSync(file, 'utf8')) as UnloggedFile;
  } catch {
    return undefined;
  }
}

/** Times were saved as text; earlier versions saved no watermarks. */
function restored({
  run,
  isNew,
  jobs,
  partitions,
  files,
  watermarks = { stale: [], rows: [] },
}: Omit<LogBatch, 'watermarks'> & Partial<LogBatch>): LogBatch {
  return {
    run: RUNS.restore(run),
    isNew,
    jobs: mapRows(jobs, (row) => JOBS.restore(row)),
    partitions: mapRows(partitions, (row) => PARTITIONS.restore(row)),
    files: mapRows(files, (row) => FILES.restore(row)),
    watermarks: mapRows(watermarks, (row) => WATERMARKS.restore(row)),
  };
}

function mapRows<Row>({ stale, rows }: RowChanges<Row>, restore: (row: Row) => Row): RowChanges<Row> {
  return { stale, rows: rows.map(restore) };
}
