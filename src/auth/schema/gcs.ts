import { z } from 'zod';

import type { GcsInfo, ServiceAccountKey } from '../entries.js';
import { basePath, httpUrl, path, text } from './fields.js';
import { infoSchema, type GivenFields, type Report } from './info.js';
import { checkPlainHttp, networkFields, networkSettings } from './network.js';

/** A key as Google hands it out: the JSON itself, or a string that holds it. */
const serviceAccountKey = z.unknown().transform((value, context): ServiceAccountKey => {
  const key = keyOf(value);
  const message = typeof key === 'string' ? key : undefined;
  if (message === undefined && typeof key === 'object') return key;
  context.addIssue({ code: 'custom', message: message ?? 'is no key' });
  return z.NEVER;
});

const fields = {
  ...networkFields,
  bucket: text.refine((name) => /^[\w.-]+$/.test(name), 'is no name of a bucket'),
  base_path: basePath.default(''),
  project_id: text.optional(),
  credentials_file: path.optional(),
  service_account_key: serviceAccountKey.optional(),
  endpoint_url: httpUrl.optional(),
};

type Fields = z.output<z.ZodObject<typeof fields>>;

export const gcsInfo = infoSchema(fields, { check, build });

export const gcsFieldNames = Object.keys(fields);

/** The key, or in words what is wrong with it. */
function keyOf(value: unknown): ServiceAccountKey | string {
  let key = value;
  if (typeof value === 'string') {
    try {
      key = JSON.parse(value);
    } catch {
      return 'must hold the JSON of a key; the path of a key file goes into `credentials_file`';
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
    report(
      'credentials_file',
      'stands beside `service_account_key`: it is not clear which is meant, so keep one of them',
    );
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
