// The page of a function: a key runs it, and its result comes into view.

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.id === "event") {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});

document.addEventListener("htmx:afterSettle", () => {
  const shown = document.querySelector("#wrong-event") ?? document.querySelector("#result .facts-line");
  shown?.scrollIntoView({ block: "nearest" });
});
