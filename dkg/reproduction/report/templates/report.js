// The contents are folded on a small screen, the search hides the records without the words, and a
// picture is enlarged. None is needed to read the page. Without "less than" and "and" signs it is XML as well.
const search = document.getElementById("search");
const found = document.getElementById("found");
const contents = document.getElementById("contents");
contents.open = matchMedia("(min-width: 64rem)").matches;
contents.addEventListener("click", (event) => {
  if (event.target.closest("a")) contents.open = matchMedia("(min-width: 64rem)").matches;
});
search.parentElement.hidden = false;
search.addEventListener("input", () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const part of document.querySelectorAll(".record, .remark")) {
    const text = part.textContent.toLowerCase();
    part.hidden = !words.every((word) => text.includes(word));
    if (!part.hidden) shown += 1;
  }
  for (const chapter of document.querySelectorAll(".chapter")) {
    const parts = [...chapter.querySelectorAll(".record, .remark")];
    const empty = parts.every((part) => part.hidden);
    chapter.hidden = words.length ? empty : false;
  }
  found.textContent = words.length ? `${shown} found` : "";
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "/") return;
  if (event.target === search) return;
  event.preventDefault();
  search.focus();
});
for (const figure of document.querySelectorAll("figure")) {
  const enlarge = () => {
    figure.classList.toggle("large");
    figure.scrollIntoView({ block: "nearest" });
  };
  figure.title = "Full size: click, or press Enter";
  figure.addEventListener("click", enlarge);
  figure.addEventListener("keydown", (event) => {
    if (event.key === "Enter") enlarge();
  });
}
