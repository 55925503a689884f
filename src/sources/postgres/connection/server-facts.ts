import type { DatabaseCharacters } from '../characters.js';

/** What planning needs to know about the server; constant within a session. */
export interface ServerFacts {
  /** `server_version_num`: 170009 for 17.9. */
  readonly version: number;
  /** `17.9`. */
  readonly versionText: string;
  readonly database: string;
  /** The database's encoding by the server's name; `SQL_ASCII` for none: text may be any bytes. */
  readonly encoding: string;
  /** For an encoding other than UTF-8. */
  readonly characters: DatabaseCharacters | undefined;
  /** Fractional digits of `money`, from `lc_monetary`. */
  readonly moneyScale: number;
  /** Bytes of a page. */
  readonly blockSize: number;
  /** Port and start of the server, which no two servers share. */
  readonly identity: string;
  /** Whose privileges count. */
  readonly user: string;
  /** In UTC, as `identity` says it. */
  readonly startedAt: string;
  /** In recovery: read-only, and unlogged tables have no rows. */
  readonly isStandby: boolean;
  /** Rows hidden by policies are left out, because the user's `options` ask for it. */
  readonly rowSecurity: boolean;
  /** Tables include the rows of those that inherit from them: a choice of the user, which queries of the catalog follow. */
  readonly withHeirs: boolean;
}
