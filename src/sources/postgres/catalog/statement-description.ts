import type { Client, Connection, Submittable } from 'pg';

/** A column of a statement's result, as the server describes it. */
export interface ResultField {
  readonly name: string;
  /** Oid of its type. */
  readonly type: number;
  /** As in `pg_attribute.atttypmod`. */
  readonly modifier: number;
}

/**
 * Columns of the result of one statement, which is parsed and described, but not executed; undefined if it has none.
 * The server accepts only a single statement here, and locks what it names as for reading.
 * @throws the driver's errors
 */
export function describeStatement(client: Client, text: string): Promise<readonly ResultField[] | undefined> {
  const description = new StatementDescription(text);
  client.query(description);
  return description.result;
}

/** What the driver passes on of the server's `RowDescription`. */
interface RowDescription {
  readonly fields: readonly {
    readonly name: string;
    readonly dataTypeID: number;
    readonly dataTypeModifier: number;
  }[];
}

class StatementDescription implements Submittable {
  readonly result: Promise<readonly ResultField[] | undefined>;
  readonly #text: string;
  #fields: readonly ResultField[] | undefined;
  #resolve: (fields: readonly ResultField[] | undefined) => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;

  constructor(text: string) {
    this.#text = text;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  submit(connection: Connection): void {
    connection.parse({ name: '', text: this.#text, types: [] }, true);
    connection.describe({ type: 'S', name: '' }, true);
    connection.sync();
  }

  handleRowDescription({ fields }: RowDescription): void {
    this.#fields = fields.map(({ name, dataTypeID: type, dataTypeModifier: modifier }) => ({ name, type, modifier }));
  }

  handleError(error: unknown): void {
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    this.#resolve(this.#fields);
  }

  handleDataRow(): void {
    // Nothing is executed.
  }

  handleEmptyQuery(): void {
    // Nothing is executed.
  }

  handleCommandComplete(): void {
    // Nothing is executed.
  }

  handlePortalSuspended(): void {
    // Nothing is executed.
  }

  handleCopyInResponse(): void {
    // Nothing is executed.
  }

  handleCopyData(): void {
    // Nothing is executed.
  }
}
