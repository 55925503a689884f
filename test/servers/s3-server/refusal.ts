/** An error answer of S3: HTTP status, code, message, further elements of its XML. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly elements: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    details: { message?: string; elements?: Record<string, string>; headers?: Record<string, string> } = {},
  ) {
    super(details.message ?? code);
    this.status = status;
    this.code = code;
    this.elements = details.elements ?? {};
    this.headers = details.headers ?? {};
  }
}
