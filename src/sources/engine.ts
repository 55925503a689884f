import type { DatabaseEntry } from '../auth/entries.js';
import type { EntryKind } from '../auth/entry-kind.js';
import type { TextEncodingName } from '../columns/value-digest.js';
import type { LogDialect } from './run-log-dialect.js';
import type { EngineOption } from './engine-option.js';
import type { SourceEngine } from './source.js';

/**
 * Everything the program knows about one database engine, from its folder's `entry.ts`. Drivers are loaded on first use.
 *
 * An engine works with its own settings. In the list of engines these are `unknown`: method bivariance makes that
 * assignable, and it is safe because an entry that names an engine was read by that engine's fields.
 */
export interface Engine<Info = unknown, Connection = unknown> extends EntryKind<Info> {
  /** Other names that users may write, in lower case. */
  readonly otherNames: readonly string[];
  /** Name of the database in the entry. */
  database(info: Info): string | undefined;
  /** What only this engine lets users choose. */
  readonly options?: readonly EngineOption[];
  /** In which `Source.totals` hashes texts; UTF-8 by default. */
  readonly hashesTextAs?: TextEncodingName;
  readonly source: SourceEngine<Info, Connection>;
  /** A run log in this database; absent if the engine has none. @throws LakeportError if the entry's settings are wrong */
  runLog?(entry: DatabaseEntry<Info>): Promise<LogDialect>;
}
