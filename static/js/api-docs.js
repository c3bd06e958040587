// Swagger UI has a dark dress of its own; it follows the console's theme. Runs before the first paint.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => root.classList.toggle("dark-mode", root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  system.addEventListener("change", follow);
  addEventListener("themechange", follow);
  follow();
})();
