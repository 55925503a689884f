/**
 * A choice that only one engine offers, about the columns that it makes: one of a few words. It becomes a flag, whose
 * value goes on record and comes back with `--resume`, because all tables of a run are to have the same columns.
 */
export interface EngineOption {
  /** Key in `EngineOptions`, unique among all engines. */
  readonly name: string;
  /** In snake_case, without dashes. */
  readonly flag: string;
  readonly values: readonly [string, string, ...string[]];
  readonly default: string;
  /** Names the engine and the default; begins in lower case and has no full stop. */
  readonly help: string;
}

/** What was chosen, by the options' names; an engine reads its own, and has defaults for those that are missing. */
export type EngineOptions = Readonly<Record<string, string>>;
