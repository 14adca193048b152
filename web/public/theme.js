// Runs before the first paint, so that a chosen theme doesn't flash. Kept apart because inline scripts are refused.
(() => {
  try {
    const theme = localStorage.getItem("taproom.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Storage is off: the system's choice holds.
  }
})();
