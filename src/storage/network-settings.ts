/** What every store takes. A local directory has no use for it. */
export interface NetworkSettings {
  /** Longest time in which no byte moves in either direction. */
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  /** Attempts after the first. */
  readonly maxRetries: number;
  readonly proxyUrl: string | undefined;
  /** Hosts, domains and address ranges that are reached without the proxy. */
  readonly proxyExcludes: readonly string[];
  /** PEM text of the authority that signed the proxy's certificate. */
  readonly proxyCaCertificate: string | undefined;
  /** Path of a PEM file with further authorities. */
  readonly caCertificate: string | undefined;
  readonly allowHttp: boolean;
  readonly allowInvalidCertificates: boolean;
  /** Smallest size of an upload's parts. */
  readonly partSizeBytes: number;
  /** Parts of one file on their way at the same time. */
  readonly uploadConcurrency: number;
  readonly userAgent: string | undefined;
}
