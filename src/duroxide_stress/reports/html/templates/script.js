"use strict";
// Without this script the page is whole. With it, pictures can be read at a point, by pointer or by
// arrow keys, and folded cells open when they are linked to or printed.
(() => {
  const numbers = (text) => text.split(",").map((part) => (part === "" ? null : Number(part)));
  const written = (value) => (value === null ? "–" : value.toLocaleString("en", { maximumSignificantDigits: 4 }));

  function nearest(places, wanted) {
    let low = 0;
    let high = places.length - 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (places[middle] < wanted) low = middle;
      else high = middle;
    }
    return wanted - places[low] < places[high] - wanted ? low : high;
  }

  class Picture {
    constructor(figure) {
      this.figure = figure;
      this.plot = figure.querySelector(".plot");
      this.area = figure.querySelector(".area");
      this.spoken = document.createElement("p");
      this.spoken.className = "hidden";
      this.spoken.setAttribute("role", "status");
      figure.append(this.spoken);
      this.point = null;
      this.plot.setAttribute("tabindex", "0");
      this.plot.addEventListener("pointermove", (event) => this.follow(event));
      this.plot.addEventListener("pointerdown", (event) => this.follow(event));
      this.plot.addEventListener("pointerleave", () => this.clear());
      this.plot.addEventListener("blur", () => this.clear());
      this.plot.addEventListener("keydown", (event) => this.step(event));
    }

    read() {
      if (this.places) return;
      this.places = numbers(this.figure.dataset.places);
      this.moments = numbers(this.figure.dataset.moments);
      this.lines = [...this.figure.querySelectorAll(".legend li")].map((item) => ({
        name: item.textContent.trim(), values: numbers(item.dataset.values), shown: item.querySelector("b"),
      }));
      this.faults = [...this.figure.querySelectorAll(".band.fault")].map((band) => ({
        begin: Number(band.dataset.begin), end: Number(band.dataset.end), words: band.dataset.words,
      }));
    }

    follow(event) {
      this.read();
      const box = this.area.getBoundingClientRect();
      this.show(nearest(this.places, ((event.clientX - box.left) / box.width) * 1000));
    }

    step(event) {
      const last = (this.read(), this.places.length - 1);
      const from = this.point ?? -1;
      const to = { ArrowRight: from + 1, ArrowLeft: from - 1, Home: 0, End: last }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      this.show(Math.min(last, Math.max(0, to)));
      this.spoken.textContent = this.words;
    }

    show(point) {
      this.point = point;
      if (!this.cross) {
        this.cross = document.createElementNS("http://www.w3.org/2000/svg", "line");
        this.cross.setAttribute("class", "cross");
        this.cross.setAttribute("y2", "1000");
        this.area.append(this.cross);
      }
      for (const end of ["x1", "x2"]) this.cross.setAttribute(end, this.places[point]);
      const moment = this.moments[point];
      const half = this.moments.length > 1 ? (this.moments[1] - this.moments[0]) / 2 : 0;
      const at = this.figure.dataset.kind === "secs" ? `at ${written(moment)} s` : `at ${written(100 * moment)}%`;
      const near = this.figure.dataset.kind === "secs"
        ? this.faults.filter((fault) => fault.begin <= moment + half && fault.end >= moment - half).map((fault) => fault.words) : [];
      this.figure.querySelector(".at").textContent = [at, ...near.slice(0, 3)].join(", ");
      for (const line of this.lines) line.shown.textContent = written(line.values[point]);
      this.words = [at, ...this.lines.map((line) => `${line.name} ${written(line.values[point])}`), ...near].join(", ");
    }

    clear() {
      if (this.point === null) return;
      this.point = null;
      this.cross.remove();
      this.cross = null;
      this.figure.querySelector(".at").textContent = "";
      for (const line of this.lines) line.shown.textContent = "";
    }
  }

  for (const figure of document.querySelectorAll(".chart")) new Picture(figure);

  function unfold() {
    const wanted = location.hash && document.getElementById(location.hash.slice(1));
    if (wanted instanceof HTMLDetailsElement) {
      wanted.open = true;
      wanted.scrollIntoView();
    }
  }
  addEventListener("hashchange", unfold);
  unfold();

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of folded) one.open = false;
  });
})();
