import path from 'node:path';

import { interpolate } from '../../auth/interpolation.js';
import { LakeportError } from '../../errors.js';
import { isRecord } from '../../export/model/plain-value.js';
import type { TypedValues } from '../job-file/read-job.js';
import { type JobToSave, storableValues } from '../job-file/save-job.js';
import { JOB_FLAGS } from '../job-file/settings.js';
import { type Flag, spelling } from '../flags/flag.js';
import { FLAGS } from '../flags/flags.js';
import { localPath } from '../flags/path-flags.js';

/**
 * The flags of a stored sync, as they were typed: tokens of paths, defaults and references get their values with each run.
 * Paths are absolute, since runs begin in any directory.
 */

/** Increased when stored flags mean something else. */
const FORMAT = 1;

/** Those of a single run, of the log that stores the sync, and of what `config create` prints. */
const NOT_STORED: ReadonlySet<Flag> = new Set<Flag>([
  ...[FLAGS.runId, FLAGS.logDatabaseId, FLAGS.logDatabaseMode, FLAGS.resetWatermarks, FLAGS.json, FLAGS.quiet],
]);

const STORED_FLAGS: readonly Flag[] = JOB_FLAGS.filter((flag) => !NOT_STORED.has(flag));

/** Plain data without secrets. */
interface StoredFlags {
  readonly format: number;
  /** By the flags' own names, with references to variables and files; empty for switches. */
  readonly flags: Readonly<Record<string, readonly string[]>>;
}

/** @throws LakeportError of class `usage` if a value contains a secret */
export function storedFlags({ values, ...job }: JobToSave): StoredFlags {
  const absolute = new Map(
    STORED_FLAGS.flatMap((flag) => {
      const given = values.get(flag.name);
      return given === undefined ? [] : [[flag.name, given.map((value) => absoluteValue(flag, value))] as const];
    }),
  );
  return { format: FORMAT, flags: Object.fromEntries(storableValues({ ...job, values: absolute }, STORED_FLAGS)) };
}

/** The flags as they are stored. @throws LakeportError of class `usage` if the record is another version's */
export function readStoredFlags(settings: unknown, syncId: string): TypedValues {
  const flags = isRecord(settings) && settings['format'] === FORMAT ? settings['flags'] : undefined;
  if (!isRecord(flags)) throw notReadable(syncId, 'they were stored in a format that this version does not know');
  return new Map(
    Object.entries(flags).map(([name, values]) => {
      const flag = STORED_FLAGS.find((one) => one.name === name);
      if (flag === undefined) throw notReadable(syncId, `this version has no flag ${spelling({ name })}`);
      if (!isTexts(values)) throw notReadable(syncId, `${spelling(flag)} has no list of values`);
      return [name, values];
    }),
  );
}

/** The flags of a run that begins now. @throws LakeportError of class `usage` if a reference has no value */
export function restoredFlags(
  settings: unknown,
  { syncId, environment }: { readonly syncId: string; readonly environment: NodeJS.ProcessEnv },
): TypedValues {
  const kept = new Set(STORED_FLAGS.filter((flag) => flag.keepsReferences === true).map(({ name }) => name));
  const valueOf = (name: string, value: string): string => {
    if (kept.has(name)) return value;
    const found = interpolate(value, environment);
    if ('value' in found) return found.value;
    throw notReadable(syncId, `the value of ${spelling({ name })} ${found.problem}`);
  };
  return new Map(
    Array.from(readStoredFlags(settings, syncId), ([name, values]) => [
      name,
      values.map((value) => valueOf(name, value)),
    ]),
  );
}

/** Of a value that is a path, or names one behind `=`. A reference at its beginning may be absolute by itself. */
function absoluteValue(flag: Flag, value: string): string {
  if (flag.completes === undefined) return value;
  const [, name = '', written = value] = flag.value === 'NAME=PATH' ? (/^([^=]*=)(.*)$/s.exec(value) ?? []) : [];
  if (written === '' || written.startsWith('$')) return value;
  return name + path.resolve(localPath({ flag: spelling(flag), value: written }));
}

function isTexts(values: unknown): values is readonly string[] {
  return Array.isArray(values) && values.every((value) => typeof value === 'string');
}

function notReadable(syncId: string, why: string): LakeportError {
  return new LakeportError({
    code: 'SYNC_NOT_READABLE',
    message: `The flags of sync ${syncId} cannot be used: ${why}`,
    hint: `Set the variable, or store the sync again with lakeport config create --sync-id ${syncId} --replace.`,
    context: { detail: syncId },
  });
}
