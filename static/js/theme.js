// Runs before the first paint, so that a chosen theme never flashes. The button is wired in page.js.
(() => {
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage is forbidden here: the theme follows the system.
  }
  document.documentElement.classList.add("scripted-page");
})();
