import { ByteWriter } from './byte-writer.js';

/**
 * A login of a Windows domain: NTLM (MS-NLMP 2.2.1) inside SSPI tokens. Who somebody says to be is read from it; the proof of
 * the password is not checked, as that is between the driver and the domain.
 */

const SSPI_TOKEN = 0xed;
const SIGNATURE = Buffer.from('NTLMSSP\0', 'latin1');
const CHALLENGE = 2;
const AUTHENTICATE = 3;
/** Unicode, NTLM, target information. */
const FLAGS = 0x0080_0201;
const NONCE = Buffer.from('0123456789abcdef', 'hex');
const FIRST_PAYLOAD = 56;
/** AV_PAIRs: names of the domain and the server, and the end of the list. */
const NAMES: readonly (readonly [id: number, name: string])[] = [
  [2, 'EXAMPLE'],
  [1, 'SQL01'],
];

/** The server's answer to a login that names nobody. */
export function challengeToken(): Buffer {
  const names = new ByteWriter();
  for (const [id, name] of NAMES)
    names
      .u16(id)
      .u16(name.length * 2)
      .bytes(Buffer.from(name, 'utf16le'));
  const information = names.u16(0).u16(0).take();
  const target = Buffer.from('EXAMPLE', 'utf16le');
  const message = new ByteWriter()
    .bytes(SIGNATURE)
    .u32(CHALLENGE)
    .u16(target.length)
    .u16(target.length)
    .u32(FIRST_PAYLOAD)
    .u32(FLAGS)
    .bytes(NONCE)
    .bytes(Buffer.alloc(8))
    .u16(information.length)
    .u16(information.length)
    .u32(FIRST_PAYLOAD + target.length)
    .bytes(Buffer.alloc(8)) // version
    .bytes(target)
    .bytes(information)
    .take();
  return new ByteWriter().u8(SSPI_TOKEN).u16(message.length).bytes(message).take();
}

const DOMAIN_FIELD = 28;
const USER_FIELD = 36;

/** Who the client says to be, in its answer to the challenge. @throws Error for what is no such answer */
export function parseAuthenticate(message: Buffer): { readonly domain: string; readonly user: string } {
  const isAnswer = message.subarray(0, 8).equals(SIGNATURE) && message.readUInt32LE(8) === AUTHENTICATE;
  if (!isAnswer) throw new Error('no answer to the challenge');
  const field = (at: number): string => {
    const offset = message.readUInt32LE(at + 4);
    return message.toString('utf16le', offset, offset + message.readUInt16LE(at));
  };
  return { domain: field(DOMAIN_FIELD), user: field(USER_FIELD) };
}
