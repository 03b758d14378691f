// The Data page: pictures as PNG, and trends that can be zoomed.

async function savePicture(button) {
  const svg = await (await fetch(button.dataset.png)).text();
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  // A canvas has at most 16,384 pixels each way.
  const scale = Math.min(2, 16384 / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  canvas.width = image.width * scale;
  canvas.height = image.height * scale;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = button.dataset.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// A canvas needs the colours themselves: the computed colour of an element that uses them.
function colour(figure, name) {
  figure.style.outlineColor = `var(${name})`;
  const found = getComputedStyle(figure).outlineColor;
  figure.style.outlineColor = "";
  return found;
}

function drawTrend(figure) {
  const points = JSON.parse(figure.dataset.points);
  // Days begin in Beijing; as UTC they are written the same everywhere.
  const times = points.map(([day]) => Date.parse(`${day}T00:00:00Z`) / 1000);
  const values = points.map(([, value]) => value);
  const picture = figure.querySelector(".chart-scroll");
  const axis = { stroke: colour(figure, "--dim"), grid: { stroke: colour(figure, "--line") } };
  const width = figure.clientWidth;
  picture.hidden = true;
  const chart = new uPlot(
    {
      width,
      height: Math.max(220, Math.min(360, width * 0.4)),
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
      scales: { y: { range: (_chart, _low, high) => [0, (high || 1) * 1.05] } },
      axes: [
        { ...axis, values: "{YYYY}-{MM}-{DD}", space: 90 },
        { ...axis, size: 70 },
      ],
      series: [
        { label: figure.dataset.period, value: "{YYYY}-{MM}-{DD}" },
        { label: figure.dataset.label, stroke: colour(figure, "--accent"), width: 2 },
      ],
    },
    [times, values],
  );
  // The table below has the same numbers as text.
  chart.root.querySelector("canvas").role = "img";
  chart.root.querySelector("canvas").ariaLabel = picture.ariaLabel;
  picture.after(chart.root);
  new ResizeObserver(() => {
    if (figure.clientWidth !== chart.width) {
      chart.setSize({ width: figure.clientWidth, height: chart.height });
    }
  }).observe(figure);
  const caption = figure.querySelector("figcaption");
  caption.append(` ${figure.dataset.hint}`);
}

function enhance() {
  for (const button of document.querySelectorAll("button[data-png]")) button.hidden = false;
  for (const figure of document.querySelectorAll("figure[data-points]")) {
    if (window.uPlot && !figure.querySelector(".uplot")) drawTrend(figure);
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-png]");
  if (button) savePicture(button);
});
document.addEventListener("htmx:afterSettle", enhance);
enhance();
