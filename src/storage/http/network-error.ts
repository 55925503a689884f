import type { ErrorCode } from '../../errors.js';
import type { NetworkSettings } from '../network-settings.js';
import { explainProxyError } from './proxy-error.js';
import { type Explanation, field, type RemotePlace, type RemoteService, textField } from './error-mapping.js';

type Explain = (place: RemotePlace, host: string) => Explanation;

/** Codes of Node's socket, name resolution, TLS and HTTP errors; and the AWS SDK's name for one of them. */
const BY_CODE: Readonly<Record<string, Explain>> = {
  ENOTFOUND: (place, host) =>
    place.explainHost?.(host) ?? {
      code: `${place.service.prefix}_UNKNOWN_HOST`,
      message: `The host ${host} does not exist`,
      hint: `Check ${place.service.address} of the entry, and the network connection.`,
      transient: true,
      connected: false,
    },
  EAI_AGAIN: ({ service, settings }, host) => ({
    code: `${service.prefix}_HOST_NOT_RESOLVED`,
    message: `The name server does not answer for ${host}`,
    hint: `Check the network connection and /etc/resolv.conf. ${waitedFor(settings)}`,
    transient: true,
    connected: false,
  }),
  ECONNREFUSED: ({ service, settings }, host) => ({
    code: `${service.prefix}_CONNECTION_REFUSED`,
    message: `${host} refused the connection`,
    hint: `Check host and port of endpoint_url, and whether the store is running. ${waitedFor(settings)}`,
    transient: true,
    connected: false,
  }),
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,
  ECONNRESET: connectionLost,
  ECONNABORTED: connectionLost,
  EPIPE: connectionLost,
  ERR_STREAM_PREMATURE_CLOSE: connectionLost,
  ETIMEDOUT: timedOut,
  TimeoutError: timedOut,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_UNTRUSTED: untrusted,
  CERT_SIGNATURE_FAILURE: untrusted,
  CERT_HAS_EXPIRED: (_place, host) => ({
    code: 'TLS_CERTIFICATE_EXPIRED',
    message: `The TLS certificate of ${host} has expired`,
    hint: 'Renew it, and check the clock of this machine.',
  }),
  CERT_NOT_YET_VALID: (_place, host) => ({
    code: 'TLS_CERTIFICATE_NOT_YET_VALID',
    message: `The TLS certificate of ${host} is not valid yet`,
    hint: 'Check the clock of this machine.',
  }),
  ERR_TLS_CERT_ALTNAME_INVALID: (place, host) =>
    place.explainHost?.(host) ?? {
      code: 'TLS_CERTIFICATE_OF_OTHER_HOST',
      message: `The TLS certificate of ${host} is for another host`,
      hint: 'Use a name from the certificate in endpoint_url.',
    },
  EPROTO: (_place, host) => ({
    code: 'TLS_NOT_SPOKEN',
    message: `${host} does not speak TLS`,
    hint: 'If the store serves plain http, write endpoint_url with http:// and set "allow_http": true.',
  }),
};

/** How long connecting may take at the start of a run, for hints. */
function waitedFor({ connectTimeoutMs }: Pick<NetworkSettings, 'connectTimeoutMs'>): string {
  return `lakeport waits for a store that is starting for "connect_timeout" of the entry, now ${connectTimeoutMs / 1000} s.`;
}

/** Maps a failure without a response; undefined if it is not a network error. */
export function explainNetworkError(place: RemotePlace, thrown: unknown): Explanation | undefined {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    const ofProxy = explainProxyError(error);
    if (ofProxy !== undefined) return ofProxy;
    const code = textField(error, 'code') ?? '';
    const explain =
      BY_CODE[code] ??
      (code.startsWith('ERR_SSL_') ? BY_CODE['EPROTO'] : undefined) ??
      (code.startsWith('HPE_') ? notHttp : undefined) ??
      BY_CODE[error.name];
    if (explain !== undefined) return explain(place, hostOf(error, place));
  }
  return undefined;
}

/** A web page means that something other than the service responds. */
export function explainWebPage({ service, origin }: RemotePlace, status: number): Explanation {
  return {
    code: codeOfStranger(service),
    message: `${origin} responds with a web page (HTTP ${status}), not like ${service.name}`,
    hint: `${service.notTheService?.hint ?? 'Check endpoint_url of the entry'}; the response may also come from a proxy or a login page in between.`,
    transient: status >= 500,
  };
}

/** HTTP 407 comes from the proxy, whatever the service is. */
export function explainProxyRefusal(place: RemotePlace): Explanation {
  return {
    code: 'PROXY_LOGIN_NEEDED',
    message: `The proxy on the way to ${place.origin} requires other credentials`,
    hint: 'Write them into its address: http://user:password@host:port.',
  };
}

/** The host that could not be reached, which may be the proxy. */
function hostOf(error: Error, place: RemotePlace): string {
  const name = textField(error, 'hostname') ?? textField(error, 'host');
  if (name !== undefined) return name;
  const [address, port] = [textField(error, 'address'), field(error, 'port')];
  if (address !== undefined) return typeof port === 'number' ? `${address}:${port}` : address;
  return place.origin;
}

function connectionLost({ service }: RemotePlace, host: string): Explanation {
  return {
    code: `${service.prefix}_CONNECTION_LOST`,
    message: `The connection to ${host} was cut`,
    hint: 'Look for a proxy, a firewall or a restart of the store.',
    transient: true,
  };
}

function timedOut({ service, settings }: RemotePlace, host: string): Explanation {
  return {
    code: `${service.prefix}_TIMED_OUT`,
    message: `${host} did not answer in time`,
    hint: `The limits are "connect_timeout" (${settings.connectTimeoutMs / 1000} s) for a connection and "timeout" (${settings.timeoutMs / 1000} s) for a stalled request, both of the entry.`,
    transient: true,
  };
}

function unreachable({ service }: RemotePlace, host: string): Explanation {
  return {
    code: `${service.prefix}_UNREACHABLE`,
    message: `${host} is unreachable`,
    hint: 'Check network, VPN and firewall; stores behind a proxy need "proxy_url".',
    transient: true,
    connected: false,
  };
}

function untrusted({ settings }: RemotePlace, host: string): Explanation {
  return {
    code: 'TLS_CERTIFICATE_NOT_TRUSTED',
    message: `The TLS certificate of ${host} is not signed by a CA that this machine trusts`,
    hint: `Give the CA certificate as ${settings.proxyUrl === undefined ? '' : '"proxy_ca_certificate" or '}"ca_certificate" (a PEM file); "allow_invalid_certificates": true disables the check.`,
  };
}

function notHttp({ service, origin }: RemotePlace): Explanation {
  return {
    code: codeOfStranger(service),
    message: `${origin} does not speak HTTP`,
    hint: 'Check the port in endpoint_url.',
  };
}

function codeOfStranger({ prefix, notTheService }: RemoteService): ErrorCode {
  return notTheService?.code ?? `${prefix}_NOT_THE_SERVICE`;
}
