export interface ObjectFacts {
  readonly bytes: number;
  readonly etag: string | undefined;
  /** By the store's clock, in milliseconds since 1970. */
  readonly modifiedAt: number;
  /** User metadata, names in lower case. */
  readonly metadata: Readonly<Record<string, string>>;
}
