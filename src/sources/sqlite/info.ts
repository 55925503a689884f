export interface SqliteInfo {
  readonly filepath: string;
}
