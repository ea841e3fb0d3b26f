// A component that renders again only when a property changes. Preact's own is in its React layer, which changes events.
import { Component, createElement, type FunctionComponent } from "preact";

export function memo<P extends object>(component: FunctionComponent<P>): FunctionComponent<P> {
  class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      return differ(this.props, next);
    }

    override render() {
      return createElement(component, this.props as P);
    }
  }
  return Memo as unknown as FunctionComponent<P>;
}

function differ(one: object, other: object): boolean {
  const names = Object.keys(one);
  if (names.length !== Object.keys(other).length) return true;
  return names.some((name) => Reflect.get(one, name) !== Reflect.get(other, name));
}
