import { homedir } from 'node:os';
import path from 'node:path';

import type { DatabaseEntry } from '../auth/entries.js';
import { LakeportError } from '../errors.js';

/** Where runs are logged, as plain data. Holds secrets. */
export type RunLogTarget = DatabaseEntry;

/** Id of the log that nobody has to configure; entries of the auth file have their own. */
export const EMBEDDED_LOG_ID = 'embedded';

/** What the location depends on, of the process and its machine. */
export interface LocationContext {
  readonly environment: NodeJS.ProcessEnv;
  readonly platform: NodeJS.Platform;
}

/** The log without `--log-db-auth-id`: a file of SQLite among the user's own. */
export function embeddedLog(context: LocationContext): RunLogTarget {
  const filepath = path.join(stateDirectory(context), 'runs.sqlite');
  return { kind: 'database', id: EMBEDDED_LOG_ID, engine: 'sqlite', info: { filepath } };
}

/**
 * Where this user's programs keep what they know from one run to the next: `$XDG_STATE_HOME` or `~/.local/state` (XDG Base
 * Directory Specification), on macOS `~/Library/Application Support`, on Windows `%LOCALAPPDATA%`.
 * @throws LakeportError for a user without a home
 */
export function stateDirectory({ environment, platform }: LocationContext): string {
  // The specification wants relative paths to be ignored.
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
    // A user id without an entry in the password file, as containers have them.
  }
  throw new LakeportError({
    code: 'RUN_LOG_NO_HOME',
    message: 'There is no place for the run log: this user has no home directory',
    hint: 'Set HOME or XDG_STATE_HOME to a directory, or name a log database by --log-db-auth-id.',
  });
}
