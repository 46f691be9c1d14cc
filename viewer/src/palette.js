// Colours come from the page's style sheet, so that both panels and both themes agree.

const NAMES = ["left", "right", "middle", "grid", "floor", "shadow", "frame", "line", "gap"];

function read() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

// Calls paint(palette) now and whenever the reader switches between light and dark.
export function followPalette(paint) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => paint(read()));
  paint(read());
}
