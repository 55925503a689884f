import type { FieldValues, GivenFields, Report } from '../auth/entry-fields.js';
import type { EnvironmentGroup } from '../auth/entry-kind.js';
import { duration, flag, list, path, size, text, wholeNumber } from '../auth/fields.js';
import type { NetworkSettings } from './network-settings.js';

const MIB = 2 ** 20;

/** GCS chunks must be multiples of 256 KiB; Azure blocks are limited to 4,000 MiB. */
const PART = { least: 256 * 1024, most: 4000 * MIB, words: 'from 256 KiB to 4000 MiB' };

/** Fields of every store. */
export const networkFields = {
  timeout: { schema: duration.default(30_000), environment: ['TIMEOUT'] },
  connect_timeout: { schema: duration.default(5_000), environment: ['CONNECT_TIMEOUT'] },
  max_retries: { schema: wholeNumber({ least: 0, most: 100 }).default(5) },
  proxy_url: {
    schema: text
      // As in HTTPS_PROXY, a proxy is often named by host and port alone.
      .transform((url) => (url.includes('://') ? url : `http://${url}`))
      .refine((url) => /^https?:\/\//i.test(url) && URL.canParse(url), 'must be an http:// or https:// URL')
      .optional(),
    environment: ['PROXY_URL'],
  },
  proxy_excludes: { schema: list.default([]), environment: ['PROXY_EXCLUDES'] },
  proxy_ca_certificate: {
    schema: text
      .refine(
        (pem) => pem.includes('-----BEGIN '),
        'must be a certificate in PEM form; $file{PATH} takes it from a file',
      )
      .optional(),
    environment: ['PROXY_CA_CERTIFICATE'],
  },
  ca_certificate: { schema: path.optional() },
  allow_http: { schema: flag.default(false), environment: ['ALLOW_HTTP'] },
  allow_invalid_certificates: { schema: flag.default(false), environment: ['ALLOW_INVALID_CERTIFICATES'] },
  part_size: { schema: size(PART).default(8 * MIB) },
  upload_concurrency: { schema: wholeNumber({ least: 1, most: 64 }).default(4) },
  user_agent: { schema: text.optional(), environment: ['USER_AGENT'] },
};

/** The environment's proxy settings are taken as a whole, or not at all. */
export const PROXY_VARIABLES: EnvironmentGroup = { fields: ['proxy_url', 'proxy_excludes', 'proxy_ca_certificate'] };

type NetworkFields = FieldValues<typeof networkFields>;

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

/** Credentials and rows would travel unencrypted: plain http needs the user's consent, except to this machine itself. */
export function checkPlainHttp(fields: GivenFields, report: Report): void {
  const { endpoint_url: endpoint, allow_http: allowed } = fields;
  if (typeof endpoint !== 'string' || !/^http:/i.test(endpoint) || !URL.canParse(endpoint)) return;
  if (allowed === true || isLoopback(new URL(endpoint).hostname)) return;
  report('endpoint_url', 'is plain http to another machine; use https://, or set `allow_http` to true');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || /^127\.\d+\.\d+\.\d+$/.test(host) || host === '[::1]';
}
