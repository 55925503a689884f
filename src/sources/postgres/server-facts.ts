import type { DatabaseCharacters } from './characters.js';

/** What planning needs to know of the server; does not change while a session lasts. */
export interface ServerFacts {
  /** `server_version_num`: 170009 for 17.9. */
  readonly version: number;
  /** `17.9`. */
  readonly versionText: string;
  readonly database: string;
  /** The server's name of the database's encoding; `SQL_ASCII` for none: text may be any bytes. */
  readonly encoding: string;
  /** Of an encoding other than UTF-8. */
  readonly characters: DatabaseCharacters | undefined;
  /** Digits after the point of `money`, by `lc_monetary`. */
  readonly moneyScale: number;
  /** Bytes of a page. */
  readonly blockSize: number;
  /** In recovery: it can't be written to, and tables that are not logged have no rows in it. */
  readonly isStandby: boolean;
  /** Rows that policies hide are left out because the user's `options` ask for it. */
  readonly rowSecurity: boolean;
}
