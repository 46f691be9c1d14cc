// What time it is while playing: the video's where there is one, so that nothing drifts, else the wall's.

import { frameAt } from "./clip.js";

// show(frame) is called whenever another frame is due.
export function createWallClock({ times, frames, fps }, show) {
  const length = times[frames - 1] + 1 / fps;
  let request = 0;

  return {
    run(frame, speed) {
      cancelAnimationFrame(request);
      const start = performance.now();
      let shown = frame;
      const tick = (now) => {
        const seconds = (times[frame] + (Math.max(now - start, 0) / 1000) * speed) % length;
        const next = lastBefore(times, seconds);
        if (next !== shown) show((shown = next));
        request = requestAnimationFrame(tick);
      };
      request = requestAnimationFrame(tick);
    },
    stop: () => cancelAnimationFrame(request),
  };
}

function lastBefore(times, seconds) {
  const nearest = frameAt(times, seconds);
  return times[nearest] > seconds + 1e-6 && nearest > 0 ? nearest - 1 : nearest;
}

export function createVideoClock(film, show) {
  let running = false;
  let last = 0;
  film.listen((frame) => running && show((last = frame)));

  return {
    run(frame, speed) {
      last = frame;
      film.video.playbackRate = speed;
      running = true;
      film.video.play().catch(() => {}); // it was stopped before it had begun
    },
    stop() {
      running = false;
      film.video.pause();
      film.seek(last);
    },
  };
}
