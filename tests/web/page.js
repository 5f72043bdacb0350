// The page as a person uses it, in Debian's Chromium: page.js URL SCENARIO [SCREENSHOT FOLDER]
// Ends with 0, or with a line that says what was not as expected.
"use strict";
const {chromium} = require("playwright-core");

const [url, scenario, folder] = process.argv.slice(2);
const PHONE = {width: 390, height: 844}, DESK = {width: 1280, height: 900};
const PATIENCE = 20000;

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

const state = (page, ...wanted) =>
  page.waitForFunction(names => names.includes(document.querySelector("#state").dataset.state), wanted);
const ended = (page, reason) =>
  page.waitForFunction(why => document.querySelector("#mission").textContent.startsWith("ended by " + why), reason);
const shoot = (page, name) => folder ? page.screenshot({path: `${folder}/${name}.png`}) : null;

async function explore(page) {
  await page.waitForFunction(() => !document.querySelector("#go").disabled);
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

const scenarios = {
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
    await page.waitForFunction(() => document.querySelectorAll("#ribbon button").length > 20);
    await shoot(page, "phone");
    await page.click("#ribbon button:nth-child(3)");
    await page.waitForFunction(() => document.querySelector("#then").naturalWidth > 0);
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
    await page.waitForFunction(() => status && status.safety.given.wz_mrad_s > 600);
    await button.dispatchEvent("pointerup");
    await state(page, "idle");
    await shoot(page, "drive");
  },

  async veto(browser) {
    const page = await open(browser, DESK);
    await state(page, "idle");
    await explore(page);
    await page.waitForFunction(() => document.querySelector("#veto").textContent.startsWith("Held back: "));
    await shoot(page, "veto");
    await page.waitForFunction(() => document.querySelector("#ribbon .held"));
  },

  async gone(browser) {
    const page = await open(browser, PHONE);
    await state(page, "idle");
    console.log("ready");
    await state(page, "offline");
    await page.waitForFunction(() => document.querySelector("#age").textContent.startsWith("STALE"));
    expect(await page.locator("#video.stale").count() === 1, "an old picture looks like a new one");
    await shoot(page, "gone");
  },
};

(async () => {
  const browser = await chromium.launch({executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"]});
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
