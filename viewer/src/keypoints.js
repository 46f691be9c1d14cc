// The 2D panel: what the detector saw, in the proportions of its image.

const MARGIN = 12;
const TITLE = 40;

export function createKeypoints(canvas, note, { sides, bones, imageSize, xy, confidence }) {
  const context = canvas.getContext("2d");
  const [imageWidth, imageHeight] = imageSize;
  const tallest = tallestPerson(sides.length, xy);
  let palette = {};
  let frame = 0;

  // The largest rectangle of the image's shape below the panel's title.
  function place() {
    const width = canvas.clientWidth - 2 * MARGIN;
    const height = canvas.clientHeight - MARGIN - TITLE;
    const scale = Math.max(Math.min(width / imageWidth, height / imageHeight), 0);
    const left = MARGIN + (width - scale * imageWidth) / 2;
    const top = TITLE + (height - scale * imageHeight) / 2;
    return { scale, left, top, width: scale * imageWidth, height: scale * imageHeight };
  }

  function drawBone({ start, end, side }, point, seen, thickness) {
    context.globalAlpha = opacity(Math.min(seen(start), seen(end)));
    context.strokeStyle = palette[side];
    context.lineWidth = thickness;
    context.beginPath();
    context.moveTo(...point(start));
    context.lineTo(...point(end));
    context.stroke();
  }

  function drawJoint(joint, point, seen, radius) {
    context.globalAlpha = opacity(seen(joint));
    context.fillStyle = palette[sides[joint]];
    context.beginPath();
    context.arc(...point(joint), radius, 0, 2 * Math.PI);
    context.fill();
  }

  function draw() {
    const { scale, left, top, width, height } = place();
    const first = frame * sides.length;
    const seen = (joint) => confidence[first + joint];
    const point = (joint) => [0, 1].map((axis) => [left, top][axis] + scale * xy[2 * (first + joint) + axis]);
    const observed = sides.map((_, joint) => joint).filter((joint) => seen(joint) > 0);
    const thickness = Math.min(Math.max((scale * tallest) / 50, 1.5), 5);

    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
    context.save();
    context.beginPath();
    context.roundRect(left, top, width, height, 6);
    context.fillStyle = palette.frame;
    context.fill();
    context.strokeStyle = palette.line;
    context.stroke();
    context.clip();
    context.lineCap = "round";
    bones
      .filter(({ start, end }) => seen(start) > 0 && seen(end) > 0)
      .forEach((bone) => drawBone(bone, point, seen, thickness));
    observed.forEach((joint) => drawJoint(joint, point, seen, thickness));
    context.restore();
    note.textContent = observed.length ? "" : "nobody observed";
  }

  new ResizeObserver(() => {
    canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
    canvas.height = Math.round(canvas.clientHeight * devicePixelRatio);
    draw();
  }).observe(canvas);

  return {
    show(next) {
      frame = next;
      draw();
    },
    paint(next) {
      palette = next;
      draw();
    },
  };
}

// In pixels of the image, over the whole sequence.
function tallestPerson(joints, xy) {
  let tallest = 0;
  for (let first = 0; first < xy.length; first += 2 * joints) {
    const ys = xy.subarray(first, first + 2 * joints).filter((y, at) => at % 2 && !Number.isNaN(y));
    if (ys.length) tallest = Math.max(tallest, Math.max(...ys) - Math.min(...ys));
  }
  return tallest;
}

function opacity(confidence) {
  return 0.2 + 0.8 * confidence;
}
