import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';

import type { AuthFile } from '../../auth/auth-file.js';
import type { Redactor } from '../../auth/redaction.js';
import { LakeportError } from '../../errors.js';
import { FORMER_MANIFEST_PLACE, type ManifestPlace } from '../../export/model/manifest-place.js';
import type { ExportOptions } from '../../export/model/options.js';
import { OUTPUT_DIRECTORY_ID } from '../../storage/target.js';
import { endpointOf, localDirectory } from '../../stores.js';
import { OPT_INS } from '../../sources/opt-ins.js';
import { flagOptions } from '../flags/export-flags.js';
import { FLAGS } from '../flags/flags.js';
import { isRecord, textOnRecord } from '../../export/model/plain-value.js';
import { entryAddress } from '../../auth-file.js';
import { saltFingerprint } from './mask-salt.js';

/** Increased when runs of earlier versions can no longer be resumed. */
const FORMAT = 1;

/** Where a storage is, regardless of its id. */
export interface StoragePlace {
  /** An absolute directory, or the address of a bucket. */
  readonly address: string;
  /** The machine of a directory; the server of a bucket if it is not its provider's own. */
  readonly server: string;
  readonly isLocal: boolean;
}

/** The part of an export's settings that the run log stores: plain data without secrets, all that a resume needs besides the auth file. */
export interface RecordedSettings {
  readonly format: number;
  /** Times are ISO strings; undefined values are left out. */
  readonly options: unknown;
  /** The base of relative paths. */
  readonly cwd: string;
  /** By the storage's id. */
  readonly places: Readonly<Record<string, StoragePlace>>;
  /** Names of settings that contain secrets, which are not recorded. */
  readonly hidden: readonly string[];
  /** See `saltFingerprint`. Absent if nothing is hashed. */
  readonly saltFingerprint?: string | undefined;
  /** As given, for the command that resumes the run. Older records have none. */
  readonly authFile?: string | undefined;
}

/** @throws LakeportError of class `usage` if the salt of masks is missing */
export async function recordedSettings(
  options: ExportOptions,
  { auth, redactor }: { readonly auth: AuthFile; readonly redactor: Redactor },
): Promise<RecordedSettings & Readonly<Record<string, unknown>>> {
  const { target } = options;
  const whole = 'directory' in target ? { ...options, target: { directory: path.resolve(target.directory) } } : options;
  return {
    format: FORMAT,
    options: whole,
    cwd: process.cwd(),
    places: storagePlaces(options, auth),
    hidden: Object.entries(whole)
      .filter(([, value]) => JSON.stringify(redactor.redactData(value)) !== JSON.stringify(value))
      .map(([name]) => name),
    saltFingerprint: await saltFingerprint(options, auth),
    authFile: auth.path,
  };
}

/** Where the tables go, human-readable; routed tables go elsewhere. */
export function targetAddress(options: ExportOptions, auth: AuthFile): string {
  const { target, subPath } = options;
  const id = 'directory' in target ? OUTPUT_DIRECTORY_ID : target.storageId;
  const address = storagePlaces(options, auth)[id]?.address ?? id;
  return subPath === '' ? address : `${address}/${subPath}`;
}

/**
 * An earlier run's options.
 * @throws LakeportError if the record does not contain them
 */
export function restoredOptions(settings: unknown, runId: string): ExportOptions {
  const { format, options, hidden } = settingsOf(settings);
  if (format !== FORMAT || !isRecord(options) || typeof options['startedAt'] !== 'string') {
    throw notResumable(
      runId,
      'it was recorded by another version of lakeport, in a format that this one does not know',
    );
  }
  if (hidden !== undefined && hidden.length > 0) {
    throw notResumable(runId, `its settings (${hidden.join(', ')}) contain a credential, which the log does not store`);
  }
  return restored(options, runId);
}

/** Reads each option through its flag, with the default if the record is older than the flag. */
function restored(record: Readonly<Record<string, unknown>>, runId: string): ExportOptions {
  const unknown = (name: string) => notResumable(runId, `its record has a ${name} that this version does not know`);
  const text = (name: string): string => {
    const value = record[name];
    if (typeof value !== 'string') throw unknown(name);
    return value;
  };
  const { engineOptions } = record;
  const recorded = isRecord(engineOptions) ? { ...record, ...engineOptions } : record;
  const values = flagOptions((flag, name) => {
    const found = flag.restore(recorded[name]);
    if (found === undefined) throw unknown(name);
    return found.value;
  });
  const target = recordedTarget(record['target']);
  if (target === undefined) throw unknown('target');
  const routes = FLAGS.routes.restore(record['routes']);
  if (routes === undefined) throw unknown('routes');
  return {
    runId: text('runId'),
    startedAt: new Date(text('startedAt')),
    sourceId: text('sourceId'),
    subPath: text('subPath'),
    target,
    optIns: recordedOptIns(record),
    routes: routes.value,
    ...values,
  };
}

function recordedTarget(target: unknown): ExportOptions['target'] | undefined {
  if (!isRecord(target)) return undefined;
  const { directory, storageId } = target;
  if (typeof directory === 'string') return { directory };
  return typeof storageId === 'string' ? { storageId } : undefined;
}

/** Older records have a flag for views only; foreign tables were exported without one. */
function recordedOptIns({ optIns, includeViews }: Readonly<Record<string, unknown>>): ExportOptions['optIns'] {
  if (Array.isArray(optIns)) return OPT_INS.filter((optIn) => optIns.includes(optIn));
  return includeViews === true ? ['views', 'foreign_tables'] : ['foreign_tables'];
}

/** The auth file that the run was given, if it is still there. */
export function recordedAuthFile(settings: unknown): string | undefined {
  const { authFile, cwd = '/' } = settingsOf(settings);
  const whole = authFile === undefined ? undefined : path.resolve(cwd, authFile);
  return whole !== undefined && existsSync(whole) ? whole : undefined;
}

/** Whether the salt that the options refer to is the one of the run. False if it hashed nothing. */
export async function isSaltOf(
  settings: unknown,
  { options, auth }: { readonly options: ExportOptions; readonly auth: AuthFile },
): Promise<boolean> {
  const { saltFingerprint: recorded } = settingsOf(settings);
  return recorded !== undefined && recorded === (await saltFingerprint(options, auth));
}

/** Whether a run can be resumed, judging by its settings. */
export function canBeRestored(settings: unknown): boolean {
  const { format, hidden = [] } = settingsOf(settings);
  return format === FORMAT && hidden.length === 0;
}

/**
 * Published tables and those still to come must go to the same place.
 * @throws LakeportError if a storage now leads elsewhere than when the run started
 */
export function refuseOtherPlaces(settings: unknown, options: ExportOptions, auth: AuthFile): void {
  const { places = {} } = settingsOf(settings);
  for (const [id, now] of Object.entries(storagePlaces(options, auth))) {
    const before = places[id];
    if (before === undefined) continue;
    if (before.address === now.address && (now.isLocal || before.server === now.server)) continue;
    throw new LakeportError({
      code: 'RESUME_ELSEWHERE',
      message: `The storage ${id} leads to ${now.address}, but the run started in ${before.address}`,
      hint: now.isLocal
        ? 'Resume it in the same directory, with the same auth file.'
        : 'Resume it with the same auth file, or export again without --resume.',
      context: { entry: id },
    });
  }
}

/** The fingerprint of the salt that the run began with; undefined if it hashes nothing. */
export function recordedSalt(settings: unknown): string | undefined {
  return textOnRecord(settingsOf(settings).saltFingerprint);
}

/** The auth file that the run began with, as seen from here; undefined if the record is older. */
export function recordedAuthPath(settings: unknown): string | undefined {
  const { authFile, cwd } = settingsOf(settings);
  if (authFile === undefined || cwd === undefined || cwd === process.cwd()) return authFile;
  return path.resolve(cwd, authFile);
}

/** Where a recorded run wrote to. */
export interface RecordedPlaces {
  /** The base of relative paths; undefined if the record does not say. */
  readonly cwd: string | undefined;
  /** Undefined if the record does not say. */
  of(storageId: string): StoragePlace | undefined;
  /** By the ids of the storages. */
  readonly all: readonly (readonly [storageId: string, place: StoragePlace])[];
}

export function recordedPlaces(settings: unknown): RecordedPlaces {
  const { places = {}, cwd } = settingsOf(settings);
  return { cwd, of: (storageId) => places[storageId], all: Object.entries(places) };
}

/** The consistency that the run required: `run`, or undefined if it accepted less. */
export function recordedConsistency(settings: unknown): 'run' | undefined {
  const { options } = settingsOf(settings);
  return isRecord(options) && options['consistency'] === 'run' ? 'run' : undefined;
}

/** Where the recorded run wrote what no route sent elsewhere; undefined if the record does not say. */
export function recordedDestination(settings: unknown): ExportOptions['target'] | undefined {
  const { options } = settingsOf(settings);
  return isRecord(options) ? recordedTarget(options['target']) : undefined;
}

/** Where the manifests of the recorded run's tables are. */
export function recordedManifestPlace(settings: unknown): ManifestPlace {
  const { options } = settingsOf(settings);
  return FLAGS.manifest.restore(isRecord(options) ? options['manifest'] : undefined)?.value ?? FORMER_MANIFEST_PLACE;
}

/** A key that is the same for the same table location, from a run's record. Undefined if the record lacks it. */
export function placeKey(
  settings: unknown,
  table: { readonly storageId: string | undefined; readonly path: string | undefined },
): string | undefined {
  const { places, cwd } = settingsOf(settings);
  const place = places?.[table.storageId ?? ''];
  if (place === undefined || table.path === undefined) return undefined;
  return `${place.server} ${place.isLocal ? path.resolve(cwd ?? '/', table.path) : table.path}`;
}

/** Records of other versions may lack fields. */
function settingsOf(settings: unknown): Partial<RecordedSettings> {
  return isRecord(settings) ? settings : {};
}

function storagePlaces({ target, routes }: ExportOptions, auth: AuthFile): Record<string, StoragePlace> {
  const places: Record<string, StoragePlace> = {};
  const ids = routes.map(({ storageId }) => storageId);
  if ('directory' in target) places[OUTPUT_DIRECTORY_ID] = localPlace(target.directory);
  else ids.push(target.storageId);
  for (const id of ids) {
    const entry = auth.storage(id);
    const directory = localDirectory({ kind: 'entry', entry });
    places[id] =
      directory === undefined
        ? { address: entryAddress(entry), server: endpointOf(entry), isLocal: false }
        : localPlace(directory);
  }
  return places;
}

function localPlace(directory: string): StoragePlace {
  return { address: path.resolve(directory), server: hostname(), isLocal: true };
}

function notResumable(runId: string, reason: string): LakeportError {
  return new LakeportError({
    code: 'RUN_NOT_RESUMABLE',
    message: `Run ${runId} cannot be resumed: ${reason}`,
    hint: 'Export again without --resume.',
  });
}
