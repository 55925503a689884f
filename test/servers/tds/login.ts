/** MS-TDS 2.2.6.4: what the client says of itself. */
export interface Login {
  readonly user: string;
  readonly password: string;
  readonly application: string;
  readonly database: string;
  readonly packetBytes: number;
  readonly readOnlyIntent: boolean;
  /** A login of a Windows domain, whose names follow. */
  readonly isIntegrated: boolean;
}

/** Where the offset and length of a variable field lie, by the order of the fields in LOGIN7. */
const FIRST_FIELD = 36;
const FIELD = { user: 1, password: 2, application: 3, database: 8 } as const;
const OPTION_FLAGS_2 = 25;
const INTEGRATED_SECURITY = 0x80;
const TYPE_FLAGS = 26;
const READ_ONLY_INTENT = 0x20;

export function parseLogin(data: Buffer): Login {
  const field = (index: number): Buffer => {
    const at = FIRST_FIELD + index * 4;
    const offset = data.readUInt16LE(at);
    return data.subarray(offset, offset + data.readUInt16LE(at + 2) * 2);
  };
  const text = (index: number): string => field(index).toString('utf16le');
  // Each byte had its halves swapped and was XORed with 0xA5.
  const password = Buffer.from(field(FIELD.password)).map((byte) => {
    const plain = byte ^ 0xa5;
    return ((plain & 0x0f) << 4) | (plain >> 4);
  });
  return {
    user: text(FIELD.user),
    password: Buffer.from(password).toString('utf16le'),
    application: text(FIELD.application),
    database: text(FIELD.database),
    packetBytes: data.readUInt32LE(8),
    isIntegrated: (data.readUInt8(OPTION_FLAGS_2) & INTEGRATED_SECURITY) !== 0,
    readOnlyIntent: (data.readUInt8(TYPE_FLAGS) & READ_ONLY_INTENT) !== 0,
  };
}
