// Colours come from the page's style sheet, so that all panels and both themes agree.

const NAMES = [
  "left", "right", "middle", "grid", "floor", "frame", "line", "gap", "panel", "text", "muted", "x", "y", "z",
];
const PEOPLE = 8; // colours for people; then they come again
const DARK = matchMedia("(prefers-color-scheme: dark)");

// A colour as the browser works it out, such as rgb(31, 95, 214).
function resolved(probe, name) {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

function read(probe) {
  const palette = Object.fromEntries(NAMES.map((name) => [name, resolved(probe, name)]));
  palette.shadow = getComputedStyle(document.documentElement).getPropertyValue("--shadow");
  palette.people = Array.from({ length: PEOPLE }, (_, at) => resolved(probe, `person-${at + 1}`));
  return palette;
}

function mixed(colour, other, share) {
  const [a, b] = [colour, other].map((each) => each.match(/[\d.]+/g).map(Number));
  return `rgb(${[0, 1, 2].map((i) => Math.round(a[i] + share * (b[i] - a[i]))).join(", ")})`;
}

// Of each person the colours of left, right and middle: sides' own for one person, else a person's own, left lighter.
export function coloursOf(palette, count) {
  if (count === 1) return [{ left: palette.left, right: palette.right, middle: palette.middle }];
  return Array.from({ length: count }, (_, at) => {
    const middle = palette.people[at % PEOPLE];
    return { middle, left: mixed(middle, "rgb(255, 255, 255)", 0.38), right: mixed(middle, "rgb(0, 0, 0)", 0.32) };
  });
}

// Calls paint(palette) now and whenever the theme changes: the system's, or the reader's by the switch.
export function followPalette(button, probe, paint) {
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : DARK.matches);

  function repaint() {
    button.setAttribute("aria-pressed", isDark());
    paint(read(probe));
  }

  function toggle() {
    root.dataset.theme = isDark() ? "light" : "dark";
    repaint();
  }

  DARK.addEventListener("change", repaint);
  button.addEventListener("click", toggle);
  repaint();
  return toggle;
}
