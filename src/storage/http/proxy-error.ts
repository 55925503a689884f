/** Why a proxy did not forward a request. */
export type ProxyErrorCode =
  'PROXY_UNREACHABLE' | 'PROXY_CERTIFICATE_NOT_TRUSTED' | 'PROXY_LOGIN_NEEDED' | 'PROXY_REFUSED' | 'PROXY_FAILED';

/**
 * A failure of the proxy itself rather than of the store. Clients that wrap socket errors keep code and message, so these
 * two say everything.
 */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code: ProxyErrorCode;
  /** The AWS SDK's mark for errors that it may retry. */
  readonly $retryable: object | undefined;

  constructor(code: ProxyErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.$retryable = isTransient(code) ? {} : undefined;
  }
}

interface ProxyExplanation {
  readonly code: ProxyErrorCode;
  readonly message: string;
  readonly hint: string;
  readonly transient: boolean;
  readonly connected: boolean;
}

const HINTS: Readonly<Record<ProxyErrorCode, string>> = {
  PROXY_UNREACHABLE:
    'Check proxy_url of the entry, or HTTPS_PROXY, HTTP_PROXY and ALL_PROXY; NO_PROXY and proxy_excludes list hosts to reach directly.',
  PROXY_CERTIFICATE_NOT_TRUSTED: 'Give its CA certificate as "proxy_ca_certificate" (PEM text).',
  PROXY_LOGIN_NEEDED: 'Write user and password into its address: http://user:password@host:port.',
  PROXY_REFUSED: 'Allow the host in the proxy, or add it to NO_PROXY or proxy_excludes if it can be reached directly.',
  PROXY_FAILED:
    "Check the store's address, and whether the proxy can reach it; NO_PROXY and proxy_excludes bypass the proxy.",
};

/** Maps an error of a proxy; undefined for other errors. */
export function explainProxyError(error: Error): ProxyExplanation | undefined {
  const code = 'code' in error ? error.code : undefined;
  if (!isProxyErrorCode(code)) return undefined;
  return {
    code,
    // The HTTP client of Google's token library prepends its own text and the URL.
    message: error.message.replace(/^.*?(?=The proxy )/s, ''),
    hint: HINTS[code],
    transient: isTransient(code),
    connected: code === 'PROXY_FAILED',
  };
}

function isProxyErrorCode(code: unknown): code is ProxyErrorCode {
  return typeof code === 'string' && Object.hasOwn(HINTS, code);
}

function isTransient(code: ProxyErrorCode): boolean {
  return code === 'PROXY_UNREACHABLE' || code === 'PROXY_FAILED';
}
