const set = (text: string): ReadonlySet<string> => new Set(text.split(' '));

/** With one of these at its head a text is a question, whatever mark ends it. */
export const QUESTION_OPENERS = set(
  'how what which who whom whose when where why is are was were do does did can could should would will shall may ' +
    'might must has have had am',
);

const OTHERS = set(
  'my we you your he she it they this that these those there the an in on at for with from to if please kindly tell ' +
    'explain describe give list show name find help compare suggest recommend write create make generate summarize ' +
    'need want looking',
);

/** Words of which a capital at the head of a text says only that they stand there. No names are among them. */
export const isOpener = (lowerCase: string): boolean => QUESTION_OPENERS.has(lowerCase) || OTHERS.has(lowerCase);
