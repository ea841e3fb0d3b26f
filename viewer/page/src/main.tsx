import { render } from "preact";
import { CompareView } from "./compare";
import { Grid } from "./grid";
import { usePlace } from "./place";
import { TalkView } from "./talk";

function View() {
  const place = usePlace();
  if (place.view === "talk") return <TalkView place={place} />;
  if (place.view === "compare") return <CompareView place={place} />;
  return <Grid place={place} />;
}

const root = document.getElementById("app");
if (root !== null) render(<View />, root);
