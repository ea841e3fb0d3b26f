// What a role's eyes do not see of the other's side: the condition decides. One author of both sides sees all.
import type { Role, Talk } from "../api";
import type { Eyes } from "../place";
import { oneWriter } from "./model";

/** Parts of the other's side that a condition may show. */
export type Part = "other.persona" | "other.facts" | "other.inner";

/** The role whose eyes are looked through; null where nothing is hidden from who looks. */
export function onlookerOf(talk: Talk, eyes: Eyes): Role | null {
  return eyes === "public" || oneWriter(talk) ? null : eyes;
}

/** Whether `onlooker` is shown a part of the other's side. */
export function isShown(talk: Talk, onlooker: Role | null, part: Part): boolean {
  return onlooker === null || (talk.setting?.[onlooker]?.sees.includes(part) ?? false);
}
