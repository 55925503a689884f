import type { TableId } from '../model/table.js';
import type { ColumnMetadata, ForeignKey, TableMetadata, UniqueKey } from '../model/table-metadata.js';

interface KeyDraft {
  readonly name: string | undefined;
  readonly isPrimary: boolean;
  readonly mayBeNull?: boolean | undefined;
  readonly columns: string[];
}

interface ForeignKeyDraft {
  readonly name: string | undefined;
  readonly columns: string[];
  readonly references: { readonly table: TableId; readonly columns: string[] };
  readonly isValidated: boolean;
}

interface TableDraft {
  comment?: string;
  readonly keys: Map<unknown, KeyDraft>;
  readonly foreignKeys: Map<unknown, ForeignKeyDraft>;
  readonly columns: Map<string, ColumnMetadata>;
}

/** Puts the rows of catalog queries together by table, however the engine names its tables. */
export class MetadataCollector<Table> {
  readonly #tables = new Map<Table, TableDraft>();

  /** @param comment empty for none */
  setComment(table: Table, comment: string): void {
    if (comment !== '') this.#draft(table).comment = comment;
  }

  setColumn(table: Table, column: string, facts: Omit<ColumnMetadata, 'name'>): void {
    const { columns } = this.#draft(table);
    if (facts.comment === '') return;
    columns.set(column, { ...(columns.get(column) ?? { name: column }), ...facts });
  }

  /**
   * Adds the next column of a unique key. Keys and their columns come in order.
   * @param key what the engine calls the key by, unique within the table
   */
  addKeyColumn(
    table: Table,
    { key, column, ...facts }: Omit<KeyDraft, 'columns'> & { readonly key: unknown; readonly column: string },
  ): void {
    const { keys } = this.#draft(table);
    const draft = keys.get(key);
    if (draft === undefined) keys.set(key, { ...facts, columns: [column] });
    else draft.columns.push(column);
  }

  /** As `addKeyColumn`. */
  addForeignKeyColumn(
    table: Table,
    reference: {
      readonly key: unknown;
      readonly name: string | undefined;
      readonly column: string;
      readonly references: TableId;
      readonly referenced: string;
      readonly isValidated: boolean;
    },
  ): void {
    const { foreignKeys } = this.#draft(table);
    const { key, name, column, references, referenced, isValidated } = reference;
    const draft = foreignKeys.get(key);
    if (draft === undefined) {
      const target = { table: references, columns: [referenced] };
      foreignKeys.set(key, { name, columns: [column], references: target, isValidated });
    } else {
      draft.columns.push(column);
      draft.references.columns.push(referenced);
    }
  }

  /** Undefined for a table that nothing was said about. */
  of(table: Table): TableMetadata | undefined {
    const draft = this.#tables.get(table);
    if (draft === undefined) return undefined;
    const keys = [...draft.keys.values()];
    const primary = keys.find(({ isPrimary }) => isPrimary);
    // Some engines keep an index besides the key that it makes.
    const known = new Set(primary === undefined ? [] : [JSON.stringify(primary.columns)]);
    const uniqueKeys = keys.filter((key) => {
      const text = JSON.stringify(key.columns);
      if (key.isPrimary || known.has(text)) return false;
      known.add(text);
      return true;
    });
    const foreignKeys: readonly ForeignKey[] = [...draft.foreignKeys.values()];
    const columns = [...draft.columns.values()];
    return {
      ...(draft.comment !== undefined && { comment: draft.comment }),
      ...(primary !== undefined && { primaryKey: uniqueKey(primary) }),
      ...(uniqueKeys.length > 0 && { uniqueKeys: uniqueKeys.map(uniqueKey) }),
      ...(foreignKeys.length > 0 && { foreignKeys }),
      ...(columns.length > 0 && { columns }),
    };
  }

  #draft(table: Table): TableDraft {
    const known = this.#tables.get(table);
    if (known !== undefined) return known;
    const draft: TableDraft = { keys: new Map(), foreignKeys: new Map(), columns: new Map() };
    this.#tables.set(table, draft);
    return draft;
  }
}

function uniqueKey({ name, columns, mayBeNull }: KeyDraft): UniqueKey {
  return {
    ...(name !== undefined && { name }),
    columns,
    ...(mayBeNull === true && { mayBeNull }),
  };
}
