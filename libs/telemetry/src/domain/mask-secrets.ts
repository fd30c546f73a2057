const MASK = '[masked]';
/** Each is linear in the length of the text. */
const SECRETS: readonly RegExp[] = [
  /\bnm_[A-Za-z0-9]{1,64}_[A-Za-z0-9]{16,}/g,
  /\bnmadmin_[A-Za-z0-9]{16,}/g,
  /\b(?:sk|pk|rk|ak)-[A-Za-z0-9_-]{12,}/g,
  /\b[Bb]earer\s+[^\s"'\\,;]{8,}/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/g,
  /(?<=:\/\/)[^\s/@"'\\:]{1,256}:[^\s/@"'\\]{1,256}(?=@)/g,
  /(?<=[?&](?:key|api_key|apikey|token|access_token|password|signature)=)[^\s&"'\\]+/gi,
];

/** Masks what looks like a key, a token or a password in a text. The last net, not the first. */
export function maskSecrets(text: string): string {
  let masked = text;
  for (const secret of SECRETS) masked = masked.replace(secret, MASK);
  return masked;
}
