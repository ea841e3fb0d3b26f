import type { TalkPlace } from "./place";

export function TalkView(props: { place: TalkPlace }) {
  return <p>{props.place.key}</p>;
}
