// On a narrow window the room that one is in is scrolled into sight.
for (const here of document.querySelectorAll(".rooms [aria-current], .tabs-row [aria-current]")) {
  here.parentElement.scrollLeft = here.offsetLeft - (here.parentElement.clientWidth - here.offsetWidth) / 2;
}
