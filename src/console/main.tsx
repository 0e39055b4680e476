import "@fontsource-variable/geist/wght.css";
import "@fontsource-variable/geist-mono/wght.css";
import "uplot/dist/uPlot.min.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/controls.css";
import "./styles/parts.css";
import { render } from "preact";
import { App } from "./views/app.tsx";

const root = document.getElementById("console");
if (root !== null) render(<App />, root);
