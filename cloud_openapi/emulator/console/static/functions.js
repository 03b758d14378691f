// The page of a function: a key runs it, and its result comes into view.

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.id === "event") {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});

document.addEventListener("htmx:afterSettle", () => {
  document.querySelector("#wrong-event")?.scrollIntoView({ block: "nearest" });
  const shown = document.querySelector("#result .facts-line");
  const top = shown?.getBoundingClientRect().top ?? 0;
  if (top < 0 || top > innerHeight * 0.7) shown?.closest("#result").scrollIntoView();
});
