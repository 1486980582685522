// Runs before the first paint, so that a chosen theme never flashes in the other one's colours.
try {
  var theme = localStorage.getItem("cowatch.theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch (error) {
  // Storage may be forbidden: the system's theme is used.
}
