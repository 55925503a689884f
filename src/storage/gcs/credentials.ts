import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import type { GcsEntry } from './info.js';
import { type ErrorCode, LakeportError } from '../../errors.js';

/** The content of a key file, as the Google client takes it. */
export interface KeyFile {
  readonly type: string;
  readonly client_email?: string;
  readonly private_key?: string;
  readonly [field: string]: unknown;
}

/** Keys that act as a service account without its private key: federation and impersonation. */
const KEYLESS_TYPES = ['external_account', 'impersonated_service_account'];

const HOW_TO_MAKE_ONE =
  'A key file comes from "gcloud iam service-accounts keys create"; without credentials_file the application default credentials are used.';

/**
 * The entry's key, loaded and validated; undefined for application default credentials.
 * @throws LakeportError of class `usage` that says what is wrong with the file, without any of its content
 */
export async function loadKey(entry: GcsEntry): Promise<KeyFile | undefined> {
  const { credentials } = entry.info;
  switch (credentials.kind) {
    case 'default':
      return undefined;
    case 'key':
      return checkKey(credentials.key, { entry, source: 'service_account_key' });
    case 'file':
      return checkKey(await readKeyFile(entry, credentials.path), { entry, source: credentials.path });
  }
}

interface KeySource {
  readonly entry: GcsEntry;
  /** The file's path, or the field that contains the key. */
  readonly source: string;
}

async function readKeyFile(entry: GcsEntry, path: string): Promise<unknown> {
  const from = { entry, source: path };
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw problem(from, missing ? 'does not exist' : 'cannot be read', {
      hint: missing ? `Correct credentials_file. ${HOW_TO_MAKE_ONE}` : 'Grant the user that runs lakeport read access.',
      code: missing ? 'GCS_KEY_FILE_NOT_FOUND' : 'GCS_KEY_FILE_UNREADABLE',
    });
  });
  try {
    return JSON.parse(text);
  } catch {
    throw problem(from, 'is not JSON', { hint: HOW_TO_MAKE_ONE });
  }
}

function checkKey(key: unknown, from: KeySource): KeyFile {
  if (typeof key !== 'object' || key === null || !('type' in key) || typeof key.type !== 'string') {
    throw problem(from, 'is not a service account key: it has no "type"', { hint: HOW_TO_MAKE_ONE });
  }
  // An object with a string `type`, and any other fields.
  const file = key as KeyFile;
  if (KEYLESS_TYPES.includes(file.type)) return file;
  if (file.type !== 'service_account') {
    const login = file.type === 'authorized_user';
    throw problem(from, `is not a service account key but of type "${printable(file.type)}"`, {
      hint: login
        ? "To use a person's login, remove credentials_file: application default credentials will find it."
        : HOW_TO_MAKE_ONE,
    });
  }
  const missing = ['client_email', 'private_key'].filter((name) => typeof file[name] !== 'string' || file[name] === '');
  if (missing.length > 0) {
    throw problem(from, `is not a complete service account key: ${missing.join(' and ')} missing`, {
      hint: HOW_TO_MAKE_ONE,
    });
  }
  if (!isPrivateKey(file.private_key ?? '')) {
    throw problem(from, 'has a private_key that is not a PEM key', {
      hint: 'Use the file as downloaded; line breaks in private_key are written as \\n.',
    });
  }
  return file;
}

function isPrivateKey(pem: string): boolean {
  try {
    createPrivateKey(pem);
    return true;
  } catch {
    return false;
  }
}

/** A wrong file may contain anything, including a secret in place of the type. */
function printable(type: string): string {
  return /^[a-z_]{1,40}$/.test(type) ? type : '…';
}

function problem(from: KeySource, says: string, options: { hint: string; code?: ErrorCode }): LakeportError {
  return new LakeportError({
    code: options.code ?? 'GCS_KEY_FILE_INVALID',
    message: `The key ${from.source} of storage entry "${from.entry.id}" ${says}`,
    hint: options.hint,
    context: { entry: from.entry.id, path: from.source, detail: 'credentials_file' },
  });
}
