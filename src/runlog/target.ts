import { homedir } from 'node:os';
import path from 'node:path';

import type { DatabaseEntry } from '../auth/entries.js';
import { LakeportError } from '../errors.js';

/** Where runs are logged, as plain data. Contains secrets. */
export type RunLogTarget = DatabaseEntry;

/** Id of the log that needs no configuration; entries of the auth file have their own ids. */
const EMBEDDED_LOG_ID = 'embedded';

/** What the location depends on. */
export interface LocationContext {
  readonly environment: NodeJS.ProcessEnv;
  readonly platform: NodeJS.Platform;
}

/** The log without `--log-db-auth-id`: a SQLite file in the user's state directory. */
export function embeddedLog(context: LocationContext): RunLogTarget {
  const filepath = path.join(stateDirectory(context), 'runs.sqlite');
  return { kind: 'database', id: EMBEDDED_LOG_ID, engine: 'sqlite', info: { filepath } };
}

/**
 * The user's directory for state that persists between runs: `$XDG_STATE_HOME` or `~/.local/state` (XDG Base Directory
 * Specification), on macOS `~/Library/Application Support`, on Windows `%LOCALAPPDATA%`.
 * @throws LakeportError if the user has no home directory
 */
export function stateDirectory({ environment, platform }: LocationContext): string {
  // The specification requires relative paths to be ignored.
  const named = [environment['XDG_STATE_HOME'], platform === 'win32' ? environment['LOCALAPPDATA'] : undefined];
  const base =
    named.find((one) => one !== undefined && path.isAbsolute(one)) ?? customaryDirectory({ environment, platform });
  return path.join(base, 'lakeport');
}

function customaryDirectory({ environment, platform }: LocationContext): string {
  const home = homeOf(environment);
  if (platform === 'darwin') return path.join(home, 'Library', 'Application Support');
  if (platform === 'win32') return path.join(home, 'AppData', 'Local');
  return path.join(home, '.local', 'state');
}

function homeOf(environment: NodeJS.ProcessEnv): string {
  const named = environment['HOME'] ?? environment['USERPROFILE'];
  if (named !== undefined && path.isAbsolute(named)) return named;
  try {
    const home = homedir();
    if (path.isAbsolute(home)) return home;
  } catch {
    // The user id has no entry in the password file, which is common in containers.
  }
  throw new LakeportError({
    code: 'RUN_LOG_NO_HOME',
    message: 'There is no location for the run log: this user has no home directory',
    hint: 'Set HOME or XDG_STATE_HOME to a directory, or name a log database with --log-db-auth-id.',
  });
}
