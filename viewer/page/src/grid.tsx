import type { GridPlace } from "./place";

export function Grid(props: { place: GridPlace }) {
  return <p>{props.place.view}</p>;
}
