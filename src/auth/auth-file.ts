import { readFile, readlink, stat } from 'node:fs/promises';

import { ENVIRONMENT } from '../environment.js';
import { type ErrorCode, LakeportError } from '../errors.js';
import { didYouMean } from '../text/did-you-mean.js';
import { systemReason } from '../runtime/system-reason.js';
import { interpolate } from './interpolation.js';
import { parseJson, propertiesOf } from './json-document.js';
import type { AuthEntry, DatabaseEntry, StorageEntry } from './entries.js';
import type { EntryKinds } from './entry-kind.js';
import { readEntry, type UnavailableEntry } from './entry-reader.js';
import { problemsError, type Problem } from './problem.js';
import { Redactor } from './redaction.js';

export interface LoadAuthFileOptions {
  /** The kinds of entries that the file may hold. */
  readonly kinds: EntryKinds;
  /** Variables for `${NAME}`; the process's own by default. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Receives every secret in the file, even if the file is invalid. */
  readonly redactor?: Redactor;
}

/** An entry that refers to variables or files that do not exist: an error only if it is used. */
interface UnresolvedEntry {
  readonly id: string;
  readonly missing: readonly Problem[];
}

type KnownEntry = AuthEntry | UnavailableEntry | UnresolvedEntry;

/** The named credentials of one file, all valid. */
export class AuthFile {
  readonly path: string;
  /** One sentence each, for the log. */
  readonly warnings: readonly string[];
  readonly #entries: ReadonlyMap<string, KnownEntry>;
  readonly #databases: readonly string[];
  readonly #environment: NodeJS.ProcessEnv;
  readonly #redactor: Redactor | undefined;
  readonly #secrets = new Map<string, string>();

  constructor(options: {
    readonly path: string;
    readonly warnings: readonly string[];
    readonly entries: readonly KnownEntry[];
    /** Names of the databases that can be used, for messages. */
    readonly databases?: readonly string[];
    /** Variables for `secret`; the process's own by default. */
    readonly environment?: NodeJS.ProcessEnv | undefined;
    /** Receives what `secret` returns. */
    readonly redactor?: Redactor | undefined;
  }) {
    this.path = options.path;
    this.warnings = options.warnings;
    this.#databases = options.databases ?? [];
    this.#environment = options.environment ?? ENVIRONMENT;
    this.#redactor = options.redactor;
    this.#entries = new Map(options.entries.map((entry) => [entry.id, entry]));
  }

  /**
   * The secret that a flag refers to as the fields of the file do, such as `$env{NAME}`. It is read once: whatever happens
   * to the variable or file, a run has one salt.
   * @throws LakeportError of class `usage` if there is none, or it is empty
   */
  secret(reference: string, flag: string): string {
    const known = this.#secrets.get(reference);
    if (known !== undefined) return known;
    const found = interpolate(reference, this.#environment);
    const problem = 'problem' in found ? found.problem : found.value === '' ? 'refers to an empty value' : undefined;
    if ('value' in found && problem === undefined) {
      this.#redactor?.add(found.value);
      this.#secrets.set(reference, found.value);
      return found.value;
    }
    throw new LakeportError({
      code: 'SECRET_MISSING',
      message: `${flag} ${problem ?? 'has no value'}`,
      hint: 'Set the variable, or write the file, and run the same command again.',
      context: { detail: flag },
    });
  }

  /** In the file's order, including kinds that are not available yet. */
  ids(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** The kind of an entry, for messages: `postgres`, `s3` …; `unknown` if it does not exist or is unresolved. */
  kindOf(id: string): string {
    const entry = this.#entries.get(id);
    if (entry === undefined || 'missing' in entry) return 'unknown';
    if ('unavailable' in entry) return entry.unavailable;
    return entry.kind === 'database' ? entry.engine : entry.storageType;
  }

  /** @throws LakeportError of class `usage` for an unknown id, a storage, or a kind that is not available yet */
  database(id: string): DatabaseEntry {
    const entry = this.entry(id);
    if (entry.kind === 'database') return entry;
    throw this.#wrongKind(entry, { sought: 'database' });
  }

  /** @throws LakeportError of class `usage` for an unknown id, a database, or a kind that is not available yet */
  storage(id: string): StorageEntry {
    const entry = this.entry(id);
    if (entry.kind === 'storage') return entry;
    throw this.#wrongKind(entry, { sought: 'storage' });
  }

  /** @throws LakeportError of class `usage` for an unknown id, a missing variable or file, or an unavailable kind */
  entry(id: string): AuthEntry {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw this.#unknownId(id);
    if ('missing' in entry) throw problemsError(this.path, entry.missing);
    if (!('unavailable' in entry)) return entry;
    throw new LakeportError({
      code: 'NOT_AVAILABLE_YET',
      message: `The entry ${id} of ${this.path} is of the kind ${entry.unavailable}, which is not available yet`,
      hint: `Databases can be ${this.#databases.join(', ').replace(/, (?=[^,]*$)/, ' or ')}.`,
      context: { entry: id, path: this.path },
    });
  }

  #unknownId(id: string): LakeportError {
    const near = didYouMean(id, this.#entries.keys());
    return new LakeportError({
      code: 'UNKNOWN_ENTRY',
      message: `${this.path} has no entry ${JSON.stringify(id)}${near === undefined ? '' : `; did you mean ${near}?`}`,
      hint: this.#entries.size === 0 ? 'The file has no entries.' : `Its entries are: ${this.ids().join(', ')}.`,
      context: { entry: id, path: this.path },
    });
  }

  #wrongKind(entry: AuthEntry, { sought }: { readonly sought: AuthEntry['kind'] }): LakeportError {
    const others = [...this.#entries.values()].filter((other) => 'kind' in other && other.kind === sought);
    const ids = others.map(({ id }) => id).join(', ');
    return new LakeportError({
      code: 'WRONG_KIND_OF_ENTRY',
      message: `The entry ${entry.id} of ${this.path} is a ${entry.kind}, where a ${sought} is needed`,
      hint: others.length === 0 ? `The file has no ${sought}.` : `The file's ${sought}s are: ${ids}.`,
      context: { entry: entry.id, path: this.path },
    });
  }
}

/**
 * Reads and validates a whole auth file.
 * @throws LakeportError of class `usage` that lists every problem with its entry, field and line
 */
export async function loadAuthFile(path: string, options: LoadAuthFileOptions): Promise<AuthFile> {
  const { kinds, environment = ENVIRONMENT, redactor = new Redactor() } = options;
  const document = parseJson(await readText(path), path);
  const problems: Problem[] = [];
  const warnings = await permissionWarnings(path);
  if (document.root.type !== 'object') {
    throw problemsError(path, [{ line: 1, id: undefined, message: 'the file must hold one JSON object of entries' }]);
  }

  const entries: KnownEntry[] = [];
  const lines = new Map<string, number>();
  for (const property of propertiesOf(document.root, document)) {
    const { key: id, line } = property;
    // Points editors to the JSON Schema of the file.
    if (id === '$schema' && property.node.type === 'string') continue;
    const earlier = lines.get(id);
    if (id === '') problems.push({ line, id: undefined, message: 'an entry has an empty id' });
    if (earlier !== undefined) {
      problems.push({ line, id, message: `the id is used twice, in line ${earlier} and in line ${line}` });
    }
    lines.set(id, earlier ?? line);
    redactor.addPublic(id);
    const missing: Problem[] = [];
    const before = problems.length;
    const entry = await readEntry(property, {
      kinds,
      document,
      environment,
      redactor,
      problem: (at, message) => problems.push({ line: at, id, message }),
      missing: (at, message) => missing.push({ line: at, id, message }),
      warning: (at, message) => warnings.push(`${path}, line ${at}: ${id}: ${message}`),
    });
    // If the entry needs correcting anyway, report everything at once.
    if (problems.length > before) problems.push(...missing);
    else if (missing.length > 0) entries.push({ id, missing });
    else if (entry !== undefined) entries.push(entry);
  }
  if (problems.length > 0) throw problemsError(path, problems);
  return new AuthFile({
    path,
    warnings,
    entries,
    databases: kinds.databases.map(({ name }) => name),
    environment,
    redactor,
  });
}

async function readText(path: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw unreadable(path, error);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new LakeportError({
      code: 'AUTH_FILE_NOT_UTF8',
      message: `${path} is not encoded in UTF-8`,
      hint: 'Save it as UTF-8; the redirection of some Windows shells writes UTF-16.',
      context: { path },
      cause,
    });
  }
}

function unreadable(path: string, cause: unknown): LakeportError {
  const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  const [code, message]: [ErrorCode, string] =
    errno === 'ENOENT'
      ? ['AUTH_FILE_NOT_FOUND', `There is no auth file at ${path}`]
      : errno === 'EISDIR'
        ? ['AUTH_FILE_UNREADABLE', `${path} is a directory, not an auth file`]
        : ['AUTH_FILE_UNREADABLE', `The auth file ${path} can't be read: ${systemReason(cause)}`];
  return new LakeportError({
    code,
    message,
    hint:
      errno === 'EACCES'
        ? 'Let this user read it (chmod, chown), or give another path with -a.'
        : 'Give its path with -a; auth.example.json shows what it looks like.',
    context: { path, ...(errno === undefined ? {} : { detail: errno }) },
    cause,
  });
}

/**
 * Windows has no such permissions. A file that this user reads only as a member of its group was set up by someone else
 * (Kubernetes gives a secret to the pod's `fsGroup`, mode 0440): group access is intended there, but usually a mistake
 * on the user's own file.
 */
async function permissionWarnings(path: string): Promise<string[]> {
  if (process.platform === 'win32') return [];
  const { mode, uid } = await stat(path);
  const isOwn = uid === process.getuid?.() && (mode & 0o200) !== 0;
  if ((mode & (isOwn ? 0o044 : 0o004)) === 0) return [];
  const cure = (await isOfVolume(path)) ? "set the volume's defaultMode to 0440" : `run: chmod 600 ${path}`;
  return [`${path} can be read by other users of this machine; ${cure}`];
}

/** Files of a Kubernetes secret volume are links into `..data`; the volume sets their modes. */
async function isOfVolume(path: string): Promise<boolean> {
  const target = await readlink(path).catch(() => '');
  return target.startsWith('..data/');
}
