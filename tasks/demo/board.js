const INK = "rgb(255, 0, 200)";
const MOST_POINTS = 4000;
const state = { image: null, width: 1, height: 1, marks: [], draft: null, tool: "" };

const canvas = () => element.querySelector("canvas");

function scale() {
  const box = element.querySelector(".rb-stage-box");
  const room = Math.max(120, box.clientWidth);
  const tall = Math.max(240, window.innerHeight * 0.48);
  return Math.min(room / state.width, tall / state.height);
}

function trace(pen, points, by) {
  pen.beginPath();
  points.forEach(([x, y], place) => (place ? pen.lineTo(x * by, y * by) : pen.moveTo(x * by, y * by)));
}

function drawDots(pen, points, by) {
  pen.fillStyle = INK;
  for (const [x, y] of points) pen.fillRect((x - 0.5) * by, (y - 0.5) * by, Math.max(1.5, by), Math.max(1.5, by));
}

function drawMark(pen, mark, by) {
  const points = mark.points;
  pen.lineWidth = 3;
  pen.lineJoin = pen.lineCap = "round";
  pen.strokeStyle = INK;
  if (mark.dots) return drawDots(pen, points, by);
  if (mark.kind === "point") {
    for (const [x, y] of points) {
      pen.beginPath();
      pen.arc(x * by, y * by, 6, 0, 2 * Math.PI);
      pen.fillStyle = INK;
      pen.fill();
      pen.lineWidth = 2;
      pen.strokeStyle = "white";
      pen.stroke();
    }
  } else if (mark.kind === "box") {
    const [[x1, y1], [x2, y2]] = points;
    pen.strokeRect(Math.min(x1, x2) * by, Math.min(y1, y2) * by, Math.abs(x2 - x1) * by, Math.abs(y2 - y1) * by);
  } else {
    trace(pen, points, by);
    if (mark.kind === "mask") {
      pen.closePath();
      pen.fillStyle = "rgba(255, 0, 200, 0.25)";
      pen.fill();
    }
    pen.stroke();
  }
}

function drawNumber(pen, mark, number, by) {
  if (!mark.points.length) return;
  const [x, y] = mark.points[0];
  pen.font = "600 13px system-ui, sans-serif";
  const wide = pen.measureText(String(number)).width + 8;
  const left = Math.min(Math.max(0, x * by), state.width * by - wide);
  const top = Math.min(Math.max(0, y * by - 20), state.height * by - 18);
  pen.fillStyle = INK;
  pen.fillRect(left, top, wide, 18);
  pen.fillStyle = "white";
  pen.fillText(String(number), left + 4, top + 13);
}

function draw() {
  const board = canvas();
  if (!board || !state.image) return;
  const by = scale();
  const sharp = window.devicePixelRatio || 1;
  const [wide, tall] = [Math.round(state.width * by), Math.round(state.height * by)];
  board.style.width = wide + "px";
  board.style.height = tall + "px";
  board.style.touchAction = state.tool ? "none" : "auto";
  board.style.cursor = state.tool ? "crosshair" : "default";
  [board.width, board.height] = [Math.round(wide * sharp), Math.round(tall * sharp)];
  const pen = board.getContext("2d");
  pen.scale(sharp, sharp);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(state.image, 0, 0, wide, tall);
  const marks = state.draft ? [...state.marks, state.draft] : state.marks;
  marks.forEach((mark) => drawMark(pen, mark, by));
  if (marks.length > 1) marks.forEach((mark, place) => drawNumber(pen, mark, place + 1, by));
  board.dataset.marks = state.marks.length;
}

function tell() {
  const told = state.marks.map((mark) =>
    mark.given === undefined ? { kind: mark.kind, points: mark.points } : { given: mark.given });
  props.value = JSON.stringify(told);
  requestAnimationFrame(draw);
}

function take(text) {
  let told;
  try {
    told = JSON.parse(text || "null");
  } catch {
    return;
  }
  if (!told || !told.src) return;
  const image = new Image();
  image.onload = () => {
    Object.assign(state, { image, width: told.width, height: told.height, marks: told.marks, draft: null });
    tell();
  };
  image.src = told.src;
}

function spot(event) {
  const box = canvas().getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * state.width;
  const y = ((event.clientY - box.top) / box.height) * state.height;
  const inside = (value, end) => Math.round(Math.min(Math.max(value, 0), end) * 100) / 100;
  return [inside(x, state.width), inside(y, state.height)];
}

function isLargeEnough(mark) {
  const size = (axis) => {
    const values = mark.points.map((point) => point[axis]);
    return Math.max(...values) - Math.min(...values);
  };
  if (mark.kind === "point") return true;
  if (mark.kind === "box") return size(0) >= 1 && size(1) >= 1;
  return mark.points.length > (mark.kind === "mask" ? 2 : 1);
}

element.addEventListener("pointerdown", (event) => {
  if (event.target !== canvas() || !state.tool || !state.image || event.button) return;
  event.preventDefault();
  event.target.setPointerCapture(event.pointerId);
  const here = spot(event);
  state.draft = { kind: state.tool, points: state.tool === "box" ? [here, here] : [here] };
  draw();
});

element.addEventListener("pointermove", (event) => {
  const draft = state.draft;
  if (!draft || draft.kind === "point") return;
  if (draft.kind === "box") draft.points = [draft.points[0], spot(event)];
  else if (draft.points.length < MOST_POINTS) draft.points.push(spot(event));
  draw();
});

function finish() {
  if (!state.draft) return;
  if (isLargeEnough(state.draft)) state.marks.push(state.draft);
  state.draft = null;
  tell();
}

element.addEventListener("pointerup", finish);
element.addEventListener("pointercancel", () => {
  state.draft = null;
  draw();
});

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.do === "undo") state.marks.pop();
  if (button.dataset.do === "clear") state.marks = [];
  if (button.dataset.do) return tell();
  state.tool = button.dataset.tool;
  element.querySelectorAll("[data-tool]").forEach((each) => each.setAttribute("aria-pressed", String(each === button)));
  draw();
});

watch("value", () => take(props.value));
new ResizeObserver(draw).observe(element);
take(props.value);
