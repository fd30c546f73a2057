/** What a status line and its headers promise. */
export type AnswerHead = 'answer' | 'encoded_answer' | 'refusal' | 'encoded_refusal' | 'redirect';

/** No encoding was asked for: decoding one all the same would open the door to bombs. No redirect is followed. */
export function judgeHead(
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
): AnswerHead {
  if (status >= 300 && status < 400) return 'redirect';
  const encoding = headers['content-encoding'];
  const encoded = encoding !== undefined && encoding !== 'identity' && encoding !== '';
  if (status >= 200 && status < 300) return encoded ? 'encoded_answer' : 'answer';
  return encoded ? 'encoded_refusal' : 'refusal';
}
