import { readFile } from 'node:fs/promises';
import { LakeportError } from '../../../errors.js';

/** libpq's password file: lines of `host:port:database:user:password`, `*` matches anything, the first match counts. */
export interface PasswordFor {
  readonly server: string;
  readonly port: number;
  readonly database: string;
  readonly username: string;
}

/** @throws LakeportError if the file cannot be read */
export async function readPasswordFile(
  path: string,
  entryId: string,
): Promise<(of: PasswordFor) => string | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new LakeportError({
      code: 'PASSWORD_FILE_NOT_READABLE',
      message: `The file ${path} of passfile cannot be read`,
      hint: 'Correct the path in the connection string, or let this user read the file',
      context: { entry: entryId, path, detail: 'passfile' },
      cause,
    });
  }
  return (of) => findPassword(text, of);
}

export function findPassword(text: string, { server, port, database, username }: PasswordFor): string | undefined {
  // A socket connection is always to this host.
  const host = server.startsWith('/') ? 'localhost' : server;
  const wanted = [host, String(port), database, username];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = [...line.matchAll(/((?:[^:\\]|\\.)*)(?::|$)/g)].map(([, field = '']) =>
      field.replace(/\\(.)/g, '$1'),
    );
    if (fields.length < 5 || !wanted.every((value, index) => fields[index] === '*' || fields[index] === value))
      continue;
    return fields[4];
  }
  return undefined;
}
