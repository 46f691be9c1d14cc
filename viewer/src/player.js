// Play, pause, step, scrub. Calls show(frame) whenever another frame is due.

import { createVideoClock, createWallClock } from "./clock.js";

const LONG = 60; // seconds from which on minutes are told

export function clockTime(seconds) {
  if (seconds < LONG) return `${seconds.toFixed(2)} s`;
  const [minutes, rest] = [Math.floor(seconds / 60), (seconds % 60).toFixed(2).padStart(5, "0")];
  return `${minutes}:${rest}`;
}

export function createPlayer(clip, film, show) {
  const { frames, fps, times, begins } = clip;
  const element = (id) => document.getElementById(id);
  const [slider, play, speed, number, time] = ["slider", "play", "speed", "number", "time"].map(element);
  const clock = film ? createVideoClock(film, go) : createWallClock(clip, go);
  let frame = 0;
  let playing = false;

  const label = (at) => [`${at + 1} / ${frames}`, clockTime(begins + times[at])];

  function go(next) {
    frame = Math.min(Math.max(next, 0), frames - 1);
    slider.value = frame + 1;
    [number.textContent, time.textContent] = label(frame);
    slider.setAttribute("aria-valuetext", `frame ${label(frame).join(", ")}`);
    show(frame);
  }

  function run() {
    playing = true;
    clock.run(frame, Number(speed.value));
    play.setAttribute("aria-label", "Pause");
  }

  function pause() {
    if (playing) clock.stop();
    playing = false;
    play.setAttribute("aria-label", "Play");
  }

  function jump(next) {
    pause();
    go(next);
  }

  // steps: to the next speed, or to the one before.
  function hurry(steps) {
    const next = speed.selectedIndex + steps;
    if (next < 0 || next >= speed.options.length) return;
    speed.selectedIndex = next;
    if (playing) run();
  }

  const toggle = () => (playing ? pause() : run());

  slider.max = frames;
  // Room for the last frame's label, so that nothing moves while playing.
  label(frames - 1).forEach((words, at) => ([number, time][at].style.minWidth = `${words.length - 1}ch`));
  slider.addEventListener("input", () => jump(slider.valueAsNumber - 1));
  play.addEventListener("click", toggle);
  speed.addEventListener("change", () => playing && run());
  element("back").addEventListener("click", () => jump(frame - 1));
  element("forward").addEventListener("click", () => jump(frame + 1));

  return { jump, toggle, hurry, step: (count) => jump(frame + count), second: Math.round(fps), frame: () => frame };
}

// The strip under the slider: where the one in focus was not observed.
export function markGaps(strip, observed, colour) {
  const width = Math.min(observed.length, 2000);
  const context = strip.getContext("2d");
  strip.width = width;
  context.fillStyle = colour;
  const perFrame = width / observed.length;
  observed.forEach((seen, frame) => {
    if (!seen) context.fillRect(Math.floor(frame * perFrame), 0, Math.max(perFrame, 1), 1);
  });
}
