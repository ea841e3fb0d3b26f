import type { ComparePlace } from "./place";

export function CompareView(props: { place: ComparePlace }) {
  return <p>{props.place.left}</p>;
}
