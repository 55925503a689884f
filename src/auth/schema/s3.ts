import type { z } from 'zod';

import type { S3Credentials, S3Info } from '../entries.js';
import { basePath, choice, flag, httpUrl, stringMap, text } from './fields.js';
import { given, infoSchema, quoted, type GivenFields, type Report } from './info.js';
import { checkPlainHttp, networkSettings, s3NetworkFields } from './network.js';

const CANNED_ACLS = [
  'private',
  'public-read',
  'public-read-write',
  'authenticated-read',
  'aws-exec-read',
  'bucket-owner-read',
  'bucket-owner-full-control',
  'log-delivery-write',
] as const;

const KEY_FIELDS = ['access_key_id', 'secret_access_key', 'session_token'];
const EXPRESS_SUFFIX = '--x-s3';
/** Object tags that S3 takes at most. */
const MOST_TAGS = 10;

const fields = {
  ...s3NetworkFields,
  bucket: text.refine((name) => name.startsWith('arn:') || /^[\w.-]+$/.test(name), 'is no name of a bucket'),
  base_path: basePath.default(''),
  region: text.optional(),
  profile: text.optional(),
  access_key_id: text.optional(),
  secret_access_key: text.optional(),
  session_token: text.optional(),
  endpoint_url: httpUrl.optional(),
  force_path_style: flag.optional(),
  virtual_hosted_style_request: flag.optional(),
  server_side_encryption: choice(['AES256', 'aws:kms', 'aws:kms:dsse']).optional(),
  sse_kms_key_id: text.optional(),
  sse_bucket_key_enabled: flag.optional(),
  s3_express: flag.optional(),
  storage_class: text.optional(),
  acl: choice(CANNED_ACLS).optional(),
  tags: stringMap.default({}),
  request_checksum: choice(['when_required', 'when_supported']).optional(),
};

type Fields = z.output<z.ZodObject<typeof fields>>;

export const s3Info = infoSchema(fields, { check, build });

export const s3FieldNames = Object.keys(fields);

function check(found: GivenFields, report: Report): void {
  checkCredentials(found, report);
  checkEncryption(found, report);
  checkStyle(found, report);
  checkPlainHttp(found, report);
  if (typeof found['tags'] === 'object' && Object.keys(found['tags'] ?? {}).length > MOST_TAGS) {
    report('tags', `has more than ${MOST_TAGS} tags, the most that S3 takes`);
  }
}

function checkCredentials(found: GivenFields, report: Report): void {
  const keys = given(found, KEY_FIELDS);
  if (keys.length === 0) return;
  if (found['profile'] !== undefined) {
    report('profile', `stands beside ${quoted(keys)}: it is not clear which is meant, so keep one of them`);
    return;
  }
  for (const name of ['access_key_id', 'secret_access_key']) {
    if (found[name] === undefined) report(name, `is missing beside ${quoted(keys)}`);
  }
}

function checkEncryption(found: GivenFields, report: Report): void {
  const mode = found['server_side_encryption'];
  if (mode === 'aws:kms' || mode === 'aws:kms:dsse') return;
  for (const name of given(found, ['sse_kms_key_id', 'sse_bucket_key_enabled'])) {
    if (found[name] === false) continue;
    report(name, 'needs `server_side_encryption` aws:kms or aws:kms:dsse beside it');
  }
}

function checkStyle(found: GivenFields, report: Report): void {
  const {
    force_path_style: pathStyle,
    virtual_hosted_style_request: virtualHosted,
    s3_express: express,
    bucket,
  } = found;
  if (typeof pathStyle === 'boolean' && pathStyle === virtualHosted) {
    report('force_path_style', `contradicts \`virtual_hosted_style_request\`: both are ${pathStyle}`);
  }
  if (express !== true) return;
  if (typeof bucket === 'string' && !bucket.endsWith(EXPRESS_SUFFIX)) {
    report('bucket', `must end in ${EXPRESS_SUFFIX} where \`s3_express\` is true`);
  }
  if (pathStyle === true) report('force_path_style', 'is not possible with `s3_express`');
}

function build(found: Fields): S3Info {
  const pathStyle =
    found.force_path_style ??
    (found.virtual_hosted_style_request === undefined ? undefined : !found.virtual_hosted_style_request);
  const hasEndpoint = found.endpoint_url !== undefined;
  const express = found.s3_express ?? found.bucket.endsWith(EXPRESS_SUFFIX);
  return {
    ...networkSettings(found),
    bucket: found.bucket,
    basePath: found.base_path,
    region: found.region,
    credentials: credentials(found),
    endpointUrl: found.endpoint_url,
    forcePathStyle: pathStyle ?? (hasEndpoint && !express),
    serverSideEncryption: found.server_side_encryption,
    sseKmsKeyId: found.sse_kms_key_id,
    sseBucketKeyEnabled: found.sse_bucket_key_enabled,
    s3Express: express,
    storageClass: found.storage_class,
    acl: found.acl,
    tags: found.tags,
    requestChecksum: found.request_checksum ?? (hasEndpoint ? 'when_required' : 'when_supported'),
  };
}

function credentials(found: Fields): S3Credentials {
  if (found.profile !== undefined) return { kind: 'profile', profile: found.profile };
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey, session_token: sessionToken } = found;
  if (accessKeyId === undefined || secretAccessKey === undefined) return { kind: 'default' };
  return { kind: 'keys', accessKeyId, secretAccessKey, sessionToken };
}
