/** The attempt that is being relayed. */
export interface Served {
  readonly provider: string;
  readonly model: string;
  readonly attempts: number;
}
