// Made by `make page` from viewer/documents.py; do not edit.

/**
 * Who speaks.
 */
export type Role = "seeker" | "supporter";
export type JsonValue = unknown;

export interface Documents {
  Agreed: Agreed;
  Agreements: Agreements;
  Annotator: Annotator;
  Answer: Answer;
  Call: Call;
  Calls: Calls;
  DriftLine: DriftLine;
  DriftPoint: DriftPoint;
  Facet: Facet;
  Facets: Facets;
  FactInfo: FactInfo;
  Hit: Hit;
  Home: Home;
  Item: Item;
  JsonValue: JsonValue;
  Kin: Kin;
  Knowing: Knowing;
  Labelled: Labelled;
  Measure: Measure;
  Message: Message;
  Named: Named;
  Note: Note;
  NoteDraft: NoteDraft;
  Notes: Notes;
  Parent: Parent;
  PlacedNote: PlacedNote;
  Role: Role;
  Row: Row;
  Rows: Rows;
  RunInfo: RunInfo;
  Setting: Setting;
  Side: Side;
  Source: Source;
  Talk: Talk;
  Try: Try;
  Turn: Turn;
  Words: Words;
  WordsOf: WordsOf;
}
/**
 * Agreement of a person's strategies with somebody else's, over all turns that both labelled.
 */
export interface Agreed {
  /**
   * The person.
   */
  reader: string;
  /**
   * Whether the person's labels were made blind; those made in sight of what was declared are counted apart.
   */
  blind: boolean;
  /**
   * ``declared``, an annotator's folder, or another person.
   */
  against: string;
  /**
   * Turns that both labelled.
   */
  turns: number;
  /**
   * Conversations that these are of.
   */
  conversations: number;
  /**
   * Cohen's kappa of the first label of each.
   */
  kappa: number | null;
  /**
   * Krippendorff's alpha of the lists as sets, by MASI distance.
   */
  alpha: number | null;
  /**
   * Why one of them is None.
   */
  why: string | null;
}
/**
 * Agreement of people with what was declared and with annotators.
 */
export interface Agreements {
  /**
   * By person.
   */
  agreements: Agreed[];
}
/**
 * Who labelled the strategies again, blind to what was declared.
 */
export interface Annotator {
  /**
   * The reader's folder, or the person.
   */
  name: string;
  /**
   * Whether it is a person.
   */
  person: boolean;
  /**
   * By turn.
   */
  turns: Labelled[];
}
/**
 * An annotator's strategies of one supporter turn.
 */
export interface Labelled {
  /**
   * The turn.
   */
  turn: number;
  /**
   * What it found; None where it gave none.
   */
  labels: string[] | null;
  /**
   * Then: why.
   */
  why: string | null;
}
/**
 * A reader's answers at one place.
 */
export interface Answer {
  /**
   * The turn; None for the whole conversation.
   */
  turn: number | null;
  /**
   * About whom.
   */
  role: Role | null;
  /**
   * Which of the repeats, from 0.
   */
  repeat: number;
  /**
   * Which part of a questionnaire.
   */
  part: string | null;
  /**
   * The answer to each item; None where there is none.
   */
  values: {
    [k: string]: number | string | number[] | string[] | null;
  };
  /**
   * For each of those, why.
   */
  missing: {
    [k: string]: string;
  };
  /**
   * Place of its call in the reader's calls; None where none was logged.
   */
  call: number | null;
}
/**
 * A model call. Its prompt is the first ``kept`` segments of call ``base``, and ``segments`` after them.
 */
export interface Call {
  /**
   * Number of its event in the log.
   */
  seq: number;
  /**
   * The turn that it was made for; -1 before the first.
   */
  turn: number;
  /**
   * For whom; None for both.
   */
  role: Role | null;
  /**
   * ``speak``, ``script``, ``repair`` or ``read``.
   */
  purpose: string;
  /**
   * Place of the call that it goes on from in the list of calls; None where ``kept`` is 0.
   */
  base: number | null;
  /**
   * Segments that it shares with that call.
   */
  kept: number;
  /**
   * The segments after those.
   */
  segments: Source[];
  /**
   * Content address of the messages; None where there was no answer, as the seed.
   */
  prompt: string | null;
  /**
   * The seed.
   */
  seed: number | null;
  /**
   * The answer, exactly; empty where there was none.
   */
  reply: string;
  /**
   * Whether there was an answer.
   */
  answered: boolean;
  /**
   * Whether the answer came from the cache of answers: nothing was sent and nothing paid.
   */
  hit: boolean;
  /**
   * What was wrong with the answer, or why there was none; None if it could be read.
   */
  fault: string | null;
  /**
   * The same in one line.
   */
  message: string | null;
  /**
   * Why the model stopped.
   */
  finish_reason: string | null;
  /**
   * What the server calls the model.
   */
  model: string | null;
  /**
   * The server's mark of its configuration.
   */
  fingerprint: string | null;
  /**
   * Tokens of the prompt.
   */
  prompt_tokens: number | null;
  /**
   * Of these, from the prefix cache.
   */
  cached_tokens: number | null;
  /**
   * Tokens of the answer.
   */
  completion_tokens: number | null;
  /**
   * How long it took, without earlier tries.
   */
  seconds: number | null;
  /**
   * US dollars.
   */
  cost: number | null;
  /**
   * Tries that failed before.
   */
  attempts: Try[];
}
/**
 * A segment of a prompt.
 */
export interface Source {
  /**
   * Where it comes from, such as ``fact:quitting`` or ``utterance:7``.
   */
  source: string;
  /**
   * Where it stands: neighbouring ``head`` segments make one system message, neighbouring ``tail`` segments one user
   * message, ``self`` an assistant message each, and all others a user message each.
   */
  place: "head" | "opening" | "other" | "self" | "note" | "tail";
  /**
   * Address of its text in ``texts``.
   */
  hash: string;
}
/**
 * A try at a call that failed.
 */
export interface Try {
  /**
   * Why.
   */
  fault: string;
  /**
   * In one line.
   */
  message: string;
  /**
   * How long it took.
   */
  seconds: number;
}
/**
 * The calls of a log, with the texts of their segments.
 */
export interface Calls {
  /**
   * In order.
   */
  calls: Call[];
  /**
   * Texts by content address. One that is not here stands in the conversation's own ``texts``.
   */
  texts: {
    [k: string]: string;
  };
}
/**
 * One trait of one role over the conversation.
 */
export interface DriftLine {
  /**
   * The trait plan.
   */
  plan: string;
  /**
   * ``self``, ``bare`` (the same model without its persona) or ``observer``.
   */
  source: string;
  role: Role;
  /**
   * Which trait.
   */
  factor: string;
  /**
   * Who answered.
   */
  model: string;
  /**
   * Why there are no scores; None where there are.
   */
  why: string | null;
  /**
   * Root mean square of the change without a talk between, over the run's conversations of this condition; None
   * where nobody was asked twice.
   */
  noise: number | null;
  /**
   * Lowest score of the scale.
   */
  low: number | null;
  /**
   * Highest score.
   */
  high: number | null;
  /**
   * Score at the baseline.
   */
  start: number | null;
  /**
   * In order; empty where there are no scores.
   */
  points: DriftPoint[];
}
/**
 * A trait at one time.
 */
export interface DriftPoint {
  /**
   * After which turn; -1 before the first.
   */
  turn: number;
  /**
   * Change since the baseline, by the items asked both times; points of the scale; 0 at the baseline.
   */
  change: number | null;
}
/**
 * A value that a column can be filtered by.
 */
export interface Facet {
  /**
   * The value.
   */
  value: string;
  /**
   * Conversations that have it.
   */
  count: number;
}
/**
 * What the grid can be filtered by: all values of some columns, in alphabetical order.
 */
export interface Facets {
  /**
   * Runs.
   */
  run: Facet[];
  /**
   * Scenarios.
   */
  scenario: Facet[];
  /**
   * Conditions.
   */
  condition: Facet[];
  /**
   * Models.
   */
  model: Facet[];
  /**
   * Reasons to end; ``open`` and ``damaged`` where there is none.
   */
  end: Facet[];
}
/**
 * A fact of the scenario.
 */
export interface FactInfo {
  /**
   * Its id.
   */
  id: string;
  /**
   * Its words.
   */
  text: string;
  /**
   * When it may be told.
   */
  reveal: string;
  /**
   * From which trust on; None for none.
   */
  trust: number | null;
  /**
   * Facts that must be told before it.
   */
  after: string[];
}
/**
 * Where words that were searched for stand.
 */
export interface Hit {
  /**
   * The turn.
   */
  turn: number;
  role: Role;
  /**
   * Whether they stand in what the role kept to itself.
   */
  private: boolean;
  /**
   * The words before.
   */
  before: string;
  /**
   * The words that were found.
   */
  match: string;
  /**
   * The words after.
   */
  after: string;
}
/**
 * What the page begins with.
 */
export interface Home {
  /**
   * Version of confide.
   */
  version: string;
  /**
   * The runs, oldest first.
   */
  runs: RunInfo[];
  /**
   * Logs that are not in the index yet, or that changed since.
   */
  waiting: number;
  /**
   * What a request that writes must carry; None in an export, where nothing can be written.
   */
  token: string | null;
  /**
   * Whether this is an export: no server, nothing live.
   */
  static: boolean;
  /**
   * In an export: parts that the searchable words are in; see :class:`Words`.
   */
  chunks?: number;
}
/**
 * One of the runs that are shown.
 */
export interface RunInfo {
  /**
   * Name of the run's folder.
   */
  id: string;
  /**
   * Where its conversations come from.
   */
  kind: "simulated" | "fork" | "imported";
  /**
   * When, in ISO 8601 (UTC).
   */
  created: string;
  /**
   * Conversations that it is to have.
   */
  planned: number;
  /**
   * Conversations that have a log in the index.
   */
  begun: number;
  /**
   * Of these, those that are finished.
   */
  finished: number;
  /**
   * Readers and questionnaires that read it.
   */
  measures: string[];
  /**
   * What is wrong with its folder now; None if nothing is.
   */
  problem: string | null;
}
/**
 * A question that a reader was asked.
 */
export interface Item {
  /**
   * Its id.
   */
  id: string;
  /**
   * Its words.
   */
  question: string;
  /**
   * What is answered: strategies, a word, a point, a number, or a list of turns that the reader cites.
   */
  kind: "labels" | "choice" | "scale" | "level" | "turns";
  /**
   * Lowest point; None for words and turns.
   */
  low: number | null;
  /**
   * Highest point.
   */
  high: number | null;
  /**
   * The words that a ``choice`` is one of.
   */
  words?: string[];
}
/**
 * A conversation that this one can be held against.
 */
export interface Kin {
  /**
   * Its address.
   */
  key: string;
  /**
   * Its run.
   */
  run: string;
  /**
   * Its id.
   */
  conversation: string;
  /**
   * Its condition.
   */
  condition: string;
  /**
   * ``pair``: the same pair key under another condition or in another run.
   */
  relation: "pair" | "parent" | "fork";
}
/**
 * That a role knows a fact, or what it did about one.
 */
export interface Knowing {
  role: Role;
  /**
   * The fact.
   */
  fact: string;
  /**
   * From which turn on, or in which; -1 before the talk.
   */
  turn: number;
  /**
   * ``owns``, ``sees`` (in its prompt by the condition), ``told``, ``noticed`` (told without being declared): it
   * knows. ``asked``, ``inferred``: it asked about the other's fact, or stated it untold. ``undeclared``, ``unsaid``:
   * its words tell an own fact that the reply does not declare, or do not tell one that it declares.
   */
  how: "owns" | "sees" | "told" | "noticed" | "asked" | "inferred" | "undeclared" | "unsaid";
}
/**
 * What one reader found in this conversation.
 */
export interface Measure {
  /**
   * Name of the reader's folder.
   */
  key: string;
  /**
   * Id of the rubric.
   */
  id: string;
  /**
   * Its title.
   */
  title: string;
  /**
   * Who answered; ``roles`` where the roles' own models did.
   */
  model: string;
  /**
   * What was asked.
   */
  kind: "rubric" | "traits";
  /**
   * What a reader of the figures must know about the model.
   */
  caveat: string | null;
  /**
   * What was asked; empty for questionnaires, whose scores are in ``drift``.
   */
  items: Item[];
  /**
   * What was answered; empty for questionnaires.
   */
  answers: Answer[];
  /**
   * Why it cannot be used: not read to its end, or read from another transcript; None if it can.
   */
  problem: string | null;
}
/**
 * One of the messages that a person sent in one turn.
 */
export interface Message {
  /**
   * Its words.
   */
  text: string;
  /**
   * Its labels, in the data's words.
   */
  labels: string[];
  /**
   * What else the data say about it.
   */
  about: {
    [k: string]: JsonValue;
  };
}
/**
 * Something with an id and a title.
 */
export interface Named {
  /**
   * Its id.
   */
  id: string;
  /**
   * One line for people.
   */
  title: string;
}
/**
 * A person's note on a turn, or on the whole conversation. A later one at the same place takes its place.
 */
export interface Note {
  /**
   * Version of this line's schema.
   */
  v?: 1;
  /**
   * When, in seconds since 1970 (UTC).
   */
  at: number;
  /**
   * Who.
   */
  reader: string;
  /**
   * The conversation.
   */
  conversation: string;
  /**
   * Content address of what was said when the note was made.
   */
  transcript: string;
  /**
   * The turn; None for the whole conversation.
   */
  turn: number | null;
  /**
   * The note.
   */
  text?: string;
  /**
   * The reader's own labels.
   */
  tags?: string[];
  /**
   * Strategies of a supporter's turn, labelled again; None where the reader did not label it.
   */
  strategies?: string[] | null;
  /**
   * Whether the reader could see neither condition nor declared strategies.
   */
  blind: boolean;
}
/**
 * What the page sends to be saved.
 */
export interface NoteDraft {
  /**
   * Address of the conversation.
   */
  key: string;
  /**
   * Who.
   */
  reader: string;
  /**
   * Content address of what was read.
   */
  transcript: string;
  /**
   * The turn; None for the whole conversation.
   */
  turn: number | null;
  /**
   * The note.
   */
  text?: string;
  /**
   * Labels.
   */
  tags?: string[];
  /**
   * Strategies; None where not labelled.
   */
  strategies?: string[] | null;
  /**
   * Whether it was made blind.
   */
  blind: boolean;
}
/**
 * Notes.
 */
export interface Notes {
  /**
   * By conversation and turn, the latest at each place.
   */
  notes: PlacedNote[];
}
/**
 * A note with the address of its conversation.
 */
export interface PlacedNote {
  /**
   * The conversation.
   */
  key: string;
  /**
   * Whether the conversation says something else now than when the note was made.
   */
  stale: boolean;
  note: Note;
}
/**
 * Where a fork branched off.
 */
export interface Parent {
  /**
   * Address of the parent; None where it is not shown here.
   */
  key: string | null;
  /**
   * Its run.
   */
  run: string;
  /**
   * Its id.
   */
  conversation: string;
  /**
   * First turn that is the fork's own.
   */
  at: number;
  /**
   * What was set.
   */
  changed: {
    [k: string]: string;
  };
}
/**
 * One conversation in the grid. None where it is unknown, with why beside it where that is not plain.
 */
export interface Row {
  /**
   * Address of the conversation in links: opaque, and the same wherever the run is opened.
   */
  key: string;
  /**
   * Its run; None for a blind reader, as the following.
   */
  run: string | null;
  /**
   * Its id in the run.
   */
  conversation: string | null;
  /**
   * Id of the scenario; the data's file for people's.
   */
  scenario: string | null;
  /**
   * Condition, and the cast where there are several; ``human`` for people's.
   */
  condition: string | null;
  /**
   * The model that plays; ``one + other`` where the supporter's is another than the seeker's.
   */
  model: string | null;
  /**
   * What conditions are compared within.
   */
  pair_key: string | null;
  /**
   * Whether it is finished.
   */
  state: "finished" | "open" | "damaged";
  /**
   * Why it ended; None while it has not.
   */
  end: string | null;
  /**
   * Turns that were spoken.
   */
  turns: number;
  /**
   * Facts of both roles.
   */
  facts: number | null;
  /**
   * Of these, those that were told, declared or not.
   */
  told: number | null;
  /**
   * Mean size of the change of a trait from the first to the last long form, by self-report, over roles and factors
   * whose reliability is known to be good enough; points of the scale.
   */
  drift: number | null;
  /**
   * What it is made of, or why there is none.
   */
  drift_note: string | null;
  /**
   * Agreement of declared strategies and an annotator's: 1 - mean MASI distance over turns, 0 to 1.
   */
  agreement: number | null;
  /**
   * How many turns, and by whom; or why there is none.
   */
  agreement_note: string | null;
  /**
   * When, in seconds since 1970 (UTC).
   */
  began: number | null;
  /**
   * Where the searched words stand first.
   */
  hit?: Hit | null;
}
/**
 * Part of the grid.
 */
export interface Rows {
  /**
   * Conversations that pass the filters.
   */
  total: number;
  /**
   * Number of the first row here among them.
   */
  offset: number;
  /**
   * The rows.
   */
  rows: Row[];
}
/**
 * What the conversation was made under; hidden from a blind reader.
 */
export interface Setting {
  /**
   * The run.
   */
  run: string;
  /**
   * Its id.
   */
  conversation: string;
  condition: Named;
  /**
   * Who writes: ``two_agents``, ``one_author``, ``script``; None for people's.
   */
  writer: string | null;
  /**
   * Who decides what may be told; None for people's.
   */
  telling: string | null;
  /**
   * What conditions are compared within.
   */
  pair_key: string;
  /**
   * The run's seed; None for people's.
   */
  seed: number | null;
  /**
   * The seeker; None for people's.
   */
  seeker: Side | null;
  /**
   * The supporter; None for people's.
   */
  supporter: Side | null;
  /**
   * For a fork: where it branched off.
   */
  parent: Parent | null;
  /**
   * What the data say about people's conversation.
   */
  record: {
    [k: string]: JsonValue;
  };
}
/**
 * One role of the conversation.
 */
export interface Side {
  /**
   * What it is called.
   */
  name: string;
  /**
   * Who it is.
   */
  background: string;
  /**
   * HEXACO factors, 1 to 5; None where unset.
   */
  traits: {
    [k: string]: number | null;
  };
  /**
   * CSI styles, 1 to 5; None where unset.
   */
  style: {
    [k: string]: number | null;
  };
  /**
   * What it wants of the talk.
   */
  goals: string[];
  /**
   * What it knows.
   */
  facts: FactInfo[];
  /**
   * What the condition shows it: ``own``, ``other.persona``, ``other.facts``, ``other.inner``.
   */
  sees: string[];
  /**
   * Whether the condition gives it its persona.
   */
  shown_persona: boolean;
  /**
   * The model that plays it.
   */
  model: string;
  /**
   * What a reader of the model's figures must know.
   */
  caveat: string | null;
}
/**
 * One conversation, whole.
 */
export interface Talk {
  /**
   * Its address.
   */
  key: string;
  /**
   * Whether what a blind reader may not see was left out.
   */
  blind: boolean;
  /**
   * One line for people.
   */
  title: string;
  /**
   * Id of the scenario.
   */
  scenario: string;
  /**
   * What both know; None where people's data do not say.
   */
  situation: string | null;
  /**
   * Kind of problem.
   */
  problem: string | null;
  /**
   * What the seeker feels.
   */
  emotion: string | null;
  /**
   * What the roles are called.
   */
  names: {
    [k: string]: string;
  };
  /**
   * The strategies: label and definition.
   */
  labels: Named[];
  /**
   * Whether it is finished.
   */
  state: "finished" | "open" | "damaged";
  /**
   * What is wrong with its log; the turns before that are here.
   */
  damage: string | null;
  /**
   * Why it ended; None while it has not.
   */
  end: string | null;
  /**
   * For an end by error: what went wrong.
   */
  detail: string | null;
  /**
   * What it was made under; None for a blind reader.
   */
  setting: Setting | null;
  /**
   * The turns.
   */
  turns: Turn[];
  /**
   * The calls that made the turns; none for people's and for a blind reader.
   */
  calls: Call[];
  /**
   * Texts of segments, by content address.
   */
  texts: {
    [k: string]: string;
  };
  /**
   * Who knows what, and from when on.
   */
  knows: Knowing[];
  /**
   * What readers found.
   */
  measures: Measure[];
  /**
   * Traits over the conversation.
   */
  drift: DriftLine[];
  /**
   * Who labelled the strategies again.
   */
  annotators: Annotator[];
  /**
   * What it can be compared with.
   */
  kin: Kin[];
  /**
   * Content address of what was said: notes are about it.
   */
  transcript: string;
}
/**
 * One turn. What its speaker did not report, or was not asked, is None.
 */
export interface Turn {
  /**
   * Number, from 0.
   */
  turn: number;
  role: Role;
  /**
   * What it said.
   */
  utterance: string;
  /**
   * Declared strategies of a supporter's turn, or a person's labels.
   */
  strategies: string[] | null;
  /**
   * Facts that the reply declares as told.
   */
  told: string[] | null;
  /**
   * The seeker's distress after it, 0 to 100.
   */
  emotion: number | null;
  /**
   * The seeker's trust after it, 0 to 100.
   */
  trust: number | null;
  /**
   * What the seeker thinks, or the supporter's notes.
   */
  thoughts: string | null;
  /**
   * Whether it wants to stop.
   */
  wants_to_end: boolean | null;
  /**
   * When it was logged, in seconds since 1970 (UTC).
   */
  at: number | null;
  /**
   * The messages of a person's turn; empty for a model's.
   */
  messages: Message[];
}
/**
 * Part of an export's searchable words.
 */
export interface Words {
  /**
   * By conversation and turn.
   */
  lines: WordsOf[];
}
/**
 * What was said, or kept back, in one turn.
 */
export interface WordsOf {
  /**
   * The conversation.
   */
  key: string;
  /**
   * The turn.
   */
  turn: number;
  role: Role;
  /**
   * Whether the role kept it to itself.
   */
  private: boolean;
  /**
   * The words.
   */
  text: string;
}
