import { CellFamily, type Family } from '../../domain/metric-families.js';
import type { MetricsSnapshot } from '../../ports/metrics.js';

/** What a gateway has warned of, and what it warns of next. */
export class WarningMetrics {
  readonly #late = new CellFamily('nextmodel_late_loop_total', 'Looks that found the event loop late.', []);
  readonly #unread = new CellFamily('nextmodel_unread_answers_total', 'Answers that their clients did not read.', []);
  readonly #bytes = new CellFamily('nextmodel_unread_answer_bytes', 'Of answers that wait to be read.', [], 'gauge');
  readonly #wrong = new CellFamily('nextmodel_wrong_admin_credentials_total', 'Refused on the admin routes.', []);

  families({ warnings, unreadBytes }: MetricsSnapshot): readonly Family[] {
    this.#late.bind([]).value = warnings?.lateLoop ?? 0;
    this.#unread.bind([]).value = warnings?.unreadAnswers ?? 0;
    this.#bytes.bind([]).value = unreadBytes ?? 0;
    this.#wrong.bind([]).value = warnings?.wrongAdminCredentials ?? 0;
    return [this.#late, this.#unread, this.#bytes, this.#wrong];
  }
}
