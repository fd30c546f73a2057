/** Closed word lists of the pair features. They define the features: a change here invalidates the trained trees. */
const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));
const table = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split(',').map((entry) => {
      const at = entry.indexOf('=');
      return [entry.slice(0, at), entry.slice(at + 1)] as const;
    }),
  );

export const CONTRACTIONS = table(
  "what's=what is,how's=how is,where's=where is,who's=who is,when's=when is,why's=why is,it's=it is,that's=that is," +
    "there's=there is,i'm=i am,i've=i have,i'd=i would,i'll=i will,you're=you are,you've=you have,they're=they are," +
    "we're=we are,can't=can not,cannot=can not,won't=will not,let's=let us,shan't=shall not",
);
export const NUMERALS = table(
  'zero=0,one=1,two=2,three=3,four=4,five=5,six=6,seven=7,eight=8,nine=9,ten=10,eleven=11,twelve=12,thirteen=13,' +
    'fourteen=14,fifteen=15,sixteen=16,seventeen=17,eighteen=18,nineteen=19,twenty=20,thirty=30,forty=40,fifty=50,' +
    'sixty=60,seventy=70,eighty=80,ninety=90,hundred=100,thousand=1000,million=1000000,billion=1000000000',
);
export const AMERICAN_SPELLING = table(
  'colour=color,favourite=favorite,centre=center,organise=organize,licence=license,travelling=traveling,' +
    'cancelled=canceled,programme=program,grey=gray,behaviour=behavior,neighbour=neighbor,honour=honor,labour=labor,' +
    'humour=humor,theatre=theater,metre=meter,litre=liter,realise=realize,analyse=analyze,recognise=recognize,' +
    'defence=defense,catalogue=catalog,cheque=check,tyre=tire,jewellery=jewelry,mum=mom,flavour=flavor,' +
    'practise=practice,apologise=apologize,optimise=optimize,summarise=summarize,prioritise=prioritize,' +
    'customise=customize',
);
export const STOP_WORDS = words(
  'a an the is are was were be been being do does did doing have has had of to in on at for by with and or if that ' +
    'this these those it its i me my we our us you your he she him they them his her their there here as so than ' +
    'then too very just please can could would should will may might shall must am about into from up out any some ' +
    'get got what which who whom whose when where why how not no',
);
export const POLITE_WORDS = words('please hi hello hey thanks thank kindly');
export const NEGATION_WORDS = words(
  'not no never none nobody nothing neither nor without cannot avoid except unless lack',
);
export const QUESTION_WORDS = words('who whom whose what which when where why how');
/** Words that make another question of "how" when they follow it. */
export const HOW_MEASURES = words('many much long far old often big tall fast');
export const TIME_WORDS = words(
  'today tomorrow yesterday tonight now monday tuesday wednesday thursday friday saturday sunday january february ' +
    'march april may june july august september october november december morning afternoon evening night week weeks ' +
    'month months year years weekend next last previous current this past daily weekly monthly yearly hour hours ' +
    'minute minutes day days second seconds',
);
/** Time words that one text may have and the other lack without a change of meaning. */
export const WEAK_TIME_WORDS = words(
  'this current past day days second seconds minute minutes hour hours week weeks month months year years now ' +
    'evening may march daily',
);
export const UNIT_WORDS = words(
  'mile miles kilometer kilometers km celsius fahrenheit inch inches centimeter centimeters cm meter meters feet foot ' +
    'yard yards hour hours minute minutes day days week weeks month months year years cup cups tablespoon tablespoons ' +
    'teaspoon teaspoons ounce ounces pound pounds kilogram kilograms kg gram grams liter liters gallon gallons ' +
    'calorie calories carbs protein sugar am pm usd eur gbp dollar dollars euro euros yen rupee rupees % $ € £ ' +
    'percent mb gb kb tb degrees',
);
export const FORMAT_WORDS = words(
  'json yaml xml csv html markdown table list bullet bullets points sentence sentences paragraph paragraphs words ' +
    'word essay poem haiku tweet email code summary outline french german spanish italian portuguese russian chinese ' +
    'japanese korean arabic hindi english python javascript typescript java rust ruby go php sql bash beginner expert ' +
    'child kid physicist lawyer doctor teacher student layman year old',
);
export const STATE_CHANGE_WORDS = words('become becomes becoming became former formerly ex future wannabe');
/** Before "used to" these make it a purpose, not a past habit. */
export const AUXILIARY_WORDS = words('is are was were be been being get gets can could that it');
