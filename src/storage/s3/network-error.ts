import type { S3Info } from './info.js';
import { waitedFor } from '../http/network-error.js';
import { explainProxyError } from '../http/proxy-error.js';
import { type Attempt, entryName, type Explanation, placeOf } from './error-mapping.js';
import { field } from './service-response.js';

type Explain = (attempt: Attempt, host: string) => Omit<Explanation, 'exit'>;

/** Codes of Node's errors of sockets, name resolution, TLS and HTTP. */
const BY_CODE: Readonly<Record<string, Explain>> = {
  ENOTFOUND: unknownHost,
  EAI_AGAIN: ({ entry }, host) => ({
    code: 'S3_HOST_NOT_RESOLVED',
    message: `The name server gives no answer for ${host}`,
    hint: `Check the network connection and /etc/resolv.conf. ${waitedFor(entry.info)}`,
    transient: true,
  }),
  ECONNREFUSED: ({ entry }, host) => ({
    code: 'S3_CONNECTION_REFUSED',
    message: `${host} takes no connections`,
    hint: `Check host and port of "endpoint_url", and whether the store is running. ${waitedFor(entry.info)}`,
    transient: true,
  }),
  ECONNRESET: connectionLost,
  EPIPE: connectionLost,
  ECONNABORTED: connectionLost,
  ETIMEDOUT: timedOut,
  TimeoutError: timedOut,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_UNTRUSTED: untrusted,
  CERT_SIGNATURE_FAILURE: untrusted,
  CERT_HAS_EXPIRED: (_attempt, host) => ({
    code: 'TLS_CERTIFICATE_EXPIRED',
    message: `The TLS certificate of ${host} has expired`,
    hint: 'Renew it, and check the clock of this machine.',
  }),
  CERT_NOT_YET_VALID: (_attempt, host) => ({
    code: 'TLS_CERTIFICATE_NOT_YET_VALID',
    message: `The TLS certificate of ${host} is not valid yet`,
    hint: 'Check the clock of this machine.',
  }),
  ERR_TLS_CERT_ALTNAME_INVALID: wrongName,
  EPROTO: ({ entry }) => ({
    code: 'TLS_NOT_SPOKEN',
    message: `${placeOf(entry)} does not speak TLS`,
    hint: 'If the store serves plain http, write endpoint_url with http:// and set "allow_http": true.',
  }),
};

/** What a failure without any answer means; undefined where it is none of the network. */
export function explainNetworkError(attempt: Attempt, thrown: unknown): Explanation | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    const ofProxy = explainProxyError(error);
    if (ofProxy !== undefined) return ofProxy;
    const code = field(error, 'code');
    const explain =
      (typeof code === 'string' ? (BY_CODE[code] ?? (isTls(code) ? BY_CODE['EPROTO'] : undefined)) : undefined) ??
      (typeof code === 'string' && code.startsWith('HPE_') ? notHttp : undefined) ??
      BY_CODE[error.name];
    if (explain !== undefined) return { exit: 'unreachable', ...explain(attempt, hostOf(error, attempt)) };
  }
  return undefined;
}

/** The host that could not be reached: that of the proxy, maybe. */
function hostOf(error: Error, { entry }: Attempt): string {
  const name = field(error, 'hostname') ?? field(error, 'host');
  if (typeof name === 'string') return name;
  const [address, port] = [field(error, 'address'), field(error, 'port')];
  if (typeof address === 'string') return typeof port === 'number' ? `${address}:${port}` : address;
  return placeOf(entry);
}

function isTls(code: string): boolean {
  return code.startsWith('ERR_SSL_');
}

/** True where the bucket became the first part of a host's name that only its owner's DNS knows. */
function isBucketHost({ bucket, endpointUrl, forcePathStyle }: S3Info, host: string): boolean {
  return endpointUrl !== undefined && !forcePathStyle && host.startsWith(`${bucket}.`);
}

function unknownHost({ entry }: Attempt, host: string): Omit<Explanation, 'exit'> {
  if (isBucketHost(entry.info, host)) return pathStyleNeeded(host);
  return {
    code: 'S3_UNKNOWN_HOST',
    message: `There is no host ${host}`,
    hint:
      entry.info.endpointUrl === undefined
        ? 'Check "region" of the entry, and the network connection.'
        : 'Check "endpoint_url" of the entry, and the network connection.',
    transient: true,
  };
}

function pathStyleNeeded(host: string) {
  return {
    code: 'S3_PATH_STYLE_NEEDED',
    message: `The store has no host ${host}: it wants the bucket in the path, not in front of the host's name`,
    hint: 'Set "force_path_style": true in the entry, or remove "virtual_hosted_style_request".',
  };
}

function connectionLost(_attempt: Attempt, host: string) {
  return {
    code: 'S3_CONNECTION_LOST',
    message: `The connection to ${host} was cut`,
    hint: 'Look for a proxy, a firewall or a restart of the store.',
    transient: true,
  };
}

function timedOut({ entry }: Attempt, host: string) {
  const { timeoutMs, connectTimeoutMs } = entry.info;
  return {
    code: 'S3_TIMED_OUT',
    message: `${host} did not answer in time`,
    hint: `It has ${connectTimeoutMs / 1000} s to take a connection and ${timeoutMs / 1000} s to go on with a request: "connect_timeout" and "timeout" of the entry.`,
    transient: true,
  };
}

function unreachable(_attempt: Attempt, host: string) {
  return {
    code: 'S3_UNREACHABLE',
    message: `There is no way to ${host} in the network`,
    hint: 'Check network, VPN and firewall; stores behind a proxy need "proxy_url".',
    transient: true,
  };
}

function untrusted({ entry }: Attempt, host: string) {
  return {
    code: 'TLS_CERTIFICATE_NOT_TRUSTED',
    message: `The TLS certificate of ${host} is signed by nobody that this machine trusts`,
    hint: `Give the authority's certificate as ${entry.info.proxyUrl === undefined ? '' : '"proxy_ca_certificate" or '}"ca_certificate" (a PEM file); "allow_invalid_certificates": true turns the check off.`,
  };
}

function wrongName({ entry }: Attempt, host: string): Omit<Explanation, 'exit'> {
  if (isBucketHost(entry.info, host)) return pathStyleNeeded(host);
  return {
    code: 'TLS_CERTIFICATE_OF_OTHER_HOST',
    message: `The TLS certificate of ${host} was made for another host`,
    hint: 'Use in endpoint_url the name that the certificate has.',
  };
}

function notHttp({ entry }: Attempt) {
  return {
    code: 'S3_NOT_AN_S3_ENDPOINT',
    message: `${placeOf(entry)} does not speak HTTP`,
    hint: 'Check the port in "endpoint_url": it must be that of the S3 API.',
  };
}

/** For `explain`: whoever answers with a web page is not S3. */
export function explainWebPage({ entry }: Attempt, status: number): Explanation {
  return {
    code: 'S3_NOT_AN_S3_ENDPOINT',
    exit: 'unreachable',
    message: `${placeOf(entry)} answers like a web site (HTTP ${status}), not like S3: ${entryName(entry)} does not lead to a store`,
    hint: 'Give in "endpoint_url" the address of the S3 API, not of its web console; a proxy on the way may answer too.',
  };
}
