import { z } from 'zod';

import { entryFields, type FieldValues, type GivenFields, type Report } from '../../auth/entry-fields.js';
import { anything, basePath, httpUrl, path, text } from '../../auth/fields.js';
import { bucketAddress, resolveDirectory } from '../directory-url.js';
import { checkPlainHttp, networkFields, networkSettings, PROXY_VARIABLES } from '../network-fields.js';
import type { GcsInfo, ServiceAccountKey } from './info.js';

/** A key as Google issues it: the JSON itself, or a string that contains it. */
const serviceAccountKey = anything({ type: ['object', 'string'] }).transform((value, context): ServiceAccountKey => {
  const key = keyOf(value);
  const message = typeof key === 'string' ? key : undefined;
  if (message === undefined && typeof key === 'object') return key;
  context.addIssue({ code: 'custom', message: message ?? 'is not a key' });
  return z.NEVER;
});

const fields = {
  ...networkFields,
  bucket: {
    schema: text.refine((name) => /^[\w.-]+$/.test(name), 'is not a bucket name'),
    synonyms: ['bucket_name'],
  },
  base_path: { schema: basePath.default('') },
  project_id: { schema: text.optional(), synonyms: ['project'] },
  credentials_file: {
    schema: path.optional(),
    synonyms: ['service_account', 'service_account_path', 'application_credentials', 'profile'],
    environment: ['GOOGLE_SERVICE_ACCOUNT'],
  },
  service_account_key: {
    schema: serviceAccountKey.optional(),
    secret: secretsOfKey,
    environment: ['GOOGLE_SERVICE_ACCOUNT_KEY'],
  },
  endpoint_url: { schema: httpUrl.optional(), synonyms: ['endpoint'] },
};

type Fields = FieldValues<typeof fields>;

export const gcsFields = entryFields({
  fields,
  prefixes: ['google_', 'gcs_'],
  standIns: ['directory'],
  prepare: resolveDirectory({
    standsFor: ['bucket'],
    resolve: (directory) => bucketAddress(directory, { schemes: /^(gs|gcs)$/, example: 'gs://bucket/base' }),
  }),
  environment: [
    // A Google account's key must not go to an endpoint from the entry.
    { fields: ['credentials_file', 'service_account_key'], unless: ['endpoint_url'], exclusive: true },
    PROXY_VARIABLES,
  ],
  check,
  build,
});

/** Only some of the key's fields are secret on their own; its whole text is too. */
function secretsOfKey(value: unknown): string[] {
  if (typeof value === 'string') {
    const key = value.trimStart().startsWith('{') ? parsed(value) : undefined;
    return [value, ...(key === undefined ? [] : secretsOfKey(key))];
  }
  if (typeof value !== 'object' || value === null) return [];
  const { private_key: privateKey, private_key_id: keyId }: { private_key?: unknown; private_key_id?: unknown } = value;
  return [privateKey, keyId].filter((secret) => typeof secret === 'string');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The key, or what is wrong with it. */
function keyOf(value: unknown): ServiceAccountKey | string {
  let key = value;
  if (typeof value === 'string') {
    try {
      key = JSON.parse(value);
    } catch {
      return 'must be the JSON of a key; the path of a key file belongs in `credentials_file`';
    }
  }
  if (typeof key !== 'object' || key === null || Array.isArray(key)) return 'must be the JSON object of a key';
  const found: Readonly<Record<string, unknown>> = { ...key };
  if (found['type'] !== 'service_account')
    return 'must be a key of a service account (`type` is not "service_account")';
  const { client_email: email, private_key: privateKey } = found;
  if (typeof email !== 'string' || email === '') return 'has no `client_email`';
  if (typeof privateKey !== 'string' || privateKey === '') return 'has no `private_key`';
  return { ...found, type: 'service_account', client_email: email, private_key: privateKey };
}

function check(found: GivenFields, report: Report): void {
  if (found['credentials_file'] !== undefined && found['service_account_key'] !== undefined) {
    report('credentials_file', 'cannot be combined with `service_account_key`; keep one of them');
  }
  checkPlainHttp(found, report);
}

function build(found: Fields): GcsInfo {
  return {
    ...networkSettings(found),
    bucket: found.bucket,
    basePath: found.base_path,
    projectId: found.project_id,
    credentials:
      found.credentials_file !== undefined
        ? { kind: 'file', path: found.credentials_file }
        : found.service_account_key !== undefined
          ? { kind: 'key', key: found.service_account_key }
          : { kind: 'default' },
    endpointUrl: found.endpoint_url,
  };
}
