import "@fontsource-variable/geist/wght.css";
import "@fontsource-variable/geist-mono/wght.css";
import "uplot/dist/uPlot.min.css";
// Later files override earlier ones: layout.css changes the header of a narrow page.
import "./styles/base.css";
import "./styles/header.css";
import "./styles/sign-in.css";
import "./styles/layout.css";
import "./styles/controls.css";
import "./styles/drawer.css";
import "./styles/parts.css";
import "./styles/ring.css";
import "./styles/tables.css";
import "./styles/clients.css";
import "./styles/messages.css";
import "./styles/event-lists.css";
import "./styles/charts.css";
import "./styles/scaling.css";
import "./styles/cost.css";
import "./styles/socketio.css";
import "./styles/health.css";
import "./styles/sessions.css";
import { render } from "preact";
import { App } from "./views/app.tsx";

const root = document.getElementById("console");
if (root !== null) render(<App />, root);
