/**
 * The collations that tests use, by name. On the wire (MS-TDS 2.2.5.1.2): 20 bits of LCID, 8 of flags, 4 of version, and
 * the sort order's id in a byte of its own.
 */

const FLAG = { ignoreCase: 0x01, binary2: 0x20, utf8: 0x40 } as const;

interface Collation {
  readonly lcid: number;
  readonly flags: number;
  readonly sortId?: number;
}

const COLLATIONS: Readonly<Record<string, Collation>> = {
  SQL_Latin1_General_CP1_CI_AS: { lcid: 0x0409, flags: FLAG.ignoreCase | 0x0c, sortId: 52 },
  SQL_Latin1_General_CP437_CI_AS: { lcid: 0x0409, flags: FLAG.ignoreCase | 0x0c, sortId: 32 },
  Latin1_General_CI_AS: { lcid: 0x0409, flags: FLAG.ignoreCase | 0x0c },
  Latin1_General_100_CI_AS_SC_UTF8: { lcid: 0x0409, flags: FLAG.ignoreCase | 0x0c | FLAG.utf8 },
  Latin1_General_BIN2: { lcid: 0x0409, flags: FLAG.binary2 },
  Greek_CI_AS: { lcid: 0x0408, flags: FLAG.ignoreCase | 0x0c },
  Cyrillic_General_CI_AS: { lcid: 0x0419, flags: FLAG.ignoreCase | 0x0c },
  Japanese_CI_AS: { lcid: 0x0411, flags: FLAG.ignoreCase },
};

const DEFAULT_COLLATION = 'SQL_Latin1_General_CP1_CI_AS';

export function collationBytes(name: string = DEFAULT_COLLATION): Buffer {
  const collation = COLLATIONS[name];
  if (collation === undefined) throw new Error(`the test server does not know the collation ${name}`);
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32LE((collation.lcid | (collation.flags << 20)) >>> 0);
  bytes.writeUInt8(collation.sortId ?? 0, 4);
  return bytes;
}
