import type { DatabaseEntry } from '../auth/entries.js';
import type { EntryKind } from '../auth/entry-kind.js';
import type { LogDialect } from './run-log-dialect.js';
import type { EngineOption } from './engine-option.js';
import type { SourceEngine } from './source.js';

/**
 * All that the program knows of one database engine; its folder's `entry.ts`. What needs a driver is loaded when it is
 * asked for.
 *
 * An engine works with its own settings. In the list of engines they are `unknown`: methods let one stand for the other,
 * and hold because an entry that names an engine was read by that engine's fields.
 */
export interface Engine<Info = unknown, Connection = unknown> extends EntryKind<Info> {
  /** Other names that users give to it, in lower case. */
  readonly otherNames: readonly string[];
  /** Name of the database that the entry itself gives. */
  database(info: Info): string | undefined;
  /** What only this engine lets users choose. */
  readonly options?: readonly EngineOption[];
  readonly source: SourceEngine<Info, Connection>;
  /** A run log in this database; absent where there is none. @throws LakeportError where the entry's settings are wrong */
  runLog?(entry: DatabaseEntry<Info>): Promise<LogDialect>;
}
