import type { z } from 'zod';

import type { NetworkSettings } from '../entries.js';
import { duration, flag, list, path, size, text, wholeNumber } from './fields.js';
import type { GivenFields, Report } from './info.js';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** S3 takes parts of 5 MiB to 5 GiB (the last one may be smaller). */
const S3_PART = { least: 5 * MIB, most: 5 * GIB, words: 'from 5 MiB to 5 GiB' };
/** GCS takes chunks that are multiples of 256 KiB; Azure blocks of at most 4,000 MiB. */
const PART = { least: 256 * 1024, most: 4000 * MIB, words: 'from 256 KiB to 4000 MiB' };

/** Fields of every kind of storage. */
export const networkFields = {
  timeout: duration.default(30_000),
  connect_timeout: duration.default(5_000),
  max_retries: wholeNumber({ least: 0, most: 100 }).default(5),
  proxy_url: text
    // As in HTTPS_PROXY, a proxy is often named by host and port alone.
    .transform((url) => (url.includes('://') ? url : `http://${url}`))
    .refine((url) => /^https?:\/\//i.test(url) && URL.canParse(url), 'must be an http:// or https:// URL')
    .optional(),
  proxy_excludes: list.default([]),
  proxy_ca_certificate: text
    .refine((pem) => pem.includes('-----BEGIN '), 'must be a certificate in PEM form; $file{PATH} takes it from a file')
    .optional(),
  ca_certificate: path.optional(),
  allow_http: flag.default(false),
  allow_invalid_certificates: flag.default(false),
  part_size: size(PART).default(8 * MIB),
  upload_concurrency: wholeNumber({ least: 1, most: 64 }).default(4),
  user_agent: text.optional(),
};

export const s3NetworkFields = { ...networkFields, part_size: size(S3_PART).default(8 * MIB) };

type NetworkFields = z.output<z.ZodObject<typeof networkFields>>;

export function networkSettings(fields: NetworkFields): NetworkSettings {
  return {
    timeoutMs: fields.timeout,
    connectTimeoutMs: fields.connect_timeout,
    maxRetries: fields.max_retries,
    proxyUrl: fields.proxy_url,
    proxyExcludes: fields.proxy_excludes,
    proxyCaCertificate: fields.proxy_ca_certificate,
    caCertificate: fields.ca_certificate,
    allowHttp: fields.allow_http,
    allowInvalidCertificates: fields.allow_invalid_certificates,
    partSizeBytes: fields.part_size,
    uploadConcurrency: fields.upload_concurrency,
    userAgent: fields.user_agent,
  };
}

/** Credentials and rows would travel in the clear: plain http needs the user's word, except to this machine itself. */
export function checkPlainHttp(fields: GivenFields, report: Report): void {
  const { endpoint_url: endpoint, allow_http: allowed } = fields;
  if (typeof endpoint !== 'string' || !/^http:/i.test(endpoint) || !URL.canParse(endpoint)) return;
  if (allowed === true || isLoopback(new URL(endpoint).hostname)) return;
  report('endpoint_url', 'is plain http to another machine; use https://, or set `allow_http` to true');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || /^127\.\d+\.\d+\.\d+$/.test(host) || host === '[::1]';
}
