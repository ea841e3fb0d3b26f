// What went wrong, in one line, and the ways on.
import { Component, type ComponentChildren } from "preact";
import { gridLink } from "../grid/memory";
import { visible } from "../shared/text";

interface TroubleProps {
  line: string;
  /** Tries once more. */
  again?: (() => void) | undefined;
  /** Whether it stands below the heading of a view that can be shown otherwise. */
  part?: boolean;
}

/** An error in place of a view. */
export function Trouble(props: TroubleProps) {
  const Heading = props.part ? "h2" : "h1";
  return (
    <div class="trouble" role="alert">
      <Heading>This cannot be shown</Heading>
      <p class="line words">
        <Line text={props.line} />
      </p>
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

/** A line for people, in which what stands between backticks is code. */
export function Line(props: { text: string }) {
  return (
    <>
      {visible(props.text)
        .split("`")
        .map((part, place) => (place % 2 === 1 ? <code>{part}</code> : part))}
    </>
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
