import "@fontsource-variable/geist";
import "@fontsource-variable/geist-mono";
import DefaultTheme from "vitepress/theme-without-fonts";
import "./style.css";

export default DefaultTheme;
