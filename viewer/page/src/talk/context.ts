// What the parts of the replay share: the conversation, and what can be done from anywhere in it.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Talk } from "../api";
import type { Eyes } from "../place";
import type { Knowledge } from "./knowledge";
import type { Prompts } from "./model";

export interface Reading {
  talk: Talk;
  prompts: Prompts;
  knowledge: Knowledge;
  eyes: Eyes;
  /** Goes to a turn. */
  jump(turn: number): void;
  /** Opens the prompt inspector at a call of the conversation, by its place in the list. */
  inspect(call: number): void;
  /** Opens it at a call of a reader. */
  inspectReader(measure: string, call: number): void;
  /** Shows a fact in the matrix of who knows what. */
  showFact(fact: string): void;
}

export const ReadingContext = createContext<Reading | null>(null);

export function useReading(): Reading {
  const reading = useContext(ReadingContext);
  if (reading === null) throw new Error("there is no conversation around this component");
  return reading;
}
