import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { LakeportError } from '../../errors.js';
import type { Snapshot } from '../source.js';
import type { SqliteConnection } from './connection.js';

/**
 * What readers see. Each has its own connection, with a transaction that shows the file at one instant. Without a
 * write-ahead log nobody can write while the planner's transaction is open, so all readers see the same. With one, others
 * may write meanwhile: readers then only see the same if the log has not grown.
 */
export function pinSnapshot(
  connection: SqliteConnection,
  file: string,
  consistency: 'auto' | 'run' | 'none',
): Snapshot {
  const takenAt = new Date().toISOString();
  const none: Snapshot = { consistency: 'none', token: undefined, id: undefined, takenAt };
  if (consistency === 'none') {
    connection.endReading();
    return none;
  }
  const [[mode] = []] = connection.query('PRAGMA journal_mode');
  if (mode !== 'wal') {
    connection.beginReading();
    return { ...none, consistency: 'run' };
  }
  if (consistency === 'auto') return { ...none, consistency: 'table' };
  return { ...none, consistency: 'run', token: beginKnown(connection, file) };
}

/** Begins a reader's transaction. @throws LakeportError if it would not see what the planner's sees */
export function beginAsPinned(connection: SqliteConnection, file: string, { token }: Snapshot): void {
  if (token === undefined) {
    connection.beginReading();
    return;
  }
  if (beginKnown(connection, file) === token) return;
  connection.endReading();
  throw changed(file);
}

const ATTEMPTS = 20;

/** Begins a transaction at a time when nobody commits. @returns the state of the log that it sees */
function beginKnown(connection: SqliteConnection, file: string): string {
  connection.endReading();
  for (let made = 1; made <= ATTEMPTS; made++) {
    const before = logState(file);
    connection.beginReading();
    if (logState(file) === before) return before;
    connection.endReading();
  }
  throw changed(file);
}

const LOG_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/**
 * Salts of the write-ahead log and its last commit (https://sqlite.org/fileformat2.html, 4.1). SQLite locks the database
 * file and the shared memory, never the log, so opening and closing the log is safe.
 */
function logState(file: string): string {
  let descriptor;
  try {
    descriptor = openSync(`${file}-wal`, 'r');
  } catch {
    return 'no log';
  }
  try {
    const header = Buffer.alloc(LOG_HEADER_BYTES);
    if (readSync(descriptor, header, 0, header.length, 0) < header.length) return 'no log';
    const salts = header.subarray(16, 24).toString('hex');
    const frameBytes = FRAME_HEADER_BYTES + header.readUInt32BE(8);
    const { size } = fstatSync(descriptor);
    let commit = 0;
    const frame = Buffer.alloc(FRAME_HEADER_BYTES);
    for (let i = 1, at = LOG_HEADER_BYTES; at + frameBytes <= size; i++, at += frameBytes) {
      readSync(descriptor, frame, 0, frame.length, at);
      if (frame.subarray(8, 16).toString('hex') !== salts) break;
      if (frame.readUInt32BE(4) !== 0) commit = i;
    }
    return `${salts}/${commit}`;
  } finally {
    closeSync(descriptor);
  }
}

function changed(file: string): LakeportError {
  return new LakeportError({
    code: 'SNAPSHOT_LOST',
    message: `${file} was written to after the run began, so its readers would not all see the same data`,
    hint: 'Stop the writers during the export, export a copy (sqlite3 FILE ".backup COPY"), or pass --consistency auto',
  });
}
