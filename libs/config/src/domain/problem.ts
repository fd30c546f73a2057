/** One thing wrong with a file or the environment, with its place. All problems are listed at once. */
export interface Problem {
  /** As the reader knows it; `environment` for variables. */
  readonly file: string;
  /** From 1; 0 where there are no lines. */
  readonly line: number;
  /** `models.smart.targets[0].provider`; empty for the whole file. */
  readonly path: string;
  /** What is wrong and what to do. Never holds a secret's value. */
  readonly message: string;
}

/** `nextmodel.yaml:12 models.smart: …`, one line for a terminal. */
export function showProblem(problem: Problem): string {
  const place = problem.line > 0 ? `${problem.file}:${problem.line}` : problem.file;
  return problem.path === '' ? `${place}: ${problem.message}` : `${place} ${problem.path}: ${problem.message}`;
}
