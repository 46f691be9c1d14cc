// One plot: curves over the clip's time on a canvas, and a line at the frame that is shown.

const TICKS = 3; // gaps between lines, about
const [LEFT, RIGHT, TOP, BOTTOM] = [2.9, 0.7, 0.5, 1.5]; // rem around the curves

// 1, 2 or 5 times a power of ten: the step of some `count` round numbers between low and high.
export function roundStep(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= 0.999 * rough);
}

function extent(curves) {
  let [low, high] = [Infinity, -Infinity];
  for (const { values } of curves) {
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  return low <= high ? [low, high] : [0, 1];
}

// Lowest and highest of all values that fall on a column of pixels, so that no peak is lost.
function trace(context, values, columnOf, y) {
  let [column, low, high, open] = [-1, 0, 0, false];
  const flush = () => {
    if (column < 0) return;
    if (!open) context.moveTo(column, y(low));
    else context.lineTo(column, y(low));
    if (high !== low) context.lineTo(column, y(high));
    open = true;
  };
  context.beginPath();
  values.forEach((value, frame) => {
    if (Number.isNaN(value)) {
      flush();
      [column, open] = [-1, false];
      return;
    }
    const at = columnOf(frame);
    if (at === column) [low, high] = [Math.min(low, value), Math.max(high, value)];
    else {
      flush();
      [column, low, high] = [at, value, value];
    }
  });
  flush();
  context.stroke();
}

// least: the smallest range of values that fills the plot; whole: a range that is always shown, or null.
export function createPlot(canvas, cursor, { times, begins }, { least, whole = null }) {
  const context = canvas.getContext("2d");
  const length = times[times.length - 1] || 1;
  let [curves, spans, palette, frame, box] = [[], [], null, 0, null];

  function measure() {
    const rem = Number.parseFloat(getComputedStyle(canvas).fontSize);
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    box = { rem, width, height, left: LEFT * rem, right: width - RIGHT * rem, top: TOP * rem, bottom: height - BOTTOM * rem };
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
  }

  const x = (at) => box.left + ((box.right - box.left) * times[at]) / length;

  function range() {
    let [low, high] = extent(curves);
    if (whole) [low, high] = [Math.min(low, whole[0]), Math.max(high, whole[1])];
    const spare = Math.max(least - (high - low), 0.06 * (high - low)) / 2;
    return whole ? [low, high + spare] : [low - spare, high + spare];
  }

  function frameWork(y, low, high) {
    context.font = `${0.82 * box.rem}px system-ui, sans-serif`;
    context.lineWidth = 1;
    context.strokeStyle = palette.line;
    context.fillStyle = palette.muted;
    context.textBaseline = "middle";
    context.textAlign = "right";
    const step = roundStep(low, high, Math.max(TICKS, Math.round((box.bottom - box.top) / (2.2 * box.rem))));
    for (let value = Math.ceil(low / step) * step; value <= high + 1e-9; value += step) {
      const at = Math.round(y(value)) + 0.5;
      context.beginPath();
      context.moveTo(box.left, at);
      context.lineTo(box.right, at);
      context.stroke();
      context.fillText(Number(value.toPrecision(6)).toString().replace("-", "−"), box.left - 0.5 * box.rem, at);
    }
    context.textBaseline = "alphabetic";
    context.textAlign = "center";
    const pace = roundStep(0, length, Math.max(2, Math.round((box.right - box.left) / (6 * box.rem))));
    for (let value = Math.ceil(begins / pace) * pace; value <= begins + length + 1e-9; value += pace) {
      const at = box.left + ((box.right - box.left) * (value - begins)) / length;
      context.fillText(label(value), at, box.height - 0.35 * box.rem);
    }
  }

  const label = (value) =>
    begins + length < 60
      ? `${Number(value.toFixed(2))} s`
      : `${Math.floor(value / 60)}:${String(Math.round(value % 60)).padStart(2, "0")}`;

  function draw() {
    if (!palette || !canvas.clientWidth) return;
    measure();
    const [low, high] = range();
    const y = (value) => box.bottom - ((box.bottom - box.top) * (value - low)) / (high - low);
    context.scale(devicePixelRatio, devicePixelRatio);
    context.fillStyle = palette.gap;
    context.globalAlpha = 0.13;
    for (const [from, to] of spans) context.fillRect(x(from), box.top, Math.max(x(to) - x(from), 1), box.bottom - box.top);
    context.globalAlpha = 1;
    frameWork(y, low, high);
    context.lineJoin = "round";
    context.lineWidth = 0.12 * box.rem;
    const crowded = times.length > 2 * (box.right - box.left);
    const columnOf = crowded ? (at) => Math.round(x(at) * 2) / 2 : x;
    for (const { values, colour } of curves) {
      context.strokeStyle = palette[colour];
      trace(context, values, columnOf, y);
    }
    move();
  }

  function move() {
    if (!box) return;
    cursor.style.transform = `translateX(${x(frame).toFixed(1)}px)`;
    cursor.style.top = `${canvas.offsetTop + box.top}px`;
    cursor.style.height = `${box.bottom - box.top}px`;
  }

  new ResizeObserver(draw).observe(canvas);

  return {
    // spans: [first frame, frame after the last] of what was not observed.
    set(nextCurves, nextSpans) {
      [curves, spans] = [nextCurves, nextSpans];
      draw();
    },
    show(next) {
      frame = next;
      if (box) cursor.style.transform = `translateX(${x(frame).toFixed(1)}px)`;
    },
    paint(next) {
      palette = next;
      draw();
    },
    // Seconds since the clip's beginning, at a place within the canvas.
    timeAt: (place) => (box ? ((place - box.left) / (box.right - box.left)) * length : 0),
  };
}
