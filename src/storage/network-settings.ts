/** Settings of every remote store. A local directory ignores them. */
export interface NetworkSettings {
  /** Longest time without a byte in either direction. */
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  /** Retries after the first attempt. */
  readonly maxRetries: number;
  readonly proxyUrl: string | undefined;
  /** Hosts, domains and address ranges that are reached without the proxy. */
  readonly proxyExcludes: readonly string[];
  /** PEM text of the CA that signed the proxy's certificate. */
  readonly proxyCaCertificate: string | undefined;
  /** Path of a PEM file with more CAs. */
  readonly caCertificate: string | undefined;
  readonly allowHttp: boolean;
  readonly allowInvalidCertificates: boolean;
  /** Smallest part size of an upload. */
  readonly partSizeBytes: number;
  /** Number of parts of one file in flight. */
  readonly uploadConcurrency: number;
  readonly userAgent: string | undefined;
}
