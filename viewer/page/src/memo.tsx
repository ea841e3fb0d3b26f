// Components that are drawn again only when one of their properties is another one.
import { Component, type ComponentChild, type FunctionComponent } from "preact";

function differ(one: object, other: object): boolean {
  const left = Object.entries(one);
  return left.length !== Object.keys(other).length || left.some(([name, value]) => Reflect.get(other, name) !== value);
}

/** `Draw` as a component that keeps what it drew while its properties stay the same. */
export function memo<P extends object>(Draw: FunctionComponent<P>): new () => Component<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      return differ(this.props, next);
    }

    override render(): ComponentChild {
      return <Draw {...this.props} />;
    }
  };
}
