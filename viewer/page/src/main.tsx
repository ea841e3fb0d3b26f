import { render } from "preact";
import { useState } from "preact/hooks";
import { CompareView } from "./compare/compare";
import { Grid } from "./grid/grid";
import { type Place, usePlace } from "./place";
import { HomeProvider } from "./shell/home";
import { Shell } from "./shell/shell";
import { beginTheme } from "./shell/theme";
import { Guard } from "./shell/trouble";
import { FileSource } from "./source/file";
import { HttpSource } from "./source/http";
import { SourceContext } from "./source/source";
import { TalkView } from "./talk/talk";

function View(props: { place: Place }) {
  const { place } = props;
  if (place.view === "talk") return <TalkView place={place} />;
  if (place.view === "compare") return <CompareView place={place} />;
  return <Grid place={place} />;
}

/** What of a place, once it is another, makes its view begin afresh. */
function identity(place: Place): string {
  if (place.view === "talk") return `talk ${place.key} ${place.blind}`;
  return place.view === "compare" ? `compare ${place.left} ${place.right}` : "grid";
}

function App() {
  const place = usePlace();
  const [source] = useState(() =>
    document.documentElement.hasAttribute("data-export") ? new FileSource() : new HttpSource(),
  );
  return (
    <SourceContext.Provider value={source}>
      <HomeProvider>
        <Shell view={place.view} shown={identity(place)}>
          <Guard key={identity(place)}>
            <View place={place} />
          </Guard>
        </Shell>
      </HomeProvider>
    </SourceContext.Provider>
  );
}

beginTheme();
const root = document.getElementById("app");
if (root !== null) render(<App />, root);
