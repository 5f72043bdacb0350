// The page as a person uses it, in Debian's Chromium: page.js URL SCENARIO [SCREENSHOT FOLDER]
// Ends with 0, or with a line that says what was not as expected.
"use strict";
const {readFileSync} = require("fs");
const {chromium} = require("playwright-core");

const [url, scenario, folder] = process.argv.slice(2);
const PHONE = {width: 390, height: 844}, DESK = {width: 1280, height: 900};
const PATIENCE = 20000;

/* All that can be pressed or filled in, by the names that a screen reader says. */
const CONTROLS = [
  'toolbar "Last 60 decisions, the newest first"', 'textbox "What should the car look for?"',
  'button "explore this room"', 'button "find the door"', 'button "find the kitchen"', 'combobox "at most"',
  'combobox "not faster than"', 'button "Explore"', 'button "turn left"', 'button "forward"', 'button "turn right"',
  'button "to the left"', 'button "backward"', 'button "to the right"', 'button "the letters drive"',
  'button "STOP tap or space bar · hold either for 1 s: emergency stop"',
];

function expect(good, what) {
  if (!good) { throw new Error(what); }
}

async function open(browser, viewport, colorScheme = "light") {
  const page = await browser.newPage({viewport, colorScheme, hasTouch: viewport === PHONE});
  page.setDefaultTimeout(PATIENCE);
  page.on("pageerror", error => { console.log("page: " + error.message); process.exitCode = 1; });
  page.on("request", request => {
    const there = request.url();
    if (!there.startsWith(url) && !/^(blob|data):/.test(there)) {
      console.log("asked for something elsewhere: " + there);
      process.exitCode = 1;
    }
  });
  await page.goto(url, {waitUntil: "domcontentloaded"});
  return page;
}

/* Asked so often, not with each frame: those that are painted only to be asked cost the car's processor. */
const until = (page, condition, given) => page.waitForFunction(condition, given, {polling: 50});
const state = (page, ...wanted) =>
  until(page, names => names.includes(document.querySelector("#state").dataset.state), wanted);
const ended = (page, reason) =>
  until(page, why => document.querySelector("#mission").textContent.startsWith("ended by " + why), reason);
const shoot = (page, name) => folder ? page.screenshot({path: `${folder}/${name}.png`}) : null;

async function explore(page) {
  await until(page, () => !document.querySelector("#go").disabled);
  await page.click("#go");
  await state(page, "exploring");
}

async function fits(page) {
  const [wide, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  expect(wide <= inner, `the page is ${wide} pixels wide in a window of ${inner}`);
  for (const top of [0, 600, 100000]) {
    await page.evaluate(y => scrollTo(0, y), top);
    const box = await page.locator("#stop").boundingBox(), size = page.viewportSize();
    expect(box.y >= 0 && box.y + box.height <= size.height && box.height >= 64, "STOP scrolled away");
  }
  await page.evaluate(() => scrollTo(0, 0));
}

/* ---- for those who do not see it, or use no mouse ---- */
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice", "experimental"];

async function audit(page, name) {
  await page.evaluate(AXE);
  const {violations, passes} = await page.evaluate(tags => axe.run({runOnly: tags}), RULES);
  expect(passes.length > 30, `axe looked at ${passes.length} rules only`);
  expect(violations.length === 0, `${name}: ` + violations.map(({id, nodes}) => id + nodes.map(({html, failureSummary}) =>
    `\n    ${html}\n      ${failureSummary}`).join("")).join("\n"));
}

/* The same page on the sizes and in the colours that it is made for. What the gate holds back comes and goes ten
   times a second, so the page learns nothing new of it from when it says what is named until axe has looked. */
async function auditAll(page, name, veto = "") {
  await until(page, words => {
    const there = document.querySelector("#veto").textContent.startsWith(words);
    if (there) { window.showNews = window.show; window.show = () => {}; }
    return there;
  }, veto);
  for (const [screen, viewport] of [["phone", PHONE], ["desk", DESK]]) {
    for (const colorScheme of ["dark", "light"]) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({colorScheme});
      await audit(page, `${name}, ${screen}, ${colorScheme}`);
      await shoot(page, `${name}-${screen}-${colorScheme}`);
    }
  }
  await page.evaluate(() => { window.show = window.showNews; });
}

/* Where the Tab key leads, until what has the focus matches; nothing on the way is hidden by something else. */
async function tabTo(page, selector, key = "Tab") {
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press(key);
    const at = await page.evaluate(wanted => {
      const here = document.activeElement, box = here.getBoundingClientRect();
      const x = Math.max(0, box.left) + Math.min(box.width, innerWidth) / 2, y = box.top + box.height / 2;
      const top = document.elementFromPoint(x, y);
      return {there: here.matches(wanted), id: here.id || here.outerHTML.slice(0, 80), page: here === document.body,
        seen: here.contains(top), ring: getComputedStyle(here).outlineStyle !== "none"};
    }, selector);
    expect(at.page || at.seen, `${at.id} has the focus and lies behind something`);
    expect(at.page || at.ring, `${at.id} has the focus and does not show it`);
    if (at.there) { return; }
  }
  throw new Error(`no Tab leads to ${selector}`);
}
const focused = (page, selector) => page.evaluate(wanted => document.activeElement.matches(wanted), selector);

/* As a keyboard does it: the key repeats while it is held. What was read out by the time it is let go. */
async function holdKey(page, key, reached) {
  let there = false;
  const waiting = reached.then(() => { there = true; });
  while (!there) {
    await page.keyboard.down(key);
    await Promise.race([waiting, page.waitForTimeout(40)]);
  }
  await page.waitForTimeout(500);
  const told = await page.textContent("#aloud");
  await page.keyboard.up(key);
  return told;
}

const scenarios = {
  async axe(browser) {
    const page = await open(browser, PHONE);
    await state(page, "idle");
    await until(page, () => !document.querySelector("#go").disabled);
    await auditAll(page, "idle");
    await explore(page);
    await until(page, () => document.querySelector("#ribbon .held"));
    await page.focus("#ribbon .held");
    await page.keyboard.press("Enter");
    await until(page, () => !document.querySelector("#detail").hidden);
    await auditAll(page, "held", "Held back: ");
    await page.evaluate(() => estop());
    await state(page, "estop");
    await auditAll(page, "latched", "Emergency stop");
  },

  async keyboard(browser) {
    const page = await open(browser, DESK);
    await state(page, "idle");
    await until(page, () => !document.querySelector("#go").disabled);
    for (const height of [500, 520, 600, 700, 844]) { /* each has something else at its edge */
      await page.setViewportSize({...PHONE, height});
      await tabTo(page, "#stop");
      await tabTo(page, "#strip", "Shift+Tab");
    }
    await page.setViewportSize(DESK);
    await tabTo(page, "#goal");
    await page.keyboard.type("find the door");
    await tabTo(page, "#go");
    await page.keyboard.press("Enter");
    await state(page, "exploring");
    await until(page, () => document.activeElement.id === "stop"); /* Explore cannot be pressed any more */

    await until(page, () => document.querySelectorAll("#ribbon button").length > 20);
    await tabTo(page, "#ribbon button", "Shift+Tab");
    const number = () => page.evaluate(() => Number(document.activeElement.getAttribute("aria-label").match(/decision (\d+)/)[1]));
    const newest = await number();
    for (const [key, expected] of [["ArrowRight", 1], ["ArrowRight", 2], ["ArrowLeft", 1], ["Home", 0], ["ArrowRight", 1]]) {
      await page.keyboard.press(key);
      expect(newest - await number() === expected, `${key} leads to decision ${await number()}, from ${newest}`);
    }
    await page.keyboard.press("Enter");
    await until(page, () => document.querySelector("#facts").textContent.includes("probabilities"));
    await page.waitForTimeout(1500); /* as long as a ribbon of 36 decisions a second is */
    expect(await focused(page, "#ribbon [aria-pressed=true]"), "the ribbon runs away below the focus");
    expect((await page.textContent("#facts dd")).startsWith(`${newest - 1}: `), "another decision was opened");
    await page.keyboard.press("Space");
    await ended(page, "stop");
    await state(page, "idle");
    await tabTo(page, "#state, #goal"); /* away, and the ribbon goes on */
    await until(page, last => document.querySelector("#ribbon button").ariaLabel.includes("decision ") &&
      !document.querySelector("#ribbon button").ariaLabel.includes(`decision ${last},`), newest);

    await tabTo(page, "#go");
    await until(page, () => !document.querySelector("#go").disabled);
    await page.keyboard.press("Enter");
    await state(page, "exploring");
    await until(page, () => document.activeElement.id === "stop");
    await page.keyboard.press("Enter");
    await ended(page, "stop");
    await state(page, "idle");
    await page.waitForTimeout(1300);
    await state(page, "idle"); /* a press is no emergency stop */
    for (const key of ["Enter", "Space"]) {
      const begun = Date.now(), told = await holdKey(page, key, state(page, "estop"));
      expect(Date.now() - begun > 1000, `${key} is an emergency stop at once`);
      expect(told === "", `"${told}" was told while ${key} was held, and its repetitions cut that off`);
      await until(page, () => document.querySelector("#aloud").textContent.startsWith("Emergency stop"));
      await tabTo(page, "#reset");
      await page.keyboard.press("Enter");
      await state(page, "idle");
      await until(page, () => document.activeElement.id === "stop");
      await until(page, () => document.querySelector("#aloud").textContent === "");
    }

    await tabTo(page, "#pad button", "Shift+Tab");
    await page.keyboard.down("Enter");
    await state(page, "driven");
    await page.keyboard.up("Enter");
    await state(page, "idle");
    await page.keyboard.down("q");
    await state(page, "driven");
    await page.keyboard.down("Control"); /* and the letter is let go below it */
    await page.keyboard.up("q");
    await page.keyboard.up("Control");
    await state(page, "idle");
    await tabTo(page, "#letters");
    await page.keyboard.press("Enter");
    await page.keyboard.down("q");
    await page.waitForTimeout(500);
    expect(await page.getAttribute("#state", "data-state") === "idle", "a letter drives that was told not to");
    await page.keyboard.up("q");
  },

  async told(browser) {
    const page = await open(browser, DESK);
    await state(page, "idle");
    await until(page, () => !document.querySelector("#go").disabled);
    const tree = async () => (await page.locator("body").ariaSnapshot()).split("\n").map(line => line.trim());
    const has = (lines, ...wanted) => {
      for (const line of wanted) { expect(lines.includes(line), `${line}\n is not in\n${lines.join("\n")}`); }
    };
    let lines = await tree();
    has(lines, '- heading "turbonav" [level=1]', "- status: idle", '- img "What the car sees"', '- img "Lidar plot"');
    const controls = lines.map(line => line.match(/^- '?((?:button|textbox|combobox|toolbar) ".*?")( \[.*\])?'?:?/))
      .filter(Boolean).map(found => found[1]).filter(name => !/decision \d/.test(name));
    expect(controls.join("\n") === CONTROLS.join("\n"), `the controls are\n${controls.join("\n")}`);

    /* What is read out by itself, and nothing that changes all the time. */
    const live = await page.evaluate(() => [...document.querySelectorAll(
      "[aria-live], [role=status], [role=alert], [role=log], [role=timer], output")].map(region => region.id));
    expect(live.join() === "state,degenerate,said,alarm,aloud", `live are ${live}`);
    const session = await page.context().newCDPSession(page);
    const {nodes} = await session.send("Accessibility.getFullAXTree");
    const kinds = nodes.map(node => [node.role.value, (node.properties || []).find(({name}) => name === "live")?.value.value])
      .filter(([, kind]) => kind).map(kind => kind.join(" ")).sort();
    expect(kinds.join() === "alert assertive,status polite,status polite,status polite", `Chromium has ${kinds}`);
    await page.evaluate(regions => {
      window.spoken = [];
      window.changes = 0;
      for (const id of regions) {
        const region = document.getElementById(id);
        new MutationObserver(() => spoken.push([id, region.textContent]))
          .observe(region, {childList: true, characterData: true, subtree: true});
      }
      for (const id of ["age", "veto", "clear", "mission"]) {
        new MutationObserver(() => { changes++; }).observe(document.getElementById(id), {childList: true});
      }
    }, live);
    await explore(page);
    await until(page, () => spoken.some(([id]) => id === "aloud"));
    for (const end = Date.now() + PATIENCE; !lines.some(line => /^- status: ['"]?Held back: [a-z ]+['"]?$/.test(line));) {
      expect(Date.now() < end, `no veto in\n${lines.join("\n")}`);
      await until(page, () => document.querySelector("#aloud").textContent);
      lines = await tree();
    }
    has(lines, "- status: exploring");
    await page.waitForTimeout(12000);
    const [spoken, changes] = await page.evaluate(() => [window.spoken, window.changes]);
    expect(changes > 60, `only ${changes} changes on the page`);
    expect(spoken.length <= 10, `it chatters: ${JSON.stringify(spoken)}`);
    spoken.forEach(([id, text], i) => {
      const before = spoken.slice(0, i).filter(([other]) => other === id).at(-1);
      expect(!before || before[1] !== text, `"${text}" was written again`);
    });

    await page.keyboard.press("Space");
    await until(page, () => document.querySelector("#said").textContent.startsWith("The exploration ended by stop"));
    await page.evaluate(() => estop());
    await state(page, "estop");
    await until(page, () => document.querySelector("#aloud").textContent.startsWith("Emergency stop"));
    lines = await tree();
    has(lines, "- status: E-STOP", '- button "Explore" [disabled]', '- button "Reset e-stop"');
    expect(lines.some(line => /^- status: ['"]?Emergency stop: nothing moves until the reset['"]?$/.test(line)),
      `no emergency stop in\n${lines.join("\n")}`);
  },

  async explore(browser) {
    const page = await open(browser, PHONE, "dark");
    await state(page, "idle");
    await page.click("#goals button:nth-child(2)");
    expect(await page.inputValue("#goal") === "find the door", "the chip is not the goal");
    await explore(page);
    const seen = new Set();
    for (const end = Date.now() + PATIENCE; seen.size < 4;) {
      expect(Date.now() < end, "the pictures do not change");
      seen.add(await page.getAttribute("#picture", "src"));
      await page.waitForTimeout(100);
    }
    await until(page, () => document.querySelectorAll("#ribbon button").length > 20);
    await shoot(page, "phone");
    await page.tap("#ribbon button:nth-child(3)");
    await until(page, () => document.querySelector("#then").naturalWidth > 0);
    expect(/probabilities.*forward 0\.\d\d/.test(await page.textContent("#facts")), "no facts of a decision");
    await fits(page);
    await page.reload({waitUntil: "domcontentloaded"});
    await state(page, "exploring");
    await page.tap("#stop");
    await ended(page, "stop");
    await state(page, "idle");
    await page.click("#goals button:nth-child(2)");
    await explore(page);
    await page.keyboard.press("Space");
    await ended(page, "stop");
  },

  async estop(browser) {
    const page = await open(browser, DESK);
    await state(page, "idle");
    await explore(page);
    const box = await page.locator("#stop").boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.waitForTimeout(1300);
    await page.mouse.up();
    await state(page, "estop");
    await shoot(page, "estop");
    expect(await page.isDisabled("#go"), "Explore can be pressed in an emergency stop");
    expect((await page.textContent("#veto")).includes("Emergency stop"), "no banner");
    await page.click("#reset");
    await state(page, "idle");
    await explore(page);
    await fits(page);
    await shoot(page, "desk");
  },

  async drive(browser) {
    const page = await open(browser, PHONE);
    await state(page, "idle");
    const button = page.locator("#pad button").nth(0);
    await button.scrollIntoViewIfNeeded();
    await button.dispatchEvent("pointerdown");
    await state(page, "driven");
    /* Armed, and past the first steps of the slew, which no wheel feels. */
    await until(page, () => status && status.safety.given.wz_mrad_s > 600);
    await button.dispatchEvent("pointerup");
    await state(page, "idle");
    await shoot(page, "drive");
  },

  async veto(browser) {
    const page = await open(browser, DESK);
    await state(page, "idle");
    await explore(page);
    await until(page, () => document.querySelector("#veto").textContent.startsWith("Held back: "));
    await shoot(page, "veto");
    await until(page, () => document.querySelector("#ribbon .held"));
  },

  async gone(browser) {
    const page = await open(browser, PHONE);
    await state(page, "idle");
    console.log("ready");
    await state(page, "offline");
    await until(page, () => document.querySelector("#age").textContent.startsWith("STALE"));
    expect(await page.locator("#video.stale").count() === 1, "an old picture looks like a new one");
    await page.keyboard.press("Space");
    await until(page, () => document.querySelector("#alarm").textContent.startsWith("STOP did not arrive"));
    expect(await page.locator("#alarm").isVisible(), "it is not seen that STOP did not arrive");
    await fits(page);
    await audit(page, "gone");
    await shoot(page, "gone");
  },
};

(async () => {
  const browser = await chromium.launch({executablePath: `${__dirname}/chromium.sh`, args: ["--no-sandbox", "--disable-gpu"]});
  try {
    await scenarios[scenario](browser);
  } catch (error) {
    console.log(error.stack);
    for (const page of browser.contexts().flatMap(context => context.pages())) {
      console.log(await page.textContent("#strip"), "|", await page.textContent("#said"));
    }
    process.exitCode = 1;
  }
  await browser.close();
})();
