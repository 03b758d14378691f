// Small helps that a page works without.

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const text = source ? (source.value ?? source.textContent) : button.dataset.text;
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = button.dataset.done ?? "✓";
  } catch {
    // Without the permission the text is selected, so that a key copies it.
    if (source) getSelection().selectAllChildren(source);
    return;
  }
  setTimeout(() => { button.textContent = before; }, 1500);
});

// On a phone the bar scrolls: the page that is open is seen in it.
const bar = document.querySelector(".bar nav");
const open = bar?.querySelector("[aria-current]");
if (open) bar.scrollLeft = open.offsetLeft - (bar.clientWidth - open.offsetWidth) / 2;
