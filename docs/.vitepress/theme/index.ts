import "@fontsource-variable/geist";
import "@fontsource-variable/geist-mono";
import type { Theme } from "vitepress";
import DefaultTheme from "vitepress/theme-without-fonts";
import { CostCalculator } from "./cost-calculator.ts";
import "./style.css";

export default {
  extends: DefaultTheme,
  enhanceApp: ({ app }) => {
    app.component("CostCalculator", CostCalculator);
  },
} satisfies Theme;
