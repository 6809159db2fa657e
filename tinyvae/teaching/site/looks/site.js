// The theme's arrows beside what has pages under it say nothing to those who cannot see them.
document.addEventListener("DOMContentLoaded", () => {
  for (const arrow of document.querySelectorAll("summary:has(> .toctree-toggle)")) {
    const name = arrow.closest("li")?.querySelector("a")?.textContent.trim() ?? "";
    arrow.setAttribute("aria-label", `Pages under ${name}`);
  }
});
