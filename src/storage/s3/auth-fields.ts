import {
  entryFields,
  given,
  quoted,
  type FieldValues,
  type GivenFields,
  type Report,
} from '../../auth/entry-fields.js';
import { basePath, choice, flag, httpUrl, size, stringMap, text } from '../../auth/fields.js';
import { bucketAddress, resolveDirectory } from '../directory-url.js';
import { checkPlainHttp, networkFields, networkSettings, PROXY_VARIABLES } from '../network-fields.js';
import type { S3Credentials, S3Info } from './info.js';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** S3 accepts parts of 5 MiB to 5 GiB (the last one may be smaller). */
const PART = { least: 5 * MIB, most: 5 * GIB, words: 'from 5 MiB to 5 GiB' };

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
/** S3's limit of object tags. */
const MOST_TAGS = 10;

const fields = {
  ...networkFields,
  part_size: { schema: size(PART).default(8 * MIB) },
  bucket: {
    schema: text.refine((name) => name.startsWith('arn:') || /^[\w.-]+$/.test(name), 'is not a bucket name'),
    synonyms: ['bucket_name'],
  },
  base_path: { schema: basePath.default('') },
  region: { schema: text.optional(), synonyms: ['default_region'] },
  profile: { schema: text.optional(), synonyms: ['profile_name'] },
  access_key_id: { schema: text.optional(), secret: true },
  secret_access_key: { schema: text.optional(), secret: true },
  session_token: { schema: text.optional(), secret: true },
  endpoint_url: {
    schema: httpUrl.optional(),
    synonyms: ['endpoint'],
    environment: ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL', 'AWS_ENDPOINT'],
  },
  force_path_style: { schema: flag.optional() },
  virtual_hosted_style_request: { schema: flag.optional(), environment: ['AWS_VIRTUAL_HOSTED_STYLE_REQUEST'] },
  server_side_encryption: {
    schema: choice(['AES256', 'aws:kms', 'aws:kms:dsse']).optional(),
    environment: ['AWS_SERVER_SIDE_ENCRYPTION'],
  },
  sse_kms_key_id: { schema: text.optional(), environment: ['AWS_SSE_KMS_KEY_ID'] },
  sse_bucket_key_enabled: { schema: flag.optional(), environment: ['AWS_SSE_BUCKET_KEY_ENABLED'] },
  s3_express: { schema: flag.optional() },
  storage_class: { schema: text.optional() },
  acl: { schema: choice(CANNED_ACLS).optional() },
  tags: { schema: stringMap.default({}) },
  request_checksum: { schema: choice(['when_required', 'when_supported']).optional() },
};

type Fields = FieldValues<typeof fields>;

export const s3Fields = entryFields({
  fields,
  prefixes: ['aws_'],
  standIns: ['directory'],
  prepare: resolveDirectory({
    standsFor: ['bucket'],
    resolve: (directory) => bucketAddress(directory, { schemes: /^s3[an]?$/, example: 's3://bucket/base' }),
  }),
  environment: [
    { fields: ['virtual_hosted_style_request'], unless: ['force_path_style'] },
    { fields: ['server_side_encryption', 'sse_kms_key_id', 'sse_bucket_key_enabled'] },
    PROXY_VARIABLES,
  ],
  check,
  build,
});

function check(found: GivenFields, report: Report): void {
  checkCredentials(found, report);
  checkEncryption(found, report);
  checkStyle(found, report);
  checkPlainHttp(found, report);
  if (typeof found['tags'] === 'object' && Object.keys(found['tags'] ?? {}).length > MOST_TAGS) {
    report('tags', `has more than ${MOST_TAGS} tags, the limit of S3`);
  }
}

function checkCredentials(found: GivenFields, report: Report): void {
  const keys = given(found, KEY_FIELDS);
  if (keys.length === 0) return;
  if (found['profile'] !== undefined) {
    report('profile', `cannot be combined with ${quoted(keys)}; keep one of them`);
    return;
  }
  for (const name of ['access_key_id', 'secret_access_key']) {
    if (found[name] === undefined) report(name, `is required with ${quoted(keys)}`);
  }
}

function checkEncryption(found: GivenFields, report: Report): void {
  const mode = found['server_side_encryption'];
  if (mode === 'aws:kms' || mode === 'aws:kms:dsse') return;
  for (const name of given(found, ['sse_kms_key_id', 'sse_bucket_key_enabled'])) {
    if (found[name] === false) continue;
    report(name, 'requires `server_side_encryption` aws:kms or aws:kms:dsse');
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
    report('bucket', `must end in ${EXPRESS_SUFFIX} if \`s3_express\` is true`);
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
