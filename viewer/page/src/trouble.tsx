// What went wrong, in one line, and the ways on.
import { Component, type ComponentChildren } from "preact";
import { gridLink } from "./memory";

/** An error in place of a view. `again` tries once more. */
export function Trouble(props: { line: string; again?: (() => void) | undefined }) {
  return (
    <div class="trouble" role="alert">
      <h1>This cannot be shown</h1>
      <p class="line words">{props.line}</p>
      <div class="ways">
        {props.again && (
          <button type="button" class="main" onClick={props.again}>
            Try again
          </button>
        )}
        <a class="button" href={gridLink()}>
          Back to the conversations
        </a>
      </div>
    </div>
  );
}

/** Shows one line in place of a view that fails while it is drawn. A new `key` begins afresh. */
export class Guard extends Component<{ children: ComponentChildren }, { line: string | null }> {
  override state = { line: null };

  static override getDerivedStateFromError(error: unknown) {
    return { line: error instanceof Error ? error.message : String(error) };
  }

  override componentDidCatch(error: unknown) {
    console.error(error);
  }

  override render() {
    const { line } = this.state;
    if (line === null) return this.props.children;
    return <Trouble line={`the page failed: ${line}`} again={() => this.setState({ line: null })} />;
  }
}
