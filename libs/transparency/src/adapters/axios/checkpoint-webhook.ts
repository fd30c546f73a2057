import type { CheckpointReceiver } from '../../ports/checkpoint-receiver.js';
import { OutsideClient, type OutsideAddress } from './outside-client.js';

export type CheckpointWebhookOptions = OutsideAddress;

/** Posts the signed note as `text/plain` to one URL. Any 2xx is a yes. */
export class CheckpointWebhook implements CheckpointReceiver {
  readonly name: string;
  readonly #client: OutsideClient;

  constructor(options: CheckpointWebhookOptions) {
    this.#client = new OutsideClient(options);
    this.name = this.#client.host;
  }

  async post(note: string, signal: AbortSignal): Promise<void> {
    await this.#client.post(note, signal, (status) => status >= 200 && status < 300);
  }
}
