// Play, pause, step, scrub. Calls show(frame) whenever another frame is due.

export function createPlayer({ frames, fps, poses }, show) {
  const element = (id) => document.getElementById(id);
  const [slider, play, speed, number, time] = ["slider", "play", "speed", "number", "time"].map(element);
  let frame = 0;
  let start = null; // while playing: the time and frame from which playing counts
  let request = 0;

  const label = (at) => [`${at + 1} / ${frames}`, `${(at / fps).toFixed(2)} s`];

  function go(next) {
    frame = Math.min(Math.max(next, 0), frames - 1);
    slider.value = frame + 1;
    [number.textContent, time.textContent] = label(frame);
    slider.setAttribute("aria-valuetext", `frame ${label(frame).join(", ")}`);
    show(frame);
  }

  function tick(now) {
    const seconds = Math.max(now - start.time, 0) / 1000;
    const next = Math.floor(start.frame + seconds * fps * speed.value) % frames;
    if (next !== frame) go(next);
    request = requestAnimationFrame(tick);
  }

  function run() {
    pause();
    start = { time: performance.now(), frame };
    request = requestAnimationFrame(tick);
    play.setAttribute("aria-label", "Pause");
  }

  function pause() {
    cancelAnimationFrame(request);
    start = null;
    play.setAttribute("aria-label", "Play");
  }

  const toggle = () => (start ? pause() : run());

  function jump(next) {
    pause();
    go(next);
  }

  const keys = {
    " ": toggle,
    ArrowLeft: () => jump(frame - 1),
    ArrowRight: () => jump(frame + 1),
    Home: () => jump(0),
    End: () => jump(frames - 1),
  };

  document.addEventListener("keydown", (event) => {
    const action = keys[event.key];
    const itsOwn = event.target.matches("select") || (event.key === " " && event.target.matches("button"));
    if (!action || itsOwn || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    action();
  });
  slider.max = frames;
  // Room for the last frame's label, so that nothing moves while playing.
  label(frames - 1).forEach((words, at) => ([number, time][at].style.minWidth = `${words.length - 1}ch`));
  slider.addEventListener("input", () => jump(slider.valueAsNumber - 1));
  play.addEventListener("click", toggle);
  speed.addEventListener("change", () => start && run());
  element("back").addEventListener("click", () => jump(frame - 1));
  element("forward").addEventListener("click", () => jump(frame + 1));

  return { jump, paint: (palette) => markGaps(element("gaps"), poses.observed, palette.gap) };
}

// The strip under the slider: where nobody was observed.
function markGaps(strip, observed, colour) {
  const width = Math.min(observed.length, 2000);
  const context = strip.getContext("2d");
  strip.width = width;
  context.fillStyle = colour;
  const perFrame = width / observed.length;
  observed.forEach((seen, frame) => {
    if (!seen) context.fillRect(Math.floor(frame * perFrame), 0, Math.max(perFrame, 1), 1);
  });
}
