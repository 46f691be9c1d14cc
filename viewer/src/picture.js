// The 2D panel: what the detector saw and what was filled in, over the video or in the proportions of its picture.

const MARGIN = 0.8; // rem
const TITLE = 2.6;
const FAR = 1e4; // pixels; errors beyond are no circle any more

// film: the video, or null; its picture and the keypoints over it always belong to the same frame.
export function createPicture(panel, clip, crowd, film) {
  const canvas = panel.querySelector("canvas");
  const note = panel.querySelector(".note");
  const context = canvas.getContext("2d");
  const [imageWidth, imageHeight] = clip.imageSize;
  const tallest = clip.people.map(({ keypoints }) => (keypoints ? tallestPerson(keypoints) : 0));
  let colours = null;
  let palette = null;
  let wanted = 0;
  let size = { width: 0, height: 0, rem: 14 }; // of the canvas, measured when it changes: measuring is slow

  // The largest rectangle of the picture's shape below the panel's title.
  function place() {
    const { rem } = size;
    const [width, height] = [size.width - 2 * MARGIN * rem, size.height - (MARGIN + TITLE) * rem];
    const scale = Math.max(Math.min(width / imageWidth, height / imageHeight), 0);
    const left = MARGIN * rem + (width - scale * imageWidth) / 2;
    const top = TITLE * rem + (height - scale * imageHeight) / 2;
    return { scale, left, top, width: scale * imageWidth, height: scale * imageHeight };
  }

  function stroke(path, colour, thickness) {
    if (film) {
      context.strokeStyle = "rgb(0 0 0 / 0.5)";
      context.lineWidth = thickness + 2;
      context.stroke(path);
    }
    context.strokeStyle = colour;
    context.lineWidth = thickness;
    context.stroke(path);
  }

  function drawBone({ start, end, side }, { at, sure, colour, thickness }) {
    if (!at(start) || !at(end)) return;
    const filled = sure(start) === 0 || sure(end) === 0;
    context.globalAlpha = filled ? 0.75 : opacity(Math.min(sure(start), sure(end)));
    context.setLineDash(filled ? [1.6 * thickness, 1.8 * thickness] : []);
    const path = new Path2D();
    path.moveTo(...at(start));
    path.lineTo(...at(end));
    stroke(path, colour[side], filled ? 0.7 * thickness : thickness);
  }

  function drawJoint(joint, { sides, at, sure, error, colour, thickness }) {
    if (!at(joint)) return;
    const disc = new Path2D();
    disc.arc(...at(joint), thickness, 0, 2 * Math.PI);
    context.setLineDash([]);
    context.fillStyle = colour[sides[joint]];
    if (sure(joint) > 0) {
      context.globalAlpha = opacity(sure(joint));
      context.fill(disc);
      return;
    }
    if (error(joint) > thickness && error(joint) < FAR) drawError(at(joint), error(joint));
    context.globalAlpha = 1;
    context.fillStyle = palette.panel;
    context.fill(disc);
    stroke(disc, colour[sides[joint]], Math.max(0.4 * thickness, 1));
  }

  function drawError(point, radius) {
    const circle = new Path2D();
    circle.arc(...point, radius, 0, 2 * Math.PI);
    context.globalAlpha = 0.1;
    context.fill(circle);
    context.globalAlpha = 0.3;
    context.lineWidth = 1;
    context.strokeStyle = context.fillStyle;
    context.stroke(circle);
  }

  // Everything about one person in one frame, in pixels of the screen.
  function person(at, frame, { scale, left, top }, rem) {
    const { sides, xy, confidence, error, bones } = clip.people[at].keypoints;
    const first = frame * sides.length;
    const thick = Math.min(Math.max((scale * tallest[at]) / 50, 0.1 * rem), 0.34 * rem);
    return {
      sides,
      bones,
      colour: colours[at],
      thickness: at === crowd.focus ? thick : 0.75 * thick,
      sure: (joint) => confidence[first + joint],
      error: (joint) => scale * error[first + joint],
      at: (joint) => {
        const [x, y] = xy.subarray(2 * (first + joint), 2 * (first + joint) + 2);
        return Number.isNaN(x) ? null : [left + scale * x, top + scale * y];
      },
    };
  }

  const order = () => clip.people.map((_, at) => at).sort((a, b) => (a === crowd.focus) - (b === crowd.focus));
  const there = (at, frame) => crowd.shown(at) && clip.people[at].keypoints && clip.people[at].present(frame);

  function draw() {
    if (!palette) return;
    const frame = film?.frame() ?? wanted;
    const { rem } = size;
    const box = place();
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.globalAlpha = 1;
    context.clearRect(0, 0, size.width, size.height);
    context.save();
    const edge = new Path2D();
    edge.roundRect(box.left, box.top, box.width, box.height, 0.45 * rem);
    context.fillStyle = palette.frame;
    context.fill(edge);
    context.setLineDash([]);
    context.lineWidth = 1;
    context.strokeStyle = palette.line;
    context.stroke(edge);
    context.clip(edge);
    if (film) context.drawImage(film.picture(), box.left, box.top, box.width, box.height);
    context.lineCap = "round";
    const seen = order().filter((at) => there(at, frame));
    for (const at of seen) {
      const all = person(at, frame, box, rem);
      all.bones.forEach((bone) => drawBone(bone, all));
      all.sides.forEach((_, joint) => drawJoint(joint, all));
    }
    context.restore();
    const anybody = seen.some((at) => clip.people[at].keypoints.sides.some((_, joint) => isSeen(at, frame, joint)));
    note.textContent = anybody ? "" : "nobody observed";
  }

  function isSeen(at, frame, joint) {
    const { confidence, sides } = clip.people[at].keypoints;
    return confidence[frame * sides.length + joint] > 0;
  }

  new ResizeObserver(() => {
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    size = { width: canvas.clientWidth, height: canvas.clientHeight, rem };
    canvas.width = Math.round(size.width * devicePixelRatio);
    canvas.height = Math.round(size.height * devicePixelRatio);
    draw();
  }).observe(canvas);
  film?.listen(draw);

  return {
    show(frame) {
      wanted = frame;
      if (!film || film.seek(frame)) draw();
    },
    paint(next, nextColours) {
      [palette, colours] = [next, nextColours];
      draw();
    },
  };
}

// In pixels of the picture, over all frames.
function tallestPerson({ sides, xy }) {
  let tallest = 0;
  for (let first = 0; first < xy.length; first += 2 * sides.length) {
    let [low, high] = [Infinity, -Infinity];
    for (let i = first + 1; i < first + 2 * sides.length; i += 2) {
      if (xy[i] < low) low = xy[i];
      if (xy[i] > high) high = xy[i];
    }
    tallest = Math.max(tallest, high - low);
  }
  return tallest;
}

function opacity(confidence) {
  return 0.3 + 0.7 * confidence;
}
