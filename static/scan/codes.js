/* The text of a ticket's code, taken apart and verified without asking anybody (docs/decisions/0008). */

const PREFIX = "FOYER1.";
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const KEY_ID = 5;
const TOKEN = 16;
const SIGNATURE = 64;
const LENGTH = PREFIX.length + ((KEY_ID + TOKEN + SIGNATURE) * 8) / 5;
const DOMAIN = new TextEncoder().encode("FOYER1");
const LIST_DOMAIN = new TextEncoder().encode("FOYER-LIST-1\n");

const fromBase32 = (text) => {
  const bytes = new Uint8Array((text.length * 5) / 8);
  let bits = 0;
  let value = 0;
  let at = 0;
  for (const letter of text) {
    const five = ALPHABET.indexOf(letter);
    if (five < 0) return null;
    value = ((value << 5) | five) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (value >> bits) & 0xff;
    }
  }
  return bytes;
};

export const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

const joined = (...parts) => {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
};

/* What the text says, or null for anything that is not exactly such a text. */
export const parse = (text) => {
  const trimmed = text.length <= LENGTH + 8 ? text.trim() : text;
  if (trimmed.length !== LENGTH || !trimmed.startsWith(PREFIX)) return null;
  const body = trimmed.slice(PREFIX.length);
  const bytes = fromBase32(body);
  if (!bytes) return null;
  return {
    keyId: body.slice(0, 8),
    token: bytes.slice(KEY_ID, KEY_ID + TOKEN),
    signed: joined(DOMAIN, bytes.slice(0, KEY_ID + TOKEN)),
    signature: bytes.slice(KEY_ID + TOKEN),
  };
};

/* The browser's own Ed25519 where it has one, else the vendored library. Asked once, with a key that is well formed. */
let verifier = null;
const verifierOf = async () => {
  try {
    const probe = Uint8Array.from([0x58, ...new Array(31).fill(0x66)]); /* the curve's base point (RFC 8032, 5.1) */
    await crypto.subtle.importKey("raw", probe, "Ed25519", false, ["verify"]);
    return async (signature, message, key) => {
      const imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
      return crypto.subtle.verify("Ed25519", imported, signature, message);
    };
  } catch {
    const library = await import(document.body.dataset.ed25519);
    return (signature, message, key) => library.verifyAsync(signature, message, key, { zip215: false });
  }
};

const verify = async (signature, message, key) => {
  verifier ||= verifierOf();
  try {
    return await (await verifier)(signature, message, key);
  } catch {
    return false;
  }
};

export const signedBy = (code, publicKey) => verify(code.signature, code.signed, fromBase64(publicKey));

/* Whether the answer's bytes are what our server signed. */
export const listSignedBy = (bytes, signature, publicKey) =>
  verify(fromBase64(signature), joined(LIST_DOMAIN, bytes), fromBase64(publicKey));

/* By what the list knows the ticket: half of a SHA-256, in base64url. */
export const digestOf = async (token) => {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", token)).slice(0, 16);
  return btoa(String.fromCharCode(...hash)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};
