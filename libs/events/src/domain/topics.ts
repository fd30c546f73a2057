/** The topics of the event log. Names are a contract: consumers, SQL comments and operators use them. */
export const TOPICS = {
  requests: 'nextmodel.requests',
  responses: 'nextmodel.responses',
  receipts: 'nextmodel.receipts',
  content: 'nextmodel.content',
  control: 'nextmodel.control',
  checkpoints: 'nextmodel.checkpoints',
} as const;

export type Topic = (typeof TOPICS)[keyof typeof TOPICS];
export const ALL_TOPICS: readonly Topic[] = Object.values(TOPICS);

/** Where a consumer puts what it could not take. */
export function deadLetterTopic(topic: string): string {
  return `${topic}.dlq`;
}
