// The plots below the timeline, of the person in focus: where a joint goes, joint angles, speed.

import { frameAt } from "./clip.js";
import { angle, anglesOf, definition, speed, trajectory } from "./curves.js";
import { createPlot } from "./plot.js";

const DIGITS = { m: 2, "°": 0, "m/s": 2 };

function options(select, names, chosen) {
  select.replaceChildren(...names.map((name, at) => new Option(name.replaceAll("_", " "), at, false, at === chosen)));
}

function told(value, digits) {
  if (Number.isNaN(value)) return "–";
  return value.toFixed(digits).replace(/^-(0\.?0*)$/, "$1").replace("-", "−");
}

function gapsOf(observed) {
  const spans = [];
  observed.forEach((seen, frame) => {
    if (seen) return;
    if (spans.at(-1)?.[1] === frame) spans.at(-1)[1] = frame + 1;
    else spans.push([frame, frame + 1]);
  });
  return spans.map(([from, to]) => [from, Math.min(to, observed.length - 1)]);
}

// jump(frame): called when a reader points into a plot.
export function createPlots(panel, clip, crowd, jump) {
  const cards = Object.fromEntries([...panel.querySelectorAll("figure")].map((card) => [card.dataset.plot, card]));
  const scales = { position: { least: 0.5 }, angle: { least: 20, whole: [0, 60] }, speed: { least: 0.5, whole: [0, 0.5] } };
  const joint = cards.position.querySelector("select");
  const bend = cards.angle.querySelector("select");
  let frame = 0;
  const plots = Object.entries(cards).map(([kind, card]) => {
    const canvas = card.querySelector("canvas");
    const plot = createPlot(canvas, card.querySelector(".cursor"), clip, scales[kind]);
    scrub(canvas, plot);
    return { kind, plot, unit: card.dataset.unit, values: card.querySelector("output"), curves: [] };
  });

  function scrub(canvas, plot) {
    const point = (event) => jump(frameAt(clip.times, plot.timeAt(event.clientX - canvas.getBoundingClientRect().left)));
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      point(event);
    });
    canvas.addEventListener("pointermove", (event) => canvas.hasPointerCapture(event.pointerId) && point(event));
  }

  // By what the plot shows: curves with the name of their colour.
  function curvesOf(kind, person) {
    if (kind === "position") {
      return trajectory(person, joint.selectedIndex).map((values, at) => ({ values, colour: "xyz"[at], name: "xyz"[at] }));
    }
    if (kind === "speed") return [{ values: speed(person, joint.selectedIndex, clip.times), colour: "text", name: "" }];
    const chosen = anglesOf(person)[bend.selectedIndex];
    const sides = chosen ? angle(person, chosen) : [];
    return sides.map((values, at) => ({ values, colour: ["left", "right"][at], name: ["left", "right"][at] }));
  }

  function legend({ curves, values, unit }) {
    values.replaceChildren(...curves.map(({ colour, name }) => {
      const item = document.createElement("span");
      item.style.setProperty("--colour", `var(--${colour})`);
      item.append(document.createElement("i"), name ? `${name} ` : "", document.createElement("b"), unit === "°" ? "°" : ` ${unit}`);
      return item;
    }));
  }

  function refresh() {
    const person = clip.people[crowd.focus];
    const spans = gapsOf(person.observed);
    const chosen = anglesOf(person)[bend.selectedIndex];
    cards.angle.querySelector(".how").textContent = chosen ? definition(chosen) : "";
    cards.speed.querySelector(".how").textContent = person.joints[joint.selectedIndex].replaceAll("_", " ");
    for (const each of plots) {
      each.curves = curvesOf(each.kind, person);
      legend(each);
      each.plot.set(each.curves, spans);
    }
    show(frame);
  }

  // Another person may have other joints.
  function choose() {
    const person = clip.people[crowd.focus];
    const before = joint.selectedOptions[0]?.text.replaceAll(" ", "_");
    options(joint, person.joints, Math.max(person.joints.indexOf(before), before ? 0 : person.root));
    options(bend, anglesOf(person).map(({ name }) => name), Math.max(bend.selectedIndex, 0));
    refresh();
  }

  function show(next) {
    frame = next;
    for (const { plot, curves, values, unit } of plots) {
      plot.show(frame);
      curves.forEach(({ values: all }, at) => {
        const value = all[frame];
        values.children[at].querySelector("b").textContent = told(value, DIGITS[unit]);
      });
    }
  }

  joint.addEventListener("change", refresh);
  bend.addEventListener("change", refresh);
  choose();

  return { show, choose, paint: (palette) => plots.forEach(({ plot }) => plot.paint(palette)) };
}
